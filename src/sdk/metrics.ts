/**
 * Numbers of a step of the work, as a line of the log that people see as curves.
 *
 * M1. The line has `stream: metrics` as a field, as printed lines have theirs, `step`, and each number under its name.
 * M2. A number is written as JavaScript writes it, so that `NaN` and the infinities are kept.
 */
const OWN_NAMES: readonly string[] = ['stream', 'step'];
/** Beside `stream` and `step`: a log line has at most 64 fields. */
const MOST = 60;

/** M1. The message and the fields. Throws `TypeError` for a value that is not a number, `RangeError` for a name that is not allowed. */
export function metricsLine(
  step: number,
  values: Readonly<Record<string, number>>,
): { readonly message: string; readonly fields: Readonly<Record<string, string>> } {
  const entries = Object.entries(values);
  if (entries.length === 0 || entries.length > MOST)
    throw new RangeError(`metrics takes 1 to ${MOST} numbers, not ${entries.length}`);
  const wrong = entries.find(([name]) => OWN_NAMES.includes(name) || name === '');
  if (wrong) throw new RangeError(`${JSON.stringify(wrong[0])} cannot be the name of a metric: give another`);
  const texts = entries.map(([name, value]) => [name, textOf(name, value)] as const);
  const said = texts.map(([name, text]) => `${name} ${text}`).join(', ');
  const fields = { stream: 'metrics', step: textOf('step', step), ...Object.fromEntries(texts) };
  return { message: `step ${fields.step}: ${said}`, fields };
}

/** M2. */
function textOf(name: string, value: unknown): string {
  if (typeof value !== 'number')
    throw new TypeError(`the metric ${name} is a ${typeof value}: give a number`);
  return String(value);
}
