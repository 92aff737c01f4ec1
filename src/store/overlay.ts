/**
 * Rows that are committed and not in the tables yet, in layers from the oldest to the newest.
 *
 * O1. The layers and the tables together are the state after the newest commit. A layer whose rows the tables already have changes nothing:
 *     its rows are as new as the tables' or newer.
 * O2. A layer that somebody reads, or that is being written to the tables, is sealed: it no longer changes.
 */
import { compareKeys, encodeKey, readKey } from './key.js';
import { idOf, type Row } from './log/record.js';
import { boundsOf } from './range.js';
import type { Entry, Key, Range, Table } from './store.js';

/** O2. */
export class Layer {
  readonly #tables = new Map<Table, Map<string, Row>>();
  #bytes = 0;

  constructor(rows: Iterable<Row> = []) {
    this.add(rows);
  }

  /** The memory of its rows; of several rows with one key, the newest is kept. */
  get bytes(): number {
    return this.#bytes;
  }

  add(rows: Iterable<Row>): void {
    for (const row of rows) {
      let table = this.#tables.get(row.table);
      if (table === undefined) {
        table = new Map();
        this.#tables.set(row.table, table);
      }
      table.set(row.id, row);
      this.#bytes += row.keyBytes + row.valueBytes;
    }
  }

  in(table: Table): ReadonlyMap<string, Row> | undefined {
    return this.#tables.get(table);
  }

  /** The rows of each table that has any. */
  tables(): [Table, Row[]][] {
    return [...this.#tables].map(([table, rows]) => [table, [...rows.values()]]);
  }

  *rows(): Generator<Row> {
    for (const table of this.#tables.values()) yield* table.values();
  }
}

export type Layers = readonly Layer[];

/** The row of a key, if a layer has it. */
export function findRow(layers: Layers, table: Table, key: Key): Row | undefined {
  let id: string | undefined;
  for (let i = layers.length - 1; i >= 0; i -= 1) {
    const rows = layers[i]!.in(table);
    if (rows === undefined) continue;
    id ??= idOf(encodeKey(key));
    const row = rows.get(id);
    if (row !== undefined) return row;
  }
  return undefined;
}

/** The newest rows of a range, in its order. */
export function rowsIn(layers: Layers, table: Table, range: Range): Row[] {
  if (!layers.some((layer) => layer.in(table) !== undefined)) return [];
  const bounds = boundsOf(range);
  if (bounds === undefined) return [];
  const [low, high] = [idOf(bounds.low), idOf(bounds.high)];
  const newest = new Map<string, Row>();
  for (const layer of layers) {
    for (const [id, row] of layer.in(table) ?? []) if (id >= low && id < high) newest.set(id, row);
  }
  const direction = range.reverse === true ? -1 : 1;
  return [...newest.values()].sort((a, b) => (a.id < b.id ? -direction : direction));
}

/**
 * O1. The entries of a range as the rows leave them. `stored` are those of the tables, without a limit, in the range's order.
 */
export function* merged(rows: readonly Row[], stored: Iterable<Entry>, range: Range): Generator<Entry> {
  const direction = range.reverse === true ? -1 : 1;
  let left = range.limit ?? Number.POSITIVE_INFINITY;
  let next = 0;
  let key = keyAt(rows, next);
  function* rowsBefore(end: Key | undefined): Generator<Entry> {
    while (key !== undefined && left > 0 && (end === undefined || direction * compareKeys(key, end) < 0)) {
      const { value } = rows[next]!;
      if (value !== undefined) {
        left -= 1;
        // A copy: the row's bytes are part of a whole record's.
        yield { key, value: new Uint8Array(value) };
      }
      next += 1;
      key = keyAt(rows, next);
    }
  }
  if (left <= 0) return;
  for (const entry of stored) {
    yield* rowsBefore(entry.key);
    if (left <= 0) return;
    // A row of the same key comes in its turn.
    if (key !== undefined && compareKeys(key, entry.key) === 0) continue;
    left -= 1;
    yield entry;
    if (left <= 0) return;
  }
  yield* rowsBefore(undefined);
}

function keyAt(rows: readonly Row[], at: number): Key | undefined {
  const row = rows[at];
  return row && readKey(row.key, 0, row.key.length);
}
