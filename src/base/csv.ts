/** Records of nested JSON as a table of text (RFC 4180): a column a leaf, named by its path with dots; a list is its JSON. */
import { entriesOf } from './json/exact.js';
import { plainOf, printJson } from './json/json-text.js';

export function flatten(record: Readonly<Record<string, unknown>>): Map<string, string> {
  const cells = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (isObject(value)) {
      for (const [key, inner] of entriesOf(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    } else {
      cells.set(path, cell(value));
    }
  };
  walk(record, '');
  return cells;
}

function isObject(value: unknown): value is object {
  const plain = plainOf(value);
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain);
}

/** Excel reads a file without it in the code page of its country. */
export const BYTE_ORDER_MARK = '\ufeff';

/** Characters with which spreadsheets begin a formula, including full-width signs. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A cell that a spreadsheet shows as the text that it is: with a `'` before text that it would calculate, except for numbers. */
export function inertCell(text: string): string {
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

export function csvLine(cells: Iterable<string>): string {
  const quoted = Array.from(cells, (text) =>
    /[",\r\n\t']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text,
  );
  return `${quoted.join(',')}\r\n`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof plainOf(value) === 'object' ? printJson(value) : String(value);
}
