/**
 * From which event on a store has all the facts that its rows are made of: from the first where the store was made since facts are complete, later in
 * an older one.
 */
import type { Reader, Store } from '../store/store.js';
import { decodeRow, encodeRow } from './records.js';

const KEY = ['facts_since'];

/** Nothing where no process that knows of it has begun on the store. */
export async function factsSince(reader: Reader): Promise<number | undefined> {
  const stored = await reader.get('meta', KEY);
  return stored && decodeRow<number>(stored);
}

/** Notes it before the first fact of this process. Where the disk is too full for it, a later start does. */
export async function noteFactsSince(store: Store, epoch: number): Promise<void> {
  if ((await factsSince(store)) !== undefined) return;
  const cursor = await store.get('meta', ['cursor']);
  const since = (cursor ? decodeRow<number>(cursor) : 0) + 1;
  await store.commit(epoch, [{ op: 'put', table: 'meta', key: KEY, value: encodeRow(since) }]);
}
