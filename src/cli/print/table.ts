import { inertText } from '../../base/inert.js';
import { plainOf } from '../../base/json/json-text.js';
import { shortNumber } from '../../model/shown-numbers.js';

/** Rows under their headings, in columns as wide as they need to be; numbers to the right, with six digits at most. */
export function table(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [headings, ...rows.map((row) => row.map(text))];
  const widths = headings.map((_heading, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  const numeric = headings.map((_heading, column) =>
    rows.every((row) => typeof plainOf(row[column]) === 'number'),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          numeric[column] && rows.length > 0 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function text(value: unknown): string {
  // Escaped here already, so that columns have the width of the escaped text.
  return value === null || value === undefined ? '' : inertText(shortNumber(value).replace(/\s+/g, ' '));
}
