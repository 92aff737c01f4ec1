/**
 * The store port on LMDB: one environment, one named database per table, and one that says what the store is and who reigns.
 *
 * 1. A commit is one LMDB transaction whose writes all depend on the version of the epoch's record, checked inside it.
 * 2. LMDB writes and syncs the pages, then writes the meta page through a descriptor that syncs itself, and only then moves
 *    its readers on.
 * 3. Keys are checked before the first write of a batch is under way: nothing that throws can leave half a batch behind.
 * 4. A handle that met an error other than lack of room writes nothing more: LMDB may refuse to begin a transaction then, and
 *    its binding would wait for one for ever.
 * 5. `close` waits for the commits and snapshots that are under way.
 */
import type { Transaction } from 'lmdb';
import { messageOf, TuttiError } from '../base/errors.js';
import {
  type Db,
  type Environment,
  type LmdbKey,
  lmdbKey,
  readEntries,
  readKeys,
  readValue,
  sizeOf,
} from './lmdb-environment.js';
import { failureOf, storeFailed, storeFull, storeOutOfPlace } from './lmdb-errors.js';
import { checkWrites } from './range.js';
import type { FileRoom } from './room.js';
import type { Migration } from './schema.js';
import {
  type CommitOutcome,
  type Entry,
  type Key,
  type Range,
  type Reader,
  type Store,
  type StoreStats,
  TABLES,
  type Table,
  type Write,
} from './store.js';

/** The database of the two records below. */
export const SELF = 'store';
/** The `store_id` as JSON; its version is the schema's. */
export const IDENTITY: (string | number)[] = ['identity'];
/** Empty; its version is the reigning epoch. */
export const EPOCH: (string | number)[] = ['epoch'];

export type Tables = Readonly<Record<Table, Db>>;

/** An outcome of the binding: whether the condition held, or why nothing was written. */
type Written =
  | { readonly kind: 'done'; readonly held: boolean }
  | { readonly kind: 'full'; readonly cause: unknown };

