/** Whole tables and ranges, read page by page: a table of any size takes no more memory than a page of it. */
import type { Entry, Key, Reader, Table } from './store.js';

/** So many are read at once: few enough that nobody waits for them. */
const PAGE = 500;

export interface Paged {
  /** Only keys that begin with it. @default all */
  readonly prefix?: Key;
  /** From the last key to the first. @default false */
  readonly reverse?: boolean;
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
  read: (range: Paged & { prefix: Key; limit: number; after?: Key }) => Promise<T[]>,
  keyOf: (item: T) => Key,
  { prefix = [], ...rest }: Paged,
): AsyncGenerator<T> {
  let after: Key | undefined;
  for (;;) {
    const page = await read({ prefix, ...rest, limit: PAGE, ...(after && { after }) });
    yield* page;
    if (page.length < PAGE) return;
    after = keyOf(page.at(-1)!);
  }
}
