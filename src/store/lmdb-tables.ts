/**
 * The tables on LMDB: one environment, one named database per table, and one that says what the store is, who reigns, and what of
 * the log is in it.
 *
 * T1. Everything is written in one LMDB transaction at a time, whose writes all depend on the version of a record that is checked inside it.
 *     What a reign writes depends on its epoch: once another one reigns, nothing of it gets in.
 * T2. The position of the newest record of the log that is in the tables is written with its rows.
 * T3. LMDB writes and syncs the pages, then writes the meta page through a descriptor that syncs itself, and only then moves
 *     its readers on: what is read here is durable here.
 * T4. A handle that met an error other than lack of room writes nothing more: LMDB may refuse to begin a transaction then, and
 *     its binding would wait for one for ever.
 */
import type { Transaction } from 'lmdb';
import { TuttiError } from '../base/errors.js';
import type { Db, Environment, LmdbKey } from './lmdb-environment.js';
import { failureOf, storeFailed, storeFull } from './lmdb-errors.js';
import type { LmdbTable } from './lmdb-table.js';
import type { Row } from './log/record.js';
import { findRow, type Layers, merged, rowsIn } from './overlay.js';
import type { FileRoom } from './room.js';
import {
  type Entry,
  type Key,
  type Range,
  type Reader,
  type StoreStats,
  TABLES,
  type Table,
} from './store.js';

/** The database of the records below. */
export const SELF = 'store';
/** The `store_id` as JSON; its version is the schema's. */
export const IDENTITY: (string | number)[] = ['identity'];
/** Empty; its version is the reigning epoch. */
export const EPOCH: (string | number)[] = ['epoch'];
/** Empty; its version is the position of the newest record of the log that is in the tables. */
export const POSITION: (string | number)[] = ['position'];
/** Empty; its version is the epoch of the log that is needed beside the tables. Not there where they hold everything. */
const NEEDED_LOG: (string | number)[] = ['log'];
const EMPTY = new Uint8Array();

export type Databases = Readonly<Record<Table, LmdbTable>>;

/** An outcome of the binding: whether the condition held, or why nothing was written. */
export type Written =
  | { readonly kind: 'done'; readonly held: boolean }
  | { readonly kind: 'full'; readonly cause: unknown };

/** The position of the log up to which the tables are complete. */
export interface LogState {
  readonly position: number;
  /** The epoch whose log has what the tables lack. */
  readonly needed: number | undefined;
}

/** By the database of the store's own records. */
export function readLogState(self: Db, options: { readonly transaction?: Transaction }): LogState {
  return {
    position: self.getEntry(POSITION, options)?.version ?? 0,
    needed: self.getEntry(NEEDED_LOG, options)?.version,
  };
}

export class LmdbTables {
  #failed: TuttiError | undefined;

  constructor(
    readonly storeId: string,
    private readonly root: Environment,
    private readonly self: Db,
    private readonly databases: Databases,
    /** Nothing where it is only read. */
    readonly room: FileRoom | undefined,
  ) {}

  /** T4. Why nothing more can be written. */
  get failed(): TuttiError | undefined {
    return this.#failed;
  }

  epoch(): number {
    this.root.resetReadTxn();
    return this.self.getEntry(EPOCH)?.version ?? 0;
  }

  schema(): number {
    this.root.resetReadTxn();
    return this.self.getEntry(IDENTITY)?.version ?? 0;
  }

  logState(transaction?: Transaction): LogState {
    if (transaction === undefined) this.root.resetReadTxn();
    return readLogState(this.self, transaction === undefined ? {} : { transaction });
  }

