/**
 * The orchestrator's log as people read it: `[12:03:04.512] WARN: refused {"via":"control"}`. It goes to the same destination as JSON, so
 * nothing waits for a terminal that is not read. What comes from others is made inert before it is coloured.
 */
import { inertText } from '../base/inert.js';
import type { LogDestination } from '../base/log-destination.js';
import type { LogFormat } from '../config/options.js';

export interface LogStream {
  write(line: string): void;
}

export async function logStream(
  format: LogFormat,
  log: LogDestination,
  stderr: { readonly isTTY?: boolean } = process.stderr,
): Promise<LogStream> {
  if (format === 'json' || (format === 'auto' && stderr.isTTY !== true)) return log;
  // Only here: services log JSON and need none of it.
  const { isColorSupported, prettyFactory } = (await import('pino-pretty')).default;
  const pretty = prettyFactory({
    colorize: stderr.isTTY === true && isColorSupported,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
  });
  return { write: (line) => log.write(pretty(inert(JSON.parse(line) as unknown))) };
}

function inert(value: unknown): unknown {
  if (typeof value === 'string') return inertText(value);
  if (Array.isArray(value)) return value.map(inert);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [inertText(key), inert(item)]));
}
