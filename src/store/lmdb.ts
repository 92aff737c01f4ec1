/** How a store on LMDB is opened: what is at its place is compared with what is noted of it before LMDB maps it. */
import { join } from 'node:path';
import { TuttiError } from '../base/errors.js';
import { type IdSource, systemIds } from '../base/ids.js';
import { type Identity, readIdentity, storeGone, writeIdentity } from './identity.js';
import {
  type Db,
  type Environment,
  type EnvironmentOptions,
  fileSizeOf,
  lookAt,
  type Opened,
  openDatabase,
  openEnvironment,
  sizeOf,
  storeFile,
} from './lmdb-environment.js';
import { failureOf, storeDamaged, storeFull, storeMissing, storeUnusable } from './lmdb-errors.js';
import { HeaderFault } from './lmdb-header.js';
import { EPOCH, IDENTITY, LmdbStore, SELF, type Tables } from './lmdb-store.js';
import { FileRoom } from './room.js';
import { MIGRATIONS, type Migration, newerSchema, olderSchema, schemaVersion } from './schema.js';
import { type Store, TABLES, type Table } from './store.js';

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
