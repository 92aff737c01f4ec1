/** Durations that may be long: days (`30d`), too. */
import { parseDuration } from '../../base/duration.js';
import { CliError, EXIT } from '../exit.js';

const DAY_MS = 86_400_000;

/** Whole milliseconds. Throws `CliError` `bad_duration`, `out_of_range`. */
export function milliseconds(option: string, text: string, leastMs = 1000): number {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined) return Number(days) * DAY_MS;
  const read = parseDuration(text, leastMs);
  if (read.ok) return read.ms;
  throw new CliError(EXIT.badInput, read.code, `${option}: ${read.message}, or days like 30d`);
}
