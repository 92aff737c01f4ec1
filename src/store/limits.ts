/** The limits of this process (`ulimit`) that decide whether a store can be opened. */
import { readFileSync } from 'node:fs';
import { TuttiError } from '../base/errors.js';

export interface Limits {
  /** Address space that is still free, in bytes; `Infinity` where there is no limit or no way to know it. */
  readonly addressBytes: number;
  /** The largest file that may be written, in bytes. */
  readonly fileBytes: number;
}

export function readLimits(): Limits {
  const limits = textOf('/proc/self/limits');
  const address = limitOf(limits, 'Max address space');
  const used = /^VmSize:\s+(\d+) kB$/m.exec(textOf('/proc/self/status'))?.[1];
  return {
    addressBytes: address - Number(used ?? 0) * 1024,
    fileBytes: limitOf(limits, 'Max file size'),
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Only Linux has them; elsewhere the limits show when they are met.
    return '';
  }
}

/** The soft limit. */
function limitOf(limits: string, name: string): number {
  const soft = new RegExp(`^${name}\\s+(\\d+)\\s`, 'm').exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

/** The address space that the rest of the process takes while it works: heap, thread stacks, buffers. */
const OTHERS_BYTES = 1024 ** 3;
/** A map that leaves less room to grow than this is not worth a start. */
const LEAST_GROWTH_BYTES = 256 * 1024 ** 2;
const MIB = 1024 ** 2;

/**
 * How much to map of a store that takes `usedBytes`: `wantedBytes`, or as much as the address space allows.
 * @throws `limit_too_low`
 */
export function mapBytesWithin(
  { addressBytes, fileBytes }: Limits,
  sizes: { readonly usedBytes: number; readonly leastFileBytes: number; readonly wantedBytes: number },
): number {
  const { usedBytes, leastFileBytes, wantedBytes } = sizes;
  if (fileBytes < leastFileBytes) {
    throw new TuttiError(
      'limit_too_low',
      `files may have ${inMib(fileBytes)} MiB; the store needs ${inMib(leastFileBytes)} MiB`,
      { hint: 'Raise the limit for files with `ulimit -f` (in systemd: LimitFSIZE).' },
    );
  }
  if (addressBytes === Number.POSITIVE_INFINITY) return wantedBytes;
  const bytes = Math.min(wantedBytes, Math.floor((addressBytes - OTHERS_BYTES) / MIB) * MIB);
  if (bytes >= usedBytes + LEAST_GROWTH_BYTES) return bytes;
  const needed = usedBytes + LEAST_GROWTH_BYTES + OTHERS_BYTES;
  throw new TuttiError(
    'limit_too_low',
    `this process may use ${inMib(addressBytes)} MiB more of address space; the store needs ${inMib(needed)} MiB`,
    { hint: 'Raise the limit for address space with `ulimit -v` (in systemd: LimitAS), or remove it.' },
  );
}

function inMib(bytes: number): number {
  return Math.max(0, Math.ceil(bytes / MIB));
}
