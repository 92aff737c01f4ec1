/** Durations as people write them: a number and its unit, `500ms`, `60s`, `1.5m`, `1h`. */

/** Their form. */
export const DURATION: RegExp = /^(\d+(?:\.\d+)?)\s?(ms|s|m|h)$/;

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The longest that Node's timers can wait is 2^31 - 1 ms, which is a little more. */
const MAX_HOURS = 576;
const MAX_MS: number = MAX_HOURS * 3_600_000;

export type ParsedDuration =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly code: 'bad_duration' | 'out_of_range'; readonly message: string };

/** Whole milliseconds from `leastMs` to 576 h. */
export function parseDuration(value: unknown, leastMs: number): ParsedDuration {
  if (typeof value === 'number') {
    return {
      ok: false,
      code: 'bad_duration',
      message: `${value} has no unit: write ${value}s or ${value}ms`,
    };
  }
  const match = typeof value === 'string' ? DURATION.exec(value) : null;
  if (!match) {
    const shown = typeof value === 'string' ? JSON.stringify(value) : 'this';
    const message = `${shown} is not a duration: write a number and its unit, like 500ms, 60s, 5m or 1h`;
    return { ok: false, code: 'bad_duration', message };
  }
  const ms = Math.round(Number(match[1]) * UNITS_MS[match[2]!]!);
  if (ms < leastMs || ms > MAX_MS) {
    const message = `${value} is out of range: give ${formatDuration(leastMs)} to ${MAX_HOURS}h`;
    return { ok: false, code: 'out_of_range', message };
  }
  return { ok: true, ms };
}

/** The other way round, in the largest unit that leaves a whole number. */
export function formatDuration(ms: number): string {
  const [unit, size] = Object.entries(UNITS_MS).findLast(([, size]) => ms > 0 && ms % size === 0) ?? [
    's',
    1000,
  ];
  return `${ms / size}${unit}`;
}
