/** How a store is opened: what is at its place is compared with what is noted of it before LMDB maps it. */

import { join } from 'node:path';
import { TuttiError } from '../base/errors.js';
import { type IdSource, systemIds } from '../base/ids.js';
import { AppliedTables } from './applied-tables.js';
import { type Identity, readIdentity, storeGone, writeIdentity } from './identity.js';
import {
  type Environment,
  type EnvironmentOptions,
  lookAt,
  type Opened,
  openDatabase,
  openEnvironment,
} from './lmdb-environment.js';
import { failureOf, storeDamaged, storeFull, storeMissing, storeUnusable } from './lmdb-errors.js';
import { HeaderFault } from './lmdb-header.js';
import { IDENTITY, LmdbTables, SELF } from './lmdb-tables.js';
import { LogStore } from './log-store.js';
import { migrate, removeUnfinished } from './migrate.js';
import { makeIdentity, openDatabases, openRoom } from './open-tables.js';
import { ReadOnlyStore } from './read-only-store.js';
import { MIGRATIONS, type Migration, newerSchema, olderSchema, schemaVersion } from './schema.js';
import type { Store } from './store.js';

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
  let { tables, version, noted } = await openTables(options, false);
  for (const migration of migrations.slice(version - 1)) {
    try {
      await migrate(dir, tables, version, migration, options);
    } catch (error) {
      throw await coded(dir, error);
    }
    ({ tables, version, noted } = await openTables(options, false));
  }
  const store = new LogStore(dir, tables);
  try {
    await removeUnfinished(dir);
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
    await makeIdentity(self, { storeId: ids.uuid(), schema: known });
  }
  const { value, version: found = 0 } = self.getEntry(IDENTITY)!;
  if (found > known) throw newerSchema(dir, found, known);
  if (found < known && readOnly) throw olderSchema(dir, found, known);
  const { store_id } = JSON.parse(Buffer.from(value).toString()) as { store_id: string };
  if (typeof noted === 'object' && noted.store_id !== store_id)
    throw storeGone(dir, noted, `is another one, ${store_id}`);
  const databases = openDatabases(root, found, readOnly);
  const room = readOnly ? undefined : await openRoom(dir, root, mapBytes, self, databases);
  return { tables: new LmdbTables(store_id, root, self, databases, room), version: found };
}
