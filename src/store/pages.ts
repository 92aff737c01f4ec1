/** Whole tables and ranges, read page by page: a table of any size takes no more memory than a page of it. */
import type { Entry, Key, Range, Reader, Table } from './store.js';

/** Few enough that nobody waits for them. */
const PAGE = 500;

export interface Paged {
  /** Only keys that begin with it. @default all */
  readonly prefix?: Key;
  /** From the last key to the first. @default false */
  readonly reverse?: boolean;
  /** So many are read at once. @default 500 */
  readonly page?: number;
}

/** The entries in order. What is written while they are read is seen or not; what is there throughout comes once. */
export function entriesOf(reader: Reader, table: Table, paged: Paged = {}): AsyncGenerator<Entry> {
  return inPages(
    (range) => reader.range(table, range),
    ({ key }) => key,
    paged,
  );
}

/** The keys, as `entriesOf`, without touching the values. */
export function keysOf(reader: Reader, table: Table, paged: Paged = {}): AsyncGenerator<Key> {
  return inPages(
    (range) => reader.keys(table, range),
    (key) => key,
    paged,
  );
}

async function* inPages<T>(
  read: (range: Range) => Promise<T[]>,
  keyOf: (item: T) => Key,
  { prefix = [], page: limit = PAGE, ...rest }: Paged,
): AsyncGenerator<T> {
  let after: Key | undefined;
  for (;;) {
    const page = await read({ prefix, ...rest, limit, ...(after && { after }) });
    yield* page;
    if (page.length < limit) return;
    after = keyOf(page.at(-1)!);
  }
}
