/** Where an error was thrown, as people read it in a terminal: indented, and cut in its middle where it is long. */

/** Of each end. */
const SHOWN_LINES = 12;

/** Each line after a line feed and an indentation; empty where there is no stack. */
export function stackBelow(stack: unknown, indent = '    '): string {
  if (typeof stack !== 'string' || stack === '') return '';
  const lines = stack.split('\n');
  const left = lines.length - 2 * SHOWN_LINES;
  const shown =
    left <= 1
      ? lines
      : [
          ...lines.slice(0, SHOWN_LINES),
          `… ${left} lines are left out (whole with --json)`,
          ...lines.slice(-SHOWN_LINES),
        ];
  return shown.map((line) => `\n${indent}${line}`).join('');
}
