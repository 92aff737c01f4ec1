/**
 * The store port on PostgreSQL: a commit is durable, and resolves, once its record is in the log (`commit-log.ts`); its rows get into the tables
 * behind it (`followed-tables.ts`).
 *
 * P1. Commits are made one after the other, each with a position. One whose fate is not known is settled before the next one.
 * P2. Readers see the tables below the rows that are not in them yet: the state after the newest commit.
 * P3. A new reign raises the epoch, which ends the older one's commits, then takes the tables, which ends its writes to them, and has the whole
 *     log in them before it acknowledges anything itself.
 * P4. A connection that is lost is made anew by itself, also while nothing is committed. Where a lease is held, it is extended meanwhile; who holds
 *     it and finds that another epoch reigns is told.
 * P5. `close` waits for the commits and snapshots that are under way, writes the tables where the database is there, and gives the lease back.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { TuttiError } from '../../base/errors.js';
import type { IdSource } from '../../base/ids.js';
import { Mutex } from '../../base/mutex.js';
import { encodeRecord } from '../log/record.js';
import { checkWrites } from '../range.js';
import type { CommitOutcome, Entry, Key, Range, Reader, Store, StoreStats, Table, Write } from '../store.js';
import { type Address, parseStoreUrl } from './address.js';
import { CommitLog, NEWEST_POSITION } from './commit-log.js';
import { Connection, type Statement } from './connection.js';
import { doubtsAbout } from './durability.js';
import { asStoreError, storeUnavailable } from './errors.js';
import { FollowedTables } from './followed-tables.js';
import { forgetPeer, listPeers, notePeer, type Peer, type SeenPeer } from './peers.js';
import { raiseEpoch, takeTables } from './reign.js';
import { prepareSchema } from './schema.js';
import { readStats } from './stats.js';
import { readRow, Views } from './views.js';

/** What may be in the log and not in the tables: what a takeover has to read at most. Commits wait for the tables where it is more. */
const BACKLOG_BYTES = 16 * 1024 ** 2;
const LOOK_EVERY_MS = 5;
const KEEP_EVERY_MS = 250;

export interface Lease {
  /** Names this process; the row of the leader holds it (`lease.ts`). */
  readonly holder: string;
  readonly ms: number;
}

export interface PostgresOptions {
  /** As libpq reads it, with one host or several. */
  readonly url: string;
  /** Where the `store_id` of a new store comes from. @default systemIds */
  readonly ids?: Pick<IdSource, 'uuid'>;
  /** Reigns begin only while it is held. @default they always do */
  readonly lease?: Lease;
  /** P4. Called once. */
  readonly onFenced?: (error: TuttiError) => void;
  /** Called with a sentence about each thing that lets the server lose what it has acknowledged. */
  readonly onDoubt?: (doubt: string) => void;
}

/**
 * Open or make the store of a database.
 * @throws `bad_store_url`, `store_unavailable`, `store_unusable`, `store_schema_newer`
 */
export async function openPostgresStore(options: PostgresOptions): Promise<PostgresStore> {
  const address = parseStoreUrl(options.url);
  const connection = await Connection.open(address);
  try {
    const { storeId } = await prepareSchema(connection, address.shown, options.ids);
    const { rows } = await connection.ask({ text: NEWEST_POSITION });
    for (const doubt of await doubtsAbout(connection)) options.onDoubt?.(doubt);
    return new PostgresStore(address, storeId, Number(rows[0]![0]), options);
  } catch (error) {
    throw asStoreError(address.shown, error);
  } finally {
    await connection.close();
  }
}

interface Reign {
  readonly log: CommitLog;
  readonly rows: FollowedTables;
}

export class PostgresStore implements Store {
  readonly storeId: string;
  readonly #address: Address;
  readonly #options: PostgresOptions;
  readonly #views: Views;
  readonly #mutex = new Mutex();
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;
  /** Nothing before the first reign. */
  #reigning: Reign | undefined;
  #seen: number;
  #reads: Promise<Connection> | undefined;
  #keeping: NodeJS.Timeout | undefined;
  #renewAt = 0;
  /** Nothing before it is announced. */
  #self: Peer | undefined;
  #isRenewing = false;

  constructor(address: Address, storeId: string, position: number, options: PostgresOptions) {
    this.#address = address;
    this.storeId = storeId;
    this.#seen = position;
    this.#options = options;
    this.#views = new Views(address);
  }

  get position(): number {
    return this.#reigning?.log.position ?? this.#seen;
  }

  reign(): Promise<number> {
    return this.#track(() => this.#mutex.run(() => this.#reign()));
  }

