/** Records as a Parquet file: a column a field, of the type that all its values have. */
import { type BasicType, parquetWriteBuffer } from 'hyparquet-writer';
import { plainOf, printJson } from '../../src/base/json/json-text.js';

export type Row = Readonly<Record<string, unknown>>;

/** Where a field has values of several types, or structures, its column is their JSON as text. */
export function parquetOf(names: readonly string[], rows: readonly Row[]): Uint8Array {
  const columnData = names.map((name) => {
    const type = typeOf(rows, name);
    const data = rows.map((row) => cell(row[name], type));
    return { name, data, type, nullable: true };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

function typeOf(rows: readonly Row[], name: string): BasicType {
  const kinds = new Set<string>();
  for (const row of rows) {
    const value = plainOf(row[name]);
    if (value !== null && value !== undefined) kinds.add(typeof value);
  }
  const [kind] = kinds;
  if (kinds.size !== 1) return 'STRING';
  return kind === 'number' ? 'DOUBLE' : kind === 'boolean' ? 'BOOLEAN' : 'STRING';
}

function cell(value: unknown, type: BasicType): unknown {
  const plain = plainOf(value);
  if (plain === null || plain === undefined) return null;
  if (type !== 'STRING') return plain;
  return typeof plain === 'string' ? plain : printJson(value);
}
