/**
 * A step of the schema: a store of the next version is made beside the old one, and takes its place as a whole.
 *
 * M1. The old store is only read. Its log gets into its tables first, as with every start, so the version of Tutti that wrote it can
 *     open it until the new store is in its place.
 * M2. The new store is complete and synced before a rename puts it in the old one's place. Where anything fails before, it is removed.
 * M3. Both stores need room meanwhile. Rows go through memory page by page, however many there are.
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Limits } from './limits.js';
import { openDatabase, openEnvironment, storeFile } from './lmdb-environment.js';
import { storeOutOfPlace } from './lmdb-errors.js';
import { LmdbTables, SELF } from './lmdb-tables.js';
import { encodeRecord, type Row } from './log/record.js';
import { LogStore } from './log-store.js';
import { makeIdentity, type NewStore, openDatabases, openRoom } from './open-tables.js';
import { entriesOf } from './pages.js';
import type { Migration, StoredRow } from './schema.js';
import { type Reader, TABLES, type Write } from './store.js';
import { syncPath } from './sync.js';
import { writeAtOnce } from './table-writer.js';

/** Entries that are read at once; each may have some hundred KiB. */
const PAGE = 50;
/** The maximum number of rows in one transaction. */
const TOGETHER_ROWS = 10_000;
const TOGETHER_BYTES = 16 * 1024 ** 2;

export interface MigrateOptions {
  readonly limits?: Limits;
}

/** The leftovers of a start that was killed while it migrated. */
export async function removeUnfinished(dir: string): Promise<void> {
  await rm(placeBeside(dir), { recursive: true, force: true });
}

/**
 * Bring the store in `dir`, whose tables are `old`, from `version` to the next. The old tables are closed then, whatever happens.
 * @throws `store_full`, `limit_too_low`, `store_damaged`, `store_gone`: the old store is as it was.
 */
export async function migrate(
  dir: string,
  old: LmdbTables,
  version: number,
  migration: Migration,
  options: MigrateOptions = {},
): Promise<void> {
  const beside = placeBeside(dir);
  const store = new LogStore(dir, old);
  try {
    if (old.logState().needed !== undefined) await store.reign();
    const next = {
      storeId: store.storeId,
      schema: version + 1,
      epoch: old.epoch(),
      position: store.position,
    };
    await store.snapshot((reader) => make(beside, next, reader, migration, options));
    const error = store.outOfPlace();
    if (error !== undefined) throw error;
  } catch (error) {
    await removeUnfinished(dir);
    throw error;
  } finally {
    await store.close();
  }
  // Who still reads the old store keeps its lock file: the new one begins with its own.
  await rm(`${storeFile(dir)}-lock`, { force: true });
  await rename(storeFile(beside), storeFile(dir));
  await syncPath(dir);
  await removeUnfinished(dir);
}

/** M1. */
function placeBeside(dir: string): string {
  return join(dir, 'migration');
}

/** M2. */
async function make(
  dir: string,
  store: Required<NewStore>,
  old: Reader,
  migration: Migration,
  options: MigrateOptions,
): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  const { root, mapBytes } = openEnvironment(dir, options);
  const self = openDatabase(root, SELF, true);
  const databases = openDatabases(root, store.schema, false);
  const room = await openRoom(dir, root, mapBytes, self, databases);
  const tables = new LmdbTables(store.storeId, root, self, databases, room);
  try {
    await makeIdentity(self, store);
    for await (const rows of together(rowsOf(old, migration))) await write(tables, store, rows);
  } finally {
    await tables.close();
  }
  for (const path of [storeFile(dir), dir]) await syncPath(path);
}

async function write(tables: LmdbTables, store: Required<NewStore>, rows: readonly Row[]): Promise<void> {
  const { epoch, position } = store;
  const held = await writeAtOnce(tables, { epoch, position, rows, vital: false });
  if (!held) throw storeOutOfPlace('successor was changed by another process');
}

/** M3. */
async function* rowsOf(old: Reader, migration: Migration): AsyncGenerator<StoredRow> {
  for (const table of TABLES) {
    for await (const { key, value } of entriesOf(old, table, { page: PAGE }))
      yield* migration({ table, key, value });
  }
}

/** So many as are written in one transaction. */
async function* together(rows: AsyncIterable<StoredRow>): AsyncGenerator<readonly Row[]> {
  let some: Write[] = [];
  let bytes = 0;
  for await (const row of rows) {
    some.push({ op: 'put', ...row });
    bytes += row.value.length;
    if (some.length < TOGETHER_ROWS && bytes < TOGETHER_BYTES) continue;
    yield encodeRecord(some).rows;
    some = [];
    bytes = 0;
  }
  if (some.length > 0) yield encodeRecord(some).rows;
}
