/**
 * The store port. Everything that Tutti remembers goes in by `commit` and comes out by key, by ordered range, by page.
 *
 * 1. `commit` is the only write: all of a batch or nothing, durable (synced) before it resolves, and the reigning epoch is read inside
 *    its transaction.
 * 2. Readers see only what is durable.
 * 3. Keys are tuples and order as tuples do: element by element, numbers before strings, numbers by value, strings by
 *    their UTF-8 bytes, a prefix before what it begins.
 * 4. Values are bytes; what they mean is the caller's.
 */

export type Key = readonly (string | number)[];

/** The tables, each with its key. Their contents are described in `orchestrator/records.ts`. */
export const TABLES = [
  'meta',
  'graphs',
  'problems',
  'problem_ids',
  'problems_by_state',
  'iterations',
  'unfinished',
  'payloads',
  'events',
  'task_events',
  'nodes',
  'boots',
  'commands',
  'commands_pending',
  'idempotency',
  'idempotency_by_time',
  'blobs',
  'blob_refs',
] as const;
export type Table = (typeof TABLES)[number];

export type Write =
  | { readonly op: 'put'; readonly table: Table; readonly key: Key; readonly value: Uint8Array }
  | { readonly op: 'delete'; readonly table: Table; readonly key: Key };

export interface Entry {
  readonly key: Key;
  readonly value: Uint8Array;
}

export interface Range {
  /** Only keys that begin with it; the empty prefix is the whole table. */
  readonly prefix: Key;
  /** Start after this key in the direction of reading, exclusive. It need not exist. */
  readonly after?: Key;
  /** From the last key to the first. @default false */
  readonly reverse?: boolean;
  /** At most so many. @default unlimited */
  readonly limit?: number;
}

export interface Reader {
  get(table: Table, key: Key): Promise<Uint8Array | undefined>;
  /** The entries of a range, in order. */
  range(table: Table, range: Range): Promise<Entry[]>;
  /** The keys of a range, in order, without touching the values. */
  keys(table: Table, range: Range): Promise<Key[]>;
}

export type CommitOutcome =
  /** It is durable. */
  | { readonly kind: 'committed' }
  /** Another epoch reigns; nothing was written and nothing ever will be through this handle. */
  | { readonly kind: 'fenced'; readonly epoch: number }
  /** There is no room; nothing was written. Trying again later may succeed. */
  | { readonly kind: 'full'; readonly message: string };

export interface StoreStats {
  readonly bytesUsed: number;
  readonly entries: Readonly<Partial<Record<Table, number>>>;
}

export interface Store extends Reader {
  /** Stable over restarts; new after a restore. */
  readonly storeId: string;
  /** Begin a new reign: raise the stored epoch durably and return it. Older epochs are fenced off from then on. */
  reign(): Promise<number>;
  commit(epoch: number, writes: readonly Write[]): Promise<CommitOutcome>;
  /** Read with one view of the data, however many commits happen meanwhile. The reader is valid until `read` settles. */
  snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T>;
  stats(): Promise<StoreStats>;
  /** Idempotent. */
  close(): Promise<void>;
}
