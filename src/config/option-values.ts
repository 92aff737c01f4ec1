/** How the options' values are read, from text (flags, environment) or from YAML. */
import { isIP } from 'node:net';
import { delimiter } from 'node:path';
import { parseDuration } from '../base/duration.js';
import { PUBLIC_PAGES, type PublicPage } from '../model/access.js';

/** The value, or what would be right. */
export type Reading<T> = { readonly value: T } | { readonly expected: string };

/** Gives what an option's raw value means. */
export type ReadOption<T> = (raw: unknown) => Reading<T>;

export function wholeNumber(least: number, most: number): ReadOption<number> {
  return (raw) => {
    const number = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw;
    return Number.isInteger(number) && (number as number) >= least && (number as number) <= most
      ? { value: number as number }
      : { expected: `a whole number from ${least} to ${most}` };
  };
}

export const port: ReadOption<number> = (raw) =>
  'value' in wholeNumber(0, 65_535)(raw)
    ? wholeNumber(0, 65_535)(raw)
    : { expected: 'a port from 0 to 65535 (0 picks a free one)' };

/** A port, or whether there is one: `true` is the usual one. */
export function portOrSwitch(usual: number): ReadOption<number | false> {
  return (raw) => {
    if (raw === true || raw === 'true') return { value: usual };
    if (raw === false || raw === 'false') return { value: false };
    const read = port(raw);
    return 'value' in read ? read : { expected: `${read.expected}, true for ${usual}, or false` };
  };
}

const SIZES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Bytes, as a number or with a unit: `64KiB`. */
export function size(least: number, most: number): ReadOption<number> {
  return (raw) => {
    const match = /^(\d+)\s?(B|KiB|MiB|GiB)?$/.exec(String(raw));
    const bytes = match ? Number(match[1]) * SIZES[match[2] ?? 'B']! : Number.NaN;
    return bytes >= least && bytes <= most
      ? { value: bytes }
      : { expected: `a size from ${formatSize(least)} to ${formatSize(most)}, like 64KiB or 16MiB` };
  };
}

export function formatSize(bytes: number): string {
  const [unit, each] = Object.entries(SIZES).findLast(([, one]) => bytes >= one && bytes % one === 0) ?? [
    'B',
    1,
  ];
  return `${bytes / each}${unit}`;
}

export function duration(leastMs: number): ReadOption<number> {
  return (raw) => {
    const parsed = parseDuration(raw, leastMs);
    return parsed.ok
      ? { value: parsed.ms }
      : { expected: `a duration of at least ${leastMs}ms, like 500ms or 2s` };
  };
}

export const flag: ReadOption<boolean> = (raw) => {
  if (typeof raw === 'boolean') return { value: raw };
  if (raw === 'true' || raw === '1') return { value: true };
  if (raw === 'false' || raw === '0') return { value: false };
  return { expected: 'true or false' };
};

export function oneOf<const T extends string>(...values: readonly T[]): ReadOption<T> {
  return (raw) =>
    values.includes(raw as T) ? { value: raw as T } : { expected: `one of ${values.join(', ')}` };
}

/** The URL of a PostgreSQL database, which is read as a whole when it is used. */
export const storeUrl: ReadOption<string> = (raw) =>
  typeof raw === 'string' && /^postgres(ql)?:\/\//.test(raw)
    ? { value: raw }
    : { expected: 'a URL like postgres://user@host:5432/database' };

export const text: ReadOption<string> = (raw) =>
  typeof raw === 'string' && raw !== '' ? { value: raw } : { expected: 'a text' };

/** `localhost` and `*` become the addresses that they stand for: sockets are bound by address. */
export const bindAddress: ReadOption<string> = (raw) => {
  if (raw === 'localhost') return { value: '127.0.0.1' };
  if (raw === '*') return { value: '0.0.0.0' };
  if (typeof raw === 'string' && isIP(raw) > 0) return { value: raw };
  return { expected: 'an IP address of this machine, localhost, or * for all' };
};

/** A name or an address, without scheme and port. */
export const hostName: ReadOption<string> = (raw) =>
  typeof raw === 'string' && (isIP(raw) > 0 || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(raw))
    ? { value: raw }
    : { expected: 'a host name or an IP address, without scheme and port' };

/** Neither its value nor its length appears in a message. */
export const secret: ReadOption<string> = (raw) =>
  typeof raw === 'string' && /^[\x21-\x7e]+$/.test(raw)
    ? { value: raw }
    : { expected: 'printable ASCII without spaces' };

/** From text, items are separated as in `PATH`. */
export const paths: ReadOption<readonly string[]> = (raw) => list(raw, delimiter, text, 'a list of paths');

/** From text, items are separated by commas. */
export const origins: ReadOption<readonly string[]> = (raw) =>
  list(
    raw,
    ',',
    origin,
    'a list of origins, each with scheme, host and port, like https://tutti.example:8443',
  );

const origin: ReadOption<string> = (raw) => {
  const url = typeof raw === 'string' && URL.canParse(raw) ? new URL(raw) : undefined;
  return url && url.origin === raw ? { value: raw } : { expected: 'an origin' };
};

export const publicPages: ReadOption<readonly PublicPage[]> = (raw) =>
  list(raw, ',', oneOf(...PUBLIC_PAGES), `a list of ${PUBLIC_PAGES.join(', ')}`);

/** The address of a service, without credentials, a query and a fragment. */
export const httpUrl: ReadOption<string> = (raw) => {
  const url = typeof raw === 'string' && URL.canParse(raw) ? new URL(raw) : undefined;
  const isPlain = url && /^https?:$/.test(url.protocol) && `${url.username}${url.search}${url.hash}` === '';
  return isPlain
    ? { value: raw as string }
    : { expected: 'an http:// or https:// address, like http://127.0.0.1:4318' };
};

function list<T extends string>(
  raw: unknown,
  separator: string,
  read: ReadOption<T>,
  expected: string,
): Reading<readonly T[]> {
  const items = typeof raw === 'string' ? raw.split(separator).map((item) => item.trim()) : raw;
  if (!Array.isArray(items)) return { expected };
  const values = items.map(read).flatMap((item) => ('value' in item ? [item.value] : []));
  return values.length === items.length ? { value: Object.freeze(values) } : { expected };
}
