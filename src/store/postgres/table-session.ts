/**
 * The one session that may write to the tables on PostgreSQL, and what it writes: see F2 of `followed-tables.ts`.
 */
import { TuttiError } from '../../base/errors.js';
import type { Row } from '../log/record.js';
import { Layer } from '../overlay.js';
import type { Table } from '../store.js';
import type { Address } from './address.js';
import { byteaArray } from './bytea.js';
import { Connection } from './connection.js';
import { commitsBeyond } from './logged-commits.js';

const TAKE_EPOCH =
  'UPDATE tutti.applied SET epoch = $1, session = session + 1 WHERE epoch <= $1 RETURNING session, position';
const TURN =
  'turn AS (UPDATE tutti.applied SET position = $4 WHERE epoch = $1 AND session = $2 AND position < $4 RETURNING position)';
/** The positions before are not looked at: what is removed from there leaves marks in the index as long as somebody has an older view. */
const TRIMMED =
  'trimmed AS (DELETE FROM tutti.log WHERE position > $3 AND position <= $4 AND EXISTS (SELECT FROM turn))';

/** At a start. Each may have some megabytes. */
const COMMITS_TOGETHER = 50;

export class TableSession {
  readonly #connection: Connection;
  readonly #epoch: number;
  readonly #session: number;
  #position: number;

  private constructor(connection: Connection, epoch: number, session: number, position: number) {
    this.#connection = connection;
    this.#epoch = epoch;
    this.#session = session;
    this.#position = position;
  }

  /** From here on no other session, and no older epoch, writes to the tables. @throws `fenced`, or what the server says */
  static async begin(address: Address, epoch: number): Promise<TableSession> {
    const connection = await Connection.open(address);
    try {
      const { rows } = await connection.ask({ text: TAKE_EPOCH, values: [epoch] });
      if (rows[0] === undefined) throw await fencedBy(connection, epoch);
      return new TableSession(connection, epoch, Number(rows[0][0]), Number(rows[0][1]));
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Of the newest commit that is in the tables. */
  get position(): number {
    return this.#position;
  }

  get isBroken(): boolean {
    return this.#connection.isBroken;
  }

  /** Writes what the log holds beyond the tables. @throws as `apply`, and `store_damaged` */
  async catchUp(shown: string): Promise<void> {
    for (;;) {
      const found = await commitsBeyond(this.#connection, shown, this.#position, COMMITS_TOGETHER);
      if (found.length === 0) return;
      await this.apply(found.at(-1)!.position, new Layer(found.flatMap(({ rows }) => rows)));
    }
  }

  /** Writes what the commits up to a position leave. @throws `fenced`, or what the server says */
  async apply(position: number, rows: Layer): Promise<void> {
    if (position <= this.#position) return;
    const values: unknown[] = [this.#epoch, this.#session, this.#position, position];
    const changes = rows.tables().flatMap(([table, changed]) => changesOf(table, changed, values));
    const text = `WITH ${[TURN, TRIMMED, ...changes].join(', ')} SELECT FROM turn`;
    const { count } = await this.#connection.ask({ text, values });
    if (count === 0) {
      const fenced = await fencedBy(this.#connection, this.#epoch);
      await this.close();
      throw fenced;
    }
    this.#position = position;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

async function fencedBy(connection: Connection, epoch: number): Promise<Error> {
  const { rows } = await connection.ask({ text: 'SELECT epoch FROM tutti.applied' });
  const reigning = Number(rows[0]?.[0] ?? 0);
  return reigning > epoch
    ? new TuttiError('fenced', `epoch ${reigning} reigns: another orchestrator has taken over`)
    : new Error('the session that writes to the tables was replaced');
}

/** The values come behind those that are there. */
function changesOf(table: Table, rows: readonly Row[], values: unknown[]): string[] {
  const put = rows.filter(({ isDeleted }) => !isDeleted);
  const deleted = rows.filter(({ isDeleted }) => isDeleted);
  const changes: string[] = [];
  if (put.length > 0) {
    values.push(byteaArray(put.map(({ key }) => key)), byteaArray(put.map(({ value }) => value!)));
    const given = `unnest($${values.length - 1}::bytea[], $${values.length}::bytea[])`;
    changes.push(
      `put_${table} AS (INSERT INTO tutti.${table} (key, value) SELECT * FROM ${given} WHERE EXISTS (SELECT FROM turn)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value)`,
    );
  }
  if (deleted.length > 0) {
    values.push(byteaArray(deleted.map(({ key }) => key)));
    changes.push(
      `deleted_${table} AS (DELETE FROM tutti.${table} WHERE key = ANY($${values.length}::bytea[]) AND EXISTS (SELECT FROM turn))`,
    );
  }
  return changes;
}
