/**
 * The store port. Everything that Tutti remembers goes in by `commit` and comes out by key, by ordered range, by page.
 *
 * 1. `commit` is the only write: all of a batch or nothing, durable (synced) before it resolves. Only the handle that has begun the reign
 *    commits under it; once another reign has begun, nothing further is acknowledged.
 * 2. Readers see only what is durable. The handle that reigns reads its own commits at once, any other one once the tables have reached
 *    them (`applied`).
 * 3. Keys are tuples and order as tuples do: element by element, numbers before strings, numbers by value, strings by
 *    their UTF-8 bytes, a prefix before what it begins. A key has at least one element and takes at most `MAX_KEY_BYTES` of
 *    `store/key.ts`; numbers are integers from 0 to 2^53-1, strings well-formed. Any other is a `bad_key`, in writes and reads.
 * 4. Values are bytes; what they mean is the caller's, who leaves them as they are until the commit has resolved.
 * 5. Commits take effect in the order of the calls.
 * 6. After `close` every call is rejected with `store_closed`.
 */

import type { TuttiError } from '../base/errors.js';

export type Key = readonly (string | number)[];

/** The tables, each with its key. Their contents are described in `orchestrator/tables/records.ts`. */
export const TABLES = [
  'meta',
  'graphs',
  'problems',
  'problem_ids',
  'problems_by_state',
  'problem_marks',
  'problems_by_mark',
  'iterations',
  'iteration_index',
  'unfinished',
  'approvals',
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
  'results',
  'items',
  'item_executions',
  'clusters',
  'secrets',
  'webhooks',
  'deployments',
  'campaigns',
  'campaign_specs',
  'services',
  'replicas',
  'grants',
  'connection_keys',
  'audit',
  'projects',
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
  /** Another epoch reigns; nothing was acknowledged and nothing ever will be through this handle. */
  | { readonly kind: 'fenced'; readonly epoch: number }
  /**
   * There is no room; nothing was written. Trying again later may succeed, and so may a batch of at most 300 deletes now: some room
   * is kept for them and for `reign`.
   */
  | { readonly kind: 'full'; readonly message: string }
  /**
   * Whether it is durable cannot be found out at the moment. The same batch has to be committed again, before any other one: it takes effect once.
   */
  | { readonly kind: 'unknown'; readonly message: string };

export interface StoreStats {
  /** The space of the entries; the files may be larger. */
  readonly bytesUsed: number;
  readonly entries: Readonly<Partial<Record<Table, number>>>;
}

export interface Store extends Reader {
  /** Stable over restarts; new after a restore. */
  readonly storeId: string;
  /** The number of the newest commit that this handle knows of: its own while it reigns, otherwise the newest in the tables. */
  readonly position: number;
  /**
   * Resolves when the tables hold everything up to a position: a view that another process begins from then on shows it.
   * @throws `fenced`, `store_gone`, `store_failed`
   */
  applied(position: number): Promise<void>;
  /**
   * Begin a new reign: raise the stored epoch durably and return it. Older epochs are fenced off from then on.
   * @throws `store_full`, `store_failed`
   */
  reign(): Promise<number>;
  /**
   * @throws `bad_key`: nothing was written. `store_failed`: no more can be, and this batch is there after a restart or not.
   * `store_gone`: it is not acknowledged; the same batch may be committed again later.
   */
  commit(epoch: number, writes: readonly Write[]): Promise<CommitOutcome>;
  /** Read with one view of the data, however many commits happen meanwhile. The reader is valid until `read` settles (`snapshot_ended`). */
  snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T>;
  stats(): Promise<StoreStats>;
  /** Why nothing more could be kept, though no commit may have met it yet: its files were removed, moved or replaced. Cheap. */
  outOfPlace(): TuttiError | undefined;
  /** Waits for what is under way. Idempotent. */
  close(): Promise<void>;
}
