/**
 * The tables of a store on PostgreSQL, all in the schema `tutti` of one database.
 *
 * S1. They are made and brought up to date in one transaction, under an advisory lock: of several processes that start at once, one does it.
 * S2. A store of a newer schema is refused and left as it is.
 *
 * | table | what is in it |
 * |---|---|
 * | `store` | one row: the `store_id` and the version of the schema |
 * | `leader` | one row: the reigning epoch, the number of its newest session, who holds the lease, and until when |
 * | `peers` | a row for each orchestrator that leads or waits: where it is, and when it last said so |
 * | `log` | a row for each commit that the tables below may lack: its position and its record (`log/record.ts`) |
 * | `applied` | one row: the position of the newest commit that is in the tables below, and the epoch and the session that may write to them |
 * | the store's tables | encoded keys, whose byte order is the order of the port (`key.ts`), and values |
 */
import { type IdSource, systemIds } from '../../base/ids.js';
import { newerSchema, olderSchema } from '../schema.js';
import { TABLES } from '../store.js';
import type { Connection } from './connection.js';

/** The version of the layout. */
const VERSION = 1;
/** A number of Tutti's own: the bytes of "tutti". */
const LOCK = 0x74_75_74_74_69;
const LOCK_WITHIN_MS = 120_000;

const CREATE = `
  CREATE SCHEMA IF NOT EXISTS tutti;
  CREATE TABLE tutti.store (one boolean PRIMARY KEY DEFAULT true CHECK (one), store_id text NOT NULL, schema integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE tutti.leader (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL, session bigint NOT NULL,
    holder text, expires_at timestamptz NOT NULL DEFAULT '-infinity') WITH (fillfactor = 10);
  CREATE TABLE tutti.peers (id text PRIMARY KEY, http text NOT NULL, control text, seen_at timestamptz NOT NULL);
  CREATE TABLE tutti.applied (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL,
    session bigint NOT NULL, position bigint NOT NULL) WITH (fillfactor = 10);
  CREATE TABLE tutti.log (position bigint PRIMARY KEY, epoch bigint NOT NULL, record bytea NOT NULL);
  ALTER TABLE tutti.log ALTER COLUMN record SET STORAGE EXTERNAL;
  INSERT INTO tutti.leader (epoch, session) VALUES (0, 0);
  INSERT INTO tutti.applied (epoch, session, position) VALUES (0, 0, 0);`;

/** Also of a store that an earlier version made, which had fewer tables. */
const CREATE_TABLES = TABLES.map(
  (table) => `CREATE TABLE IF NOT EXISTS tutti.${table} (key bytea PRIMARY KEY, value bytea NOT NULL)`,
).join(';');

export interface StoreSelf {
  readonly storeId: string;
  readonly schema: number;
}

/** What the store says of itself; nothing where there is none. */
export async function readSelf(connection: Connection): Promise<StoreSelf | undefined> {
  const { rows } = await connection.ask({ text: `SELECT to_regclass('tutti.store') IS NOT NULL` });
  if (rows[0]![0] !== true) return undefined;
  const { rows: found } = await connection.ask({ text: 'SELECT store_id, schema FROM tutti.store' });
  return found[0] && { storeId: String(found[0][0]), schema: Number(found[0][1]) };
}

/** S2. @throws `store_schema_newer`, and with `isReadOnly` `store_schema_older` */
export function checkSchema(shown: string, { schema }: StoreSelf, isReadOnly: boolean): void {
  if (schema > VERSION) throw newerSchema(shown, schema, VERSION);
  if (schema < VERSION && isReadOnly) throw olderSchema(shown, schema, VERSION);
}

/** S1. */
export async function prepareSchema(
  connection: Connection,
  shown: string,
  ids: Pick<IdSource, 'uuid'> = systemIds,
): Promise<StoreSelf> {
  const found = await readSelf(connection);
  // A role without the right to create tables works with those that another one has made.
  if (found !== undefined && (await hasAllTables(connection))) {
    checkSchema(shown, found, false);
    return found;
  }
  await connection.ask({ text: 'BEGIN' });
  try {
    await connection.ask({
      text: 'SELECT pg_advisory_xact_lock($1)',
      values: [LOCK],
      withinMs: LOCK_WITHIN_MS,
    });
    let self = await readSelf(connection);
    if (self === undefined) {
      self = { storeId: ids.uuid(), schema: VERSION };
      await connection.ask({ text: CREATE });
      const values = [self.storeId, VERSION];
      await connection.ask({ text: 'INSERT INTO tutti.store (store_id, schema) VALUES ($1, $2)', values });
    }
    checkSchema(shown, self, false);
    await connection.ask({ text: CREATE_TABLES });
    await connection.ask({ text: 'COMMIT' });
    return self;
  } catch (error) {
    if (!connection.isBroken) await connection.ask({ text: 'ROLLBACK' });
    throw error;
  }
}

async function hasAllTables(connection: Connection): Promise<boolean> {
  const { rows } = await connection.ask({
    text: `SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = 'tutti' AND relkind = 'r' AND relname = ANY($1::text[])`,
    values: [[...TABLES]],
  });
  return Number(rows[0]![0]) === TABLES.length;
}
