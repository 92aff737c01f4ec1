import { inertText } from '../base/inert.js';

/** Rows under their headings, in columns as wide as they need to be; numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [headings, ...rows.map((row) => row.map(text))];
  const widths = headings.map((_heading, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  const numeric = headings.map((_heading, column) => rows.every((row) => typeof row[column] === 'number'));
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
  return value === null || value === undefined ? '' : inertText(String(value).replace(/\s+/g, ' '));
}
