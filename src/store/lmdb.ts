/** How a store is opened: what is at its place is compared with what is noted of it before LMDB maps it. */

import { join } from 'node:path';
import { TuttiError } from '../base/errors.js';
import { type IdSource, systemIds } from '../base/ids.js';
import { AppliedTables } from './applied-tables.js';
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
import { type Databases, EPOCH, IDENTITY, LmdbTables, SELF } from './lmdb-tables.js';
import { LogStore } from './log-store.js';
import { ReadOnlyStore } from './read-only-store.js';
import { FileRoom } from './room.js';
import { MIGRATIONS, type Migration, newerSchema, olderSchema, schemaVersion } from './schema.js';
import { type Store, TABLES, type Table } from './store.js';

export interface StoreOptions extends Omit<EnvironmentOptions, 'readOnly'> {
  /** The data directory; made where it is missing. The store is `store.mdb` and its lock file in it, and its log in `log/`. */
  readonly dir: string;
  /** Where the `store_id` of a new store comes from. @default systemIds */
  readonly ids?: Pick<IdSource, 'uuid'>;
  /** @default MIGRATIONS */
  readonly migrations?: readonly Migration[];
  /** Where it is noted that there is a store. @default `identity.json` in `dir` */
  readonly identityFile?: string;
}

/**
 * Open or make the store of a data directory.
 * @throws `store_schema_newer`, `store_full`, `limit_too_low`, `store_damaged`, or `store_unusable`: no directory, no permission, not a store.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dir, identityFile = identityIn(dir), migrations = MIGRATIONS } = options;
  const { tables, version, noted } = await openTables(options, false);
  const store = new LogStore(dir, tables);
  try {
    for (const [index, migration] of [...migrations.entries()].slice(version - 1))
      await store.migrate(index + 1, migration);
    if (typeof noted !== 'object')
      await writeIdentity(identityFile, { store_id: store.storeId, created_at: new Date().toISOString() });
    return store;
  } catch (error) {
    await store.close();
    throw await coded(dir, error);
  }
}

/**
 * Open a store that is there; nothing is changed, also while another process works on it.
 * @throws as `openStore`, and `store_missing`, `store_schema_older`.
 */
export async function openStoreReadOnly(options: StoreOptions): Promise<ReadOnlyStore> {
  return new ReadOnlyStore(options.dir, (await openTables(options, true)).tables);
}

/** Open the tables of a store that another process works on, without its log. @throws as `openStoreReadOnly` */
export async function openAppliedTables(options: StoreOptions): Promise<AppliedTables> {
  return new AppliedTables((await openTables(options, true)).tables);
}

type Noted = Identity | 'unreadable' | undefined;

interface OpenedTables {
  readonly tables: LmdbTables;
  readonly version: number;
  readonly noted: Noted;
}

/** The tables alone; a caller that writes to them reads the log first. */
export async function openTables(options: StoreOptions, readOnly: boolean): Promise<OpenedTables> {
  const { dir, identityFile = identityIn(dir) } = options;
  let root: Environment | undefined;
  let noted: Noted;
  try {
    noted = await readIdentity(identityFile);
    const { kind } = lookAt(dir);
    if (kind !== 'store' && noted !== undefined)
      throw storeGone(dir, noted, kind === 'empty' ? 'is empty' : 'is not there');
    if (kind === 'missing' && readOnly) throw storeMissing(dir);
    if (kind === 'empty' && readOnly) throw storeDamaged(dir, 'is empty');
    const opened = openEnvironment(dir, { ...options, readOnly });
    root = opened.root;
    return { ...(await openWithin(opened, options, readOnly, noted)), noted };
  } catch (error) {
    await root?.close();
    if (error instanceof HeaderFault && (noted !== undefined || !error.isForeign))
      throw storeDamaged(dir, error.message, error);
    throw await coded(dir, error);
  }
}

async function coded(dir: string, error: unknown): Promise<TuttiError> {
  if (error instanceof TuttiError) return error;
  const { full, cause } = await failureOf(error);
  return full ? storeFull(cause) : storeUnusable(dir, cause);
}

function identityIn(dir: string): string {
  return join(dir, 'identity.json');
}

async function openWithin(
  { root, mapBytes }: Opened,
  options: StoreOptions,
  readOnly: boolean,
  noted: Noted,
): Promise<Omit<OpenedTables, 'noted'>> {
  const { dir, ids = systemIds, migrations = MIGRATIONS } = options;
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
  const databases = openDatabases(root, readOnly);
  const room = readOnly ? undefined : await openRoom(dir, root, mapBytes, self, databases);
  return { tables: new LmdbTables(store_id, root, self, databases, room), version: found };
}

/** In one transaction: the tables of a new store are there after one sync. */
function openDatabases(root: Environment, readOnly: boolean): Databases {
  const openAll = () =>
    Object.fromEntries(TABLES.map((table) => [table, openDatabase(root, table)])) as Record<Table, Db>;
  return readOnly ? openAll() : root.transactionSync(openAll);
}

function openRoom(
  dir: string,
  root: Environment,
  mapBytes: number,
  self: Db,
  tables: Databases,
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
