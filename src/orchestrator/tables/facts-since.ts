/**
 * From which event on a store has all the facts that its rows are made of: from the first where the store was made since facts are complete, later in
 * an older one.
 */
import type { Reader, Store } from '../../store/store.js';
import { encodeRow } from './row.js';
import { cursorOf, cursors } from './tables.js';

const KEY = ['facts_since'];

/** Nothing where no process that knows of it has begun on the store. */
export async function factsSince(reader: Reader): Promise<number | undefined> {
  return cursors.get(reader, KEY);
}

/** Notes it before the first fact of this process. Where the disk is too full for it, a later start does. */
export async function noteFactsSince(store: Store, epoch: number): Promise<void> {
  if ((await factsSince(store)) !== undefined) return;
  const since = (await cursorOf(store)) + 1;
  await store.commit(epoch, [{ op: 'put', table: 'meta', key: KEY, value: encodeRow(since) }]);
}
