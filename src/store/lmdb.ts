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
import { join } from 'node:path';
import type { Transaction } from 'lmdb';
import { messageOf, TuttiError } from '../base/errors.js';
import { type IdSource, systemIds } from '../base/ids.js';
import { type Identity, readIdentity, storeGone, writeIdentity } from './identity.js';
import {
  type Db,
  type Environment,
  type EnvironmentOptions,
  fileSizeOf,
  type LmdbKey,
  lmdbKey,
  lookAt,
  type Opened,
  openDatabase,
  openEnvironment,
  readEntries,
  readKeys,
  readValue,
  sizeOf,
  storeFile,
} from './lmdb-environment.js';
import {
  failureOf,
  storeDamaged,
  storeFailed,
  storeFull,
  storeMissing,
  storeOutOfPlace,
  storeUnusable,
} from './lmdb-errors.js';
import { HeaderFault } from './lmdb-header.js';
import { checkWrites } from './range.js';
import { FileRoom } from './room.js';
import { MIGRATIONS, type Migration, newerSchema, olderSchema, schemaVersion } from './schema.js';
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

export interface LmdbStoreOptions extends EnvironmentOptions {
  /** The data directory; made where it is missing. The store is `store.mdb` and its lock file in it. */
  readonly dir: string;
  /** Where the `store_id` of a new store comes from. @default systemIds */
  readonly ids?: Pick<IdSource, 'uuid'>;
  /** @default MIGRATIONS */
  readonly migrations?: readonly Migration[];
  /** Where it is noted that there is a store. @default `identity.json` in `dir` */
  readonly identityFile?: string;
}

/** The database of the two records below. */
export const SELF = 'store';
/** The `store_id` as JSON; its version is the schema's. */
export const IDENTITY: (string | number)[] = ['identity'];
/** Empty; its version is the reigning epoch. */
const EPOCH = ['epoch'];

type Tables = Readonly<Record<Table, Db>>;

/**
 * Open or make the store of a data directory; with `readOnly` only one that is there, and nothing is changed.
 * @throws `store_schema_newer`, `store_schema_older` (with `readOnly`), `store_full`, `limit_too_low`, `store_damaged`, `store_missing`
 * (with `readOnly`), or `store_unusable`: no directory, no permission, not a store.
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const { dir, identityFile = join(dir, 'identity.json') } = options;
  let root: Environment | undefined;
  let store: LmdbStore | undefined;
  let noted: Identity | 'unreadable' | undefined;
  try {
    noted = await readIdentity(identityFile);
    const { kind } = lookAt(dir);
    if (kind !== 'store' && noted !== undefined)
      throw storeGone(dir, noted, kind === 'empty' ? 'is empty' : 'is not there');
    if (kind === 'missing' && options.readOnly) throw storeMissing(dir);
    if (kind === 'empty' && options.readOnly) throw storeDamaged(dir, 'is empty');
    const opened = openEnvironment(dir, options);
    root = opened.root;
    const within = await openWithin(opened, options, noted);
    store = within.store;
    const { migrations = MIGRATIONS } = options;
    for (const [index, migration] of [...migrations.entries()].slice(within.version - 1))
      await store.migrate(index + 1, migration);
    if (!options.readOnly && (noted === undefined || noted === 'unreadable')) {
      const created_at = new Date().toISOString();
      await writeIdentity(identityFile, { store_id: store.storeId, created_at });
    }
    return store;
  } catch (error) {
    await (store ?? root)?.close();
    if (error instanceof TuttiError) throw error;
    if (error instanceof HeaderFault && (noted !== undefined || !error.isForeign))
      throw storeDamaged(dir, error.message, error);
    const { full, cause } = await failureOf(error);
    throw full ? storeFull(cause) : storeUnusable(dir, cause);
  }
}

async function openWithin(
  { root, mapBytes }: Opened,
  options: LmdbStoreOptions,
  noted: Identity | 'unreadable' | undefined,
): Promise<{ readonly store: LmdbStore; readonly version: number }> {
  const { dir, ids = systemIds, migrations = MIGRATIONS, readOnly = false } = options;
  const self = openDatabase(root, SELF, true);
  const known = schemaVersion(migrations);
  if (self.getEntry(IDENTITY) === undefined) {
    if (noted !== undefined) throw storeGone(dir, noted, 'holds nothing');
    if (readOnly) throw storeDamaged(dir, 'holds nothing');
    await makeIdentity(self, ids.uuid(), known);
  }
  const { value, version: found = 0 } = self.getEntry(IDENTITY)!;
  if (found > known) throw newerSchema(dir, found, known);
  if (found < known && readOnly) throw olderSchema(dir, found, known);
  const { store_id } = JSON.parse(Buffer.from(value).toString()) as { store_id: string };
  if (typeof noted === 'object' && noted.store_id !== store_id)
    throw storeGone(dir, noted, `is another one, ${store_id}`);
  const tables = openTables(root, readOnly);
  const room = readOnly ? undefined : await openRoom(dir, root, mapBytes, self, tables);
  return { store: new LmdbStore(store_id, root, self, tables, room), version: found };
}

/** In one transaction: the tables of a new store are there after one sync. */
function openTables(root: Environment, readOnly: boolean): Tables {
  const openAll = () =>
    Object.fromEntries(TABLES.map((table) => [table, openDatabase(root, table)])) as Record<Table, Db>;
  return readOnly ? openAll() : root.transactionSync(openAll);
}

function openRoom(
  dir: string,
  root: Environment,
  mapBytes: number,
  self: Db,
  tables: Tables,
): Promise<FileRoom> {
  const databases = [self, ...Object.values(tables)];
  return FileRoom.open(storeFile(dir), {
    pageBytes: sizeOf(self).pageBytes,
    mapBytes,
    used: () => fileSizeOf(root).used,
    live: () => databases.reduce((sum, db) => sum + sizeOf(db).bytes, fileSizeOf(root).own),
  });
}

/** Another process may do the same at the same time: the first one's identity stays. */
async function makeIdentity(self: Db, storeId: string, schema: number): Promise<void> {
  await self.ifNoExists(IDENTITY, () => {
    void self.put(IDENTITY, Buffer.from(JSON.stringify({ store_id: storeId })), schema);
    void self.put(EPOCH, new Uint8Array(), 0);
  });
}

/** An outcome of the binding: whether the condition held, or why nothing was written. */
type Written =
  | { readonly kind: 'done'; readonly held: boolean }
  | { readonly kind: 'full'; readonly cause: unknown };

class LmdbStore implements Store {
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

  /** Looked at before and after: what is in a file that nobody will find again is not durable. */
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
    if (this.room === undefined) throw new TuttiError('store_read_only', 'the store was opened to be read');
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