export class LmdbStore implements Store {
  private state:
    | { readonly kind: 'open' }
    | { readonly kind: 'failed'; readonly error: TuttiError }
    | { readonly kind: 'closed'; readonly done: Promise<void> } = { kind: 'open' };
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    readonly storeId: string,
    private readonly root: Environment,
    private readonly self: Db,
    private readonly tables: Tables,
    /** Nothing where it is only read. */
    private readonly room: FileRoom | undefined,
  ) {}

  reign(): Promise<number> {
    return this.track(this.raiseEpoch());
  }

  commit(epoch: number, writes: readonly Write[]): Promise<CommitOutcome> {
    return this.track(this.commitOnce(epoch, writes));
  }

  /** Take one step of the schema, from `version` to the next; nothing happens where another process has taken it. */
  async migrate(version: number, migration: Migration): Promise<void> {
    const writes = await this.snapshot(migration);
    checkWrites(writes);
    const identity = this.self.get(IDENTITY)!;
    const written = await this.write(IDENTITY, version, writes, () =>
      this.self.put(IDENTITY, identity, version + 1),
    );
    if (written.kind === 'full') throw storeFull(written.cause);
  }

  async get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    return readValue(this.latest(table), key, undefined);
  }

  async range(table: Table, range: Range): Promise<Entry[]> {
    return readEntries(this.latest(table), range, undefined);
  }

  async keys(table: Table, range: Range): Promise<Key[]> {
    return readKeys(this.latest(table), range, undefined);
  }

  async snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    this.check();
    return this.track(this.readOnce(read));
  }

  async stats(): Promise<StoreStats> {
    this.check();
    let bytesUsed = 0;
    const entries: Partial<Record<Table, number>> = {};
    for (const table of TABLES) {
      const size = sizeOf(this.latest(table));
      entries[table] = size.entries;
      bytesUsed += size.bytes;
    }
    return { bytesUsed, entries };
  }

  outOfPlace(): TuttiError | undefined {
    const what = this.room?.outOfPlace();
    return what === undefined ? undefined : storeOutOfPlace(what);
  }

  private demandPlace(): void {
    const error = this.outOfPlace();
    if (error !== undefined) throw error;
  }

  close(): Promise<void> {
    if (this.state.kind !== 'closed') this.state = { kind: 'closed', done: this.end() };
    return this.state.done;
  }

  private async raiseEpoch(): Promise<number> {
    for (;;) {
      this.check();
      const current = this.epoch();
      const next = current + 1;
      const written = await this.write(EPOCH, current, [], () =>
        this.self.put(EPOCH, new Uint8Array(), next),
      );
      if (written.kind === 'full') throw storeFull(written.cause);
      if (written.held) return next;
    }
  }

  /** Checked before and after: data in a file that was moved away is not durable. */
  private async commitOnce(epoch: number, writes: readonly Write[]): Promise<CommitOutcome> {
    this.check();
    checkWrites(writes);
    this.demandPlace();
    const written = await this.write(EPOCH, epoch, writes);
    this.demandPlace();
    if (written.kind === 'done' && written.held) return { kind: 'committed' };
    const reigning = this.epoch();
    if (written.kind === 'done' || reigning !== epoch) return { kind: 'fenced', epoch: reigning };
    return { kind: 'full', message: messageOf(written.cause) };
  }

  private async end(): Promise<void> {
    await Promise.allSettled(this.underWay);
    await this.room?.close();
    await this.root.close();
  }

  private async readOnce<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    // Without it the view could be one that an earlier read of this turn of the event loop began.
    this.root.resetReadTxn();
    // biome-ignore lint/correctness/useHookAtTopLevel: not a hook, only named like one
    const transaction = this.root.useReadTransaction();
    const view = new View(this.tables, transaction);
    try {
      return await read(view);
    } finally {
      view.end();
      transaction.done();
    }
  }

  /** Write all of it, and what `more` does, in one transaction, if the record `key` of `self` has this version in it. */
  private async write(
    key: LmdbKey,
    version: number,
    writes: readonly Write[],
    more?: () => unknown,
  ): Promise<Written> {
    if (this.room === undefined)
      throw new TuttiError('store_read_only', 'the store is open for reading only');
    const room = await this.room.take(
      writes,
      writes.every(({ op }) => op === 'delete'),
    );
    if (room.kind === 'full') return room;
    if (this.state.kind === 'failed') throw this.state.error;
    try {
      const held = await this.self.ifVersion(key, version, () => {
        this.queue(writes);
        more?.();
      });
      return { kind: 'done', held };
    } catch (error) {
      const { full, cause } = await failureOf(error);
      if (full) return { kind: 'full', cause };
      const failed = storeFailed(cause);
      if (this.state.kind === 'open') this.state = { kind: 'failed', error: failed };
      throw failed;
    } finally {
      room.giveBack();
    }
  }

  private queue(writes: readonly Write[]): void {
    for (const write of writes) {
      const db = this.tables[write.table];
      // Both are settled by the condition's own promise.
      if (write.op === 'put') void db.put(lmdbKey(write.key), write.value);
      else void db.remove(lmdbKey(write.key));
    }
  }

  private epoch(): number {
    this.root.resetReadTxn();
    return this.self.getEntry(EPOCH)?.version ?? 0;
  }

  private latest(table: Table): Db {
    this.check();
    this.root.resetReadTxn();
    return this.tables[table];
  }

  private check(): void {
    if (this.state.kind === 'closed') throw new TuttiError('store_closed', 'the store is closed');
  }

  private async track<T>(work: Promise<T>): Promise<T> {
    this.underWay.add(work);
    try {
      return await work;
    } finally {
      this.underWay.delete(work);
    }
  }
}

class View implements Reader {
  private ended = false;

  constructor(
    private readonly tables: Tables,
    private readonly transaction: Transaction,
  ) {}

  end(): void {
    this.ended = true;
  }

  async get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    return readValue(this.table(table), key, this.transaction);
  }

  async range(table: Table, range: Range): Promise<Entry[]> {
    return readEntries(this.table(table), range, this.transaction);
  }

  async keys(table: Table, range: Range): Promise<Key[]> {
    return readKeys(this.table(table), range, this.transaction);
  }

  /** LMDB does not survive the use of a transaction that has ended. */
  private table(table: Table): Db {
    if (this.ended)
      throw new TuttiError(
        'snapshot_ended',
        'the snapshot has ended: its reader is valid until `read` settles',
      );
    return this.tables[table];
  }
}