  /** Raises the epoch, unless another one than `current` reigns. */
  raiseEpoch(current: number): Promise<Written> {
    return this.#write(EPOCH, current, () => {
      void this.self.put(EPOCH, EMPTY, current + 1);
    });
  }

  /** T2. Rows of the log up to a position, if `epoch` reigns. There is room for them. */
  apply(epoch: number, position: number, rows: Iterable<Row>): Promise<Written> {
    return this.#write(EPOCH, epoch, () => {
      for (const { table, key, value } of rows) {
        // Both are settled by the condition's own promise.
        if (value === undefined) this.databases[table].remove(key);
        else this.databases[table].put(key, value);
      }
      void this.self.put(POSITION, EMPTY, position);
    });
  }

  /** Notes which log is needed from now on, or that none is, if `epoch` reigns. */
  need(epoch: number, log: number | undefined): Promise<Written> {
    return this.#write(EPOCH, epoch, () => {
      if (log === undefined) void this.self.remove(NEEDED_LOG);
      else void this.self.put(NEEDED_LOG, EMPTY, log);
    });
  }

  /** Gives the store another `store_id`. */
  async rename(storeId: string): Promise<void> {
    const schema = this.schema();
    const written = await this.#write(IDENTITY, schema, () => {
      void this.self.put(IDENTITY, Buffer.from(JSON.stringify({ store_id: storeId })), schema);
    });
    if (written.kind === 'full') throw storeFull(written.cause);
  }

  /** A view of this moment, below the layers. It must be ended. */
  view(layersOf: (state: LogState) => Layers): View {
    // Without it the view could be one that an earlier read of this turn of the event loop began.
    this.root.resetReadTxn();
    // biome-ignore lint/correctness/useHookAtTopLevel: not a hook, only named like one
    const transaction = this.root.useReadTransaction();
    return new View(this.databases, transaction, layersOf(this.logState(transaction)));
  }

  /** Reads that finish at once, without their own view. */
  get(table: Table, key: Key, layers: Layers): Uint8Array | undefined {
    this.root.resetReadTxn();
    return get(this.databases, table, key, layers, undefined);
  }

  range(table: Table, range: Range, layers: Layers): Entry[] {
    this.root.resetReadTxn();
    return entries(this.databases, table, range, layers, undefined);
  }

  keys(table: Table, range: Range, layers: Layers): Key[] {
    this.root.resetReadTxn();
    return keys(this.databases, table, range, layers, undefined);
  }

  stats(): StoreStats {
    this.root.resetReadTxn();
    let bytesUsed = 0;
    const counted: Partial<Record<Table, number>> = {};
    for (const table of TABLES) {
      const { size } = this.databases[table];
      counted[table] = size.entries;
      bytesUsed += size.bytes;
    }
    return { bytesUsed, entries: counted };
  }

  async close(): Promise<void> {
    await this.room?.close();
    await this.root.close();
  }

  /** T1. Write what `writes` does in one transaction, if the record `key` of `self` has this version in it. */
  async #write(key: LmdbKey, version: number, writes: () => void): Promise<Written> {
    if (this.room === undefined)
      throw new TuttiError('store_read_only', 'the store is open for reading only');
    if (this.#failed !== undefined) throw this.#failed;
    try {
      return { kind: 'done', held: await this.self.ifVersion(key, version, writes) };
    } catch (error) {
      const { full, cause } = await failureOf(error);
      if (full) return { kind: 'full', cause };
      this.#failed ??= storeFailed(cause);
      throw this.#failed;
    }
  }
}

export class View implements Reader {
  #hasEnded = false;

  constructor(
    private readonly databases: Databases,
    private readonly transaction: Transaction,
    private readonly layers: Layers,
  ) {}

  end(): void {
    if (!this.#hasEnded) this.transaction.done();
    this.#hasEnded = true;
  }

  async get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    this.#check();
    return get(this.databases, table, key, this.layers, this.transaction);
  }

  async range(table: Table, range: Range): Promise<Entry[]> {
    this.#check();
    return entries(this.databases, table, range, this.layers, this.transaction);
  }

  async keys(table: Table, range: Range): Promise<Key[]> {
    this.#check();
    return keys(this.databases, table, range, this.layers, this.transaction);
  }

  /** LMDB does not survive the use of a transaction that has ended. */
  #check(): void {
    if (this.#hasEnded)
      throw new TuttiError(
        'snapshot_ended',
        'the snapshot has ended: its reader is valid until `read` settles',
      );
  }
}

type Within = Transaction | undefined;

function get(
  databases: Databases,
  table: Table,
  key: Key,
  layers: Layers,
  within: Within,
): Uint8Array | undefined {
  const row = findRow(layers, table, key);
  if (row === undefined) return databases[table].get(key, within);
  // A copy: the row's bytes are part of a whole record's.
  return row.value && new Uint8Array(row.value);
}

function entries(databases: Databases, table: Table, range: Range, layers: Layers, within: Within): Entry[] {
  const rows = rowsIn(layers, table, range);
  if (rows.length === 0) return [...databases[table].entries(range, within)];
  const { limit: _, ...all } = range;
  return [...merged(rows, databases[table].entries(all, within), range)];
}

function keys(databases: Databases, table: Table, range: Range, layers: Layers, within: Within): Key[] {
  const rows = rowsIn(layers, table, range);
  if (rows.length === 0) return [...databases[table].keys(range, within)];
  const { limit: _, ...all } = range;
  return Array.from(merged(rows, withoutValues(databases[table].keys(all, within)), range), ({ key }) => key);
}

function* withoutValues(found: Iterable<Key>): Generator<Entry> {
  for (const key of found) yield { key, value: EMPTY };
}