  commit(epoch: number, writes: readonly Write[]): Promise<CommitOutcome> {
    return this.#track(async () => {
      checkWrites(writes);
      return this.#mutex.run(() => this.#commit(epoch, writes));
    });
  }

  /** P2. */
  get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    const layers = this.#reigning?.rows.layers ?? [];
    return this.#track(() => readRow(table, key, layers, (statement) => this.#ask(statement)));
  }

  range(table: Table, range: Range): Promise<Entry[]> {
    return this.snapshot((reader) => reader.range(table, range));
  }

  keys(table: Table, range: Range): Promise<Key[]> {
    return this.snapshot((reader) => reader.keys(table, range));
  }

  /** P2. */
  snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    return this.#track(async () => {
      const beginning = this.#reigning?.rows.begin();
      try {
        return await this.#views.read((position) => {
          const layers = beginning?.over(position) ?? [];
          beginning?.end();
          return layers;
        }, read);
      } finally {
        beginning?.end();
      }
    });
  }

  stats(): Promise<StoreStats> {
    return this.#track(async () => {
      await this.#applied(this.position);
      return readStats((statement) => this.#ask(statement));
    });
  }

  applied(position: number): Promise<void> {
    return this.#track(() => this.#applied(position));
  }

  /** Others of the same store are told from now on where this one is, as long as it holds the lease. */
  async announce(where: Omit<Peer, 'id'>): Promise<void> {
    const { lease } = this.#options;
    if (lease === undefined) return;
    this.#self = { id: lease.holder, ...where };
    await this.#track(() => this.#ask(notePeer(this.#self!)));
  }

  /** The orchestrators of this store, the leader first. */
  peers(): Promise<readonly SeenPeer[]> {
    return this.#track(() =>
      listPeers(async (statement) => {
        const rows = await this.#ask(statement);
        return { rows, count: rows.length };
      }),
    );
  }

  outOfPlace(): TuttiError | undefined {
    const log = this.#reigning?.log;
    return log === undefined || log.isConnected
      ? undefined
      : storeUnavailable(this.#address.shown, new Error('the connection to it is lost'));
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #applied(position: number): Promise<void> {
    if (this.#reigning !== undefined) return this.#reigning.rows.reached(position);
    // Another process writes them, and nobody tells this one.
    while (this.#seen < position) {
      const [row] = await this.#ask({ text: 'SELECT position FROM tutti.applied', name: 'position' });
      this.#seen = Number(row![0]);
      if (this.#seen < position) await pause(LOOK_EVERY_MS);
    }
  }

  /** P1. */
  async #commit(epoch: number, writes: readonly Write[]): Promise<CommitOutcome> {
    const reigning = this.#reigning;
    if (reigning === undefined || epoch !== reigning.log.epoch) {
      const [row] = await this.#ask({ text: 'SELECT epoch FROM tutti.leader' });
      return { kind: 'fenced', epoch: Number(row![0]) };
    }
    const { log, rows } = reigning;
    if (writes.length === 0) return log.renew(undefined);
    const record = encodeRecord(writes);
    if (rows.bytes + record.bytes.length > BACKLOG_BYTES) await rows.reached(log.position);
    const outcome = await log.append(record.bytes);
    if (outcome.kind === 'committed') rows.add(record.rows, log.position);
    return outcome;
  }

  /** P3. */
  async #reign(): Promise<number> {
    clearInterval(this.#keeping);
    await this.#reigning?.rows.end();
    await this.#reigning?.log.close(false);
    const epoch = await raiseEpoch((statement) => this.#ask(statement), this.#options.lease?.holder);
    const position = (await takeTables(this.#address, epoch)) ?? this.position;
    const log = new CommitLog(this.#address, epoch, position);
    this.#reigning = { log, rows: new FollowedTables(this.#address, epoch, position) };
    await log.renew(this.#options.lease?.ms);
    this.#keeping = setInterval(() => void this.#keep(log), KEEP_EVERY_MS).unref();
    return epoch;
  }

  /** P4. */
  async #keep(log: CommitLog): Promise<void> {
    const { lease, onFenced } = this.#options;
    const now = performance.now();
    if (this.#isRenewing || (log.isConnected && (lease === undefined || now < this.#renewAt))) return;
    this.#isRenewing = true;
    this.#renewAt = now + (lease?.ms ?? 0) / 3;
    try {
      const outcome = await this.#mutex.run(() => log.renew(lease?.ms));
      if (outcome.kind === 'committed' && this.#self !== undefined) await this.#ask(notePeer(this.#self));
      if (outcome.kind !== 'fenced' || log !== this.#reigning?.log) return;
      clearInterval(this.#keeping);
      onFenced?.(
        new TuttiError('fenced', `epoch ${outcome.epoch} reigns: another orchestrator has taken over`),
      );
    } catch (error) {
      // The connection for reading was lost: it is made anew the next time.
      if (error instanceof TuttiError && error.code === 'store_unavailable') return;
      // The database was replaced by another state of it: the next commit meets that as well.
      clearInterval(this.#keeping);
      onFenced?.(asStoreError(this.#address.shown, error));
    } finally {
      this.#isRenewing = false;
    }
  }

  /** By a connection that is shared: a read takes one round trip, and does not wait for others. */
  async #ask(statement: Statement): Promise<readonly (readonly unknown[])[]> {
    try {
      if (this.#reads === undefined || (await this.#reads).isBroken) this.#reads = this.#openReads();
      const { rows } = await (await this.#reads).ask(statement);
      return rows;
    } catch (error) {
      throw asStoreError(this.#address.shown, error);
    }
  }

  #openReads(): Promise<Connection> {
    const opening = Connection.open(this.#address);
    opening.catch(() => {
      if (this.#reads === opening) this.#reads = undefined;
    });
    return opening;
  }

  /** P5. */
  async #end(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    clearInterval(this.#keeping);
    await this.#reigning?.rows.end();
    if (this.#self !== undefined) await this.#ask(forgetPeer(this.#self.id)).catch(() => {});
    await this.#mutex.run(async () => this.#reigning?.log.close(this.#options.lease !== undefined));
    await this.#views.close();
    const reads = await this.#reads?.catch(() => undefined);
    await reads?.close();
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new TuttiError('store_closed', 'the store is closed');
    const running = work();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }
}
