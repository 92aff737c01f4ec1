/**
 * A session with the database.
 *
 * N1. It is with a server that takes writes; of several hosts, the first one that does.
 * N2. It asks for commits that a crash of the server does not undo, whatever the role's or the database's default is.
 * N3. A session whose server does not answer in time, or ends it, is broken for good: the next one is a new connection. The server notices by
 *     itself that the old one is gone, and gives up what it waits for.
 */
import { Client, type ClientConfig } from 'pg';
import type { Address } from './address.js';
import { isMisconfigured, isReadOnly, isRefused, storeRefused, storeUnavailable } from './errors.js';

const CONNECT_WITHIN_MS = 5000;
/** Well above what any statement of a store takes, below what a network without an answer keeps a person waiting. */
const ANSWER_WITHIN_MS = 30_000;
/** Packets that ask whether the other side is still there. */
const KEEPALIVE_AFTER_MS = 10_000;

/** N1, N2, N3. */
const BEGIN_SESSION = `
  SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
    set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('on', 'remote_apply')
      THEN current_setting('synchronous_commit') ELSE 'on' END, false),
    set_config('statement_timeout', '0', false),
    set_config('idle_in_transaction_session_timeout', '0', false),
    set_config('client_connection_check_interval', '2s', false),
    set_config('bytea_output', 'hex', false)`;

export interface Answer {
  readonly rows: readonly (readonly unknown[])[];
  /** Rows that were read or written. */
  readonly count: number;
}

export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** It is prepared under this name at its first use. @default it is not prepared */
  readonly name?: string;
  /** @default 30000 */
  readonly withinMs?: number;
}

export class Connection {
  readonly #client: Client;
  #isBroken = false;

  private constructor(client: Client) {
    this.#client = client;
    client.on('error', () => this.#break());
    client.on('end', () => this.#break());
  }

  /** @throws `store_unavailable`, or `store_unusable`: the server refuses this user. */
  static async open(address: Address): Promise<Connection> {
    let fault: unknown;
    for (const host of address.hosts) {
      try {
        const found = await Connection.#openTo(host);
        if (found !== undefined) return found;
        fault = new Error(`${host.host ?? 'the server'} takes no writes`);
      } catch (error) {
        if (isMisconfigured(error)) throw storeRefused(address.shown, error);
        fault = error;
      }
    }
    throw storeUnavailable(address.shown, fault);
  }

  static async #openTo(host: ClientConfig): Promise<Connection | undefined> {
    const client = new Client({
      fallback_application_name: 'tutti',
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MS,
      ...host,
      // Statements are sent without waiting for the answer to the one before.
      pipeline: true,
    });
    const connection = new Connection(client);
    try {
      await client.connect();
      const { rows } = await connection.ask({ text: BEGIN_SESSION, withinMs: CONNECT_WITHIN_MS });
      if (rows[0]![0] === false) return connection;
    } catch (error) {
      connection.#break();
      throw error;
    }
    connection.#break();
    return undefined;
  }

  /** N3. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** @throws what the server or the socket says: see `isRefused`. */
  async ask({ text, values = [], name, withinMs = ANSWER_WITHIN_MS }: Statement): Promise<Answer> {
    const query = {
      ...{ text, values: [...values], rowMode: 'array' as const, query_timeout: withinMs },
      ...(name !== undefined && { name }),
    };
    try {
      const { rows, rowCount } = await this.#client.query<unknown[]>(query);
      return { rows, count: rowCount ?? 0 };
    } catch (error) {
      if (!isRefused(error) || isReadOnly(error)) this.#break();
      throw error;
    }
  }

  /** Waits for the answers to what was asked. Idempotent. */
  async close(): Promise<void> {
    if (this.#isBroken) return;
    await this.#client.end().catch(() => {});
    this.#isBroken = true;
  }

  #break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    // Its sockets are closed, or will not answer.
    void this.#client.end().catch(() => {});
  }
}
