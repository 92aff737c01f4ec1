/** Lists that people read as a picture or a table: numbers, rows of numbers, records. */
import { entriesOf } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';

/** Fewer are read faster than a line is. */
const FEWEST_NUMBERS = 8;
/** A record with more fields is a document. */
const MOST_COLUMNS = 200;

export interface TableData {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** A list of numbers that is long enough to be drawn. */
export function numbersIn(value: unknown): readonly number[] | undefined {
  const items = itemsOf(value);
  if (!items || items.length < FEWEST_NUMBERS) return undefined;
  const numbers = items.map(plainOf);
  return numbers.every((item): item is number => typeof item === 'number') ? numbers : undefined;
}

/** Rows of equally many numbers, at least two by two. */
export function matrixIn(value: unknown): TableData | undefined {
  const rows = itemsOf(value)?.map(itemsOf);
  const width = rows?.[0]?.length ?? 0;
  if (!rows || rows.length < 2 || width < 2 || width > MOST_COLUMNS) return undefined;
  const isMatrix = rows.every(
    (row) => row?.length === width && row.every((cell) => typeof plainOf(cell) === 'number'),
  );
  return isMatrix
    ? {
        columns: Array.from({ length: width }, (_, index) => String(index)),
        rows: rows as readonly (readonly unknown[])[],
      }
    : undefined;
}

/** Objects that mostly have the same fields, at least two of them. */
export function recordsIn(value: unknown): TableData | undefined {
  const items = itemsOf(value);
  if (!items || items.length < 2 || !items.every(isObject)) return undefined;
  const records = items.map((item) => new Map(entriesOf(item as object)));
  const columns = [...new Set(records.flatMap((record) => [...record.keys()]))];
  if (columns.length === 0 || columns.length > MOST_COLUMNS) return undefined;
  const filled = records.reduce((sum, record) => sum + record.size, 0);
  if (filled < (records.length * columns.length) / 2) return undefined;
  return { columns, rows: records.map((record) => columns.map((name) => record.get(name))) };
}

function itemsOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(plainOf(value)) ? entriesOf(value as object).map(([, item]) => item) : undefined;
}

function isObject(value: unknown): boolean {
  const plain = plainOf(value);
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain);
}
