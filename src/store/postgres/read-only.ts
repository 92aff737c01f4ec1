/** A store on PostgreSQL that is only read, beside the process that works on it or without one. */
import { Layer } from '../overlay.js';
import type { Reader } from '../store.js';
import { type Address, parseStoreUrl } from './address.js';
import { Connection } from './connection.js';
import { asStoreError, storeMissing } from './errors.js';
import { commitsBeyond } from './logged-commits.js';
import { checkSchema, readSelf } from './schema.js';
import { Views } from './views.js';

export class PostgresReadOnly {
  readonly #address: Address;
  readonly #views: Views;
  /** Whether what the log has beyond the tables is seen. */
  readonly #isWhole: boolean;

  constructor(address: Address, isWhole: boolean) {
    this.#address = address;
    this.#views = new Views(address);
    this.#isWhole = isWhole;
  }

  /** Read with one view of the data, however much is written meanwhile. @throws `store_unavailable`, `store_damaged`: the log */
  snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    return this.#views.read(async (position, connection) => {
      if (!this.#isWhole) return [];
      const commits = await commitsBeyond(connection, this.#address.shown, position, null);
      return [new Layer(commits.flatMap(({ rows }) => rows))];
    }, read);
  }

  close(): Promise<void> {
    return this.#views.close();
  }
}

/**
 * The store, with all that was acknowledged.
 * @throws `store_missing`, `store_unavailable`, `store_unusable`, `store_schema_newer`, `store_schema_older`
 */
export async function openPostgresReadOnly(url: string): Promise<PostgresReadOnly> {
  const address = parseStoreUrl(url);
  const connection = await Connection.open(address);
  try {
    const self = await readSelf(connection);
    if (self === undefined) throw storeMissing(address.shown);
    checkSchema(address.shown, self, true);
    return new PostgresReadOnly(address, true);
  } catch (error) {
    throw asStoreError(address.shown, error);
  } finally {
    await connection.close();
  }
}

/** The tables of a store that is there: what `Store.applied` has waited for. */
export function openPostgresTables(url: string): PostgresReadOnly {
  return new PostgresReadOnly(parseStoreUrl(url), false);
}
