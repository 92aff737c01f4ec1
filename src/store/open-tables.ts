/** The tables in an environment that is open: their databases, the room ahead of them, and what a new store says of itself. */
import {
  type Db,
  type Environment,
  fileSizeOf,
  openDatabase,
  sizeOf,
  storeFile,
} from './lmdb-environment.js';
import { LmdbTable } from './lmdb-table.js';
import { type Databases, EPOCH, IDENTITY, POSITION } from './lmdb-tables.js';
import { FileRoom } from './room.js';
import { TABLES, type Table } from './store.js';

/** In one transaction: the tables of a new store are there after one sync. */
export function openDatabases(root: Environment, schema: number, readOnly: boolean): Databases {
  const openAll = () =>
    Object.fromEntries(
      TABLES.map((table) => [table, new LmdbTable(table, openDatabase(root, table), schema)]),
    ) as Record<Table, LmdbTable>;
  return readOnly ? openAll() : root.transactionSync(openAll);
}

export function openRoom(
  dir: string,
  root: Environment,
  mapBytes: number,
  self: Db,
  tables: Databases,
): Promise<FileRoom> {
  const all = Object.values(tables);
  const live = (): number =>
    all.reduce((sum, { size }) => sum + size.bytes, sizeOf(self).bytes + fileSizeOf(root).own);
  const tree = (): number => {
    // Of the newest transaction, not of one that an earlier read of this turn of the event loop has seen.
    root.resetReadTxn();
    return all.reduce((sum, { size }) => sum + size.treeBytes, sizeOf(self).treeBytes + fileSizeOf(root).own);
  };
  return FileRoom.open(storeFile(dir), {
    pageBytes: sizeOf(self).pageBytes,
    mapBytes,
    used: () => fileSizeOf(root).used,
    live,
    tree,
  });
}

export interface NewStore {
  readonly storeId: string;
  readonly schema: number;
  /** @default 0 */
  readonly epoch?: number;
  /** @default none */
  readonly position?: number;
}

/** Another process may do the same at the same time: the first one's identity stays. */
export async function makeIdentity(self: Db, store: NewStore): Promise<void> {
  const { storeId, schema, epoch = 0, position } = store;
  await self.ifNoExists(IDENTITY, () => {
    void self.put(IDENTITY, Buffer.from(JSON.stringify({ store_id: storeId })), schema);
    void self.put(EPOCH, new Uint8Array(), epoch);
    if (position !== undefined) void self.put(POSITION, new Uint8Array(), position);
  });
}
