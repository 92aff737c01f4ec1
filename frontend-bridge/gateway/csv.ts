/** Records of nested JSON as a table of text (RFC 4180): a column a leaf, named by its path with dots; a list is its JSON. */
import { JsonText, printJson, readExactly } from '../../src/base/json/json-text.js';

export function flatten(record: Readonly<Record<string, unknown>>): Map<string, string> {
  const cells = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (value instanceof JsonText && typeof value.value === 'object') walk(readExactly(value.text), path);
    else if (
      value !== null &&
      typeof value === 'object' &&
      !Array.isArray(value) &&
      !(value instanceof JsonText)
    ) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    } else {
      cells.set(path, cell(value));
    }
  };
  walk(record, '');
  return cells;
}

export function csvLine(cells: Iterable<string>): string {
  const quoted = Array.from(cells, (text) =>
    /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text,
  );
  return `${quoted.join(',')}\r\n`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? printJson(value) : String(value);
}
