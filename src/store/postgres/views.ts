/**
 * Views of a store on PostgreSQL: transactions that see one moment of its tables, each with a connection of its own.
 *
 * V1. A view says which position its tables are at; what lies over them is chosen by it.
 * V2. At most `MOST` views are under way; further ones wait for one to end. A few connections are kept for the next ones.
 */
import { TuttiError } from '../../base/errors.js';
import { encodeKey, keySize, readKey } from '../key.js';
import { findRow, type Layers, merged, rowsIn } from '../overlay.js';
import { boundsOf } from '../range.js';
import type { Entry, Key, Range, Reader, Table } from '../store.js';
import type { Address } from './address.js';
import { Connection, type Statement } from './connection.js';
import { asStoreError } from './errors.js';

/** Of a process. A PostgreSQL takes 100 connections unless it is told otherwise. */
const MOST = 12;
const KEPT = 3;

export class Views {
  readonly #address: Address;
  readonly #kept: Connection[] = [];
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(address: Address) {
    this.#address = address;
  }

  /** V1. @throws `store_unavailable`, and what `read` throws */
  async read<T>(
    layersAt: (position: number, connection: Connection) => Layers | Promise<Layers>,
    read: (reader: Reader) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#take();
    try {
      return await this.#readIn(connection, layersAt, read);
    } finally {
      this.#giveBack(connection);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#kept.splice(0).map((connection) => connection.close()));
  }

  async #readIn<T>(
    connection: Connection,
    layersAt: (position: number, connection: Connection) => Layers | Promise<Layers>,
    read: (reader: Reader) => Promise<T>,
  ): Promise<T> {
    const begun = connection.ask({ text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' });
    const asked = connection.ask({ text: 'SELECT position FROM tutti.applied', name: 'position' });
    const [, { rows }] = await Promise.all([begun, asked]).catch((error: unknown) => {
      throw asStoreError(this.#address.shown, error);
    });
    const view = new View(this.#address, connection, await layersAt(Number(rows[0]![0]), connection));
    try {
      return await read(view);
    } finally {
      view.end();
    }
  }

  /** V2. */
  async #take(): Promise<Connection> {
    if (this.#underWay >= MOST) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay += 1;
    try {
      for (let kept = this.#kept.pop(); kept !== undefined; kept = this.#kept.pop())
        if (!kept.isBroken) return kept;
      return await Connection.open(this.#address);
    } catch (error) {
      this.#pass();
      throw error;
    }
  }

  #giveBack(connection: Connection): void {
    // The next view begins behind this.
    const ended = connection.ask({ text: 'ROLLBACK' }).catch(() => {});
    if (this.#kept.length < KEPT) this.#kept.push(connection);
    else void ended.then(() => connection.close());
    this.#pass();
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#underWay -= 1;
    else next();
  }
}

class View implements Reader {
  readonly #address: Address;
  readonly #connection: Connection;
  readonly #layers: Layers;
  #hasEnded = false;

  constructor(address: Address, connection: Connection, layers: Layers) {
    this.#address = address;
    this.#connection = connection;
    this.#layers = layers;
  }

  end(): void {
    this.#hasEnded = true;
  }

  async get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    this.#check();
    return readRow(table, key, this.#layers, (statement) => this.#ask(statement));
  }

  async range(table: Table, range: Range): Promise<Entry[]> {
    this.#check();
    return this.#entries(table, range, 'value');
  }

  async keys(table: Table, range: Range): Promise<Key[]> {
    this.#check();
    return (await this.#entries(table, range, 'NULL')).map(({ key }) => key);
  }

  async #entries(table: Table, range: Range, value: 'value' | 'NULL'): Promise<Entry[]> {
    const bounds = boundsOf(range);
    if (bounds === undefined) return [];
    const over = rowsIn(this.#layers, table, range);
    // Each row above may take the place of one below.
    const limit = bounds.limit === Number.POSITIVE_INFINITY ? null : bounds.limit + over.length;
    const order = range.reverse === true ? 'DESC' : 'ASC';
    const rows = await this.#ask({
      text: `SELECT key, ${value} FROM tutti.${table} WHERE key >= $1 AND key < $2 ORDER BY key ${order} LIMIT $3`,
      name: `range ${table} ${value} ${order}`,
      values: [bounds.low, bounds.high, limit],
    });
    const stored = rows.map((row): Entry => {
      const key = row[0] as Buffer;
      return { key: readKey(key, 0, key.length), value: (row[1] ?? NOTHING) as Uint8Array };
    });
    return [...merged(over, stored, range)];
  }

  async #ask(statement: Statement): Promise<readonly (readonly unknown[])[]> {
    const { rows } = await this.#connection.ask(statement).catch((error: unknown) => {
      throw asStoreError(this.#address.shown, error);
    });
    return rows;
  }

  #check(): void {
    if (this.#hasEnded)
      throw new TuttiError(
        'snapshot_ended',
        'the snapshot has ended: its reader is valid until `read` settles',
      );
  }
}

const NOTHING = new Uint8Array();

/** The row of a key: of a layer, or of the tables. */
export async function readRow(
  table: Table,
  key: Key,
  layers: Layers,
  ask: (statement: Statement) => Promise<readonly (readonly unknown[])[]>,
): Promise<Uint8Array | undefined> {
  keySize(key);
  const row = findRow(layers, table, key);
  // A copy: the row's bytes are part of a whole record's.
  if (row !== undefined) return row.value && new Uint8Array(row.value);
  const text = `SELECT value FROM tutti.${table} WHERE key = $1`;
  const [found] = await ask({ text, name: `get ${table}`, values: [encodeKey(key)] });
  return found?.[0] as Uint8Array | undefined;
}
