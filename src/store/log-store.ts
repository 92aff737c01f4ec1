/**
 * The store port on a log and tables: a commit is durable, and resolves, once its record is in the log; its rows get into the tables behind it.
 *
 * C1. Commits are made one after the other, each with a position. One is acknowledged only after room for its rows is reserved in the tables'
 *     file, so what is acknowledged can always be written there.
 * C2. Readers see the tables below the rows that are not in them yet: the state after the newest commit.
 * C3. Rows are written to the tables in one transaction with their position, soon, and at once where somebody waits for them or there are many.
 * C4. A new reign fences the older one's log off before it reads it, and has all of it in the tables before it acknowledges anything
 *     itself. From then on the tables need no log but its own.
 * C5. `close` waits for the commits and snapshots that are under way, writes no file afterwards, and leaves everything in the tables and no log.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TuttiError } from '../base/errors.js';
import { Mutex } from '../base/mutex.js';
import { storeFailed, storeFull, storeOutOfPlace } from './lmdb-errors.js';
import type { LmdbTables } from './lmdb-tables.js';
import { closeOlder, makeLogDir, readLog, removeOlder, tailOf } from './log/folders.js';
import { encodeRecord } from './log/record.js';
import { Spares } from './log/spares.js';
import { LogWriter } from './log/writer.js';
import { checkWrites } from './range.js';
import type { CommitOutcome, Entry, Key, Range, Reader, Store, StoreStats, Table, Write } from './store.js';
import { TableWriter } from './table-writer.js';

/** Some hundred commits of a busy store. Where they need more, others are made ready and used again as fast as the tables pass them. */
const SEGMENT_BYTES = 4 * 1024 ** 2;
/** The maximum size of the log that is not in the tables, which a start has to read. Beyond it, commits wait for the tables. */
const BACKLOG_BYTES = 16 * 1024 ** 2;
const LOOK_EVERY_MS = 5;

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly error: TuttiError }
  | { readonly kind: 'closed'; readonly done: Promise<void> };

export class LogStore implements Store {
  readonly #dir: string;
  readonly #tables: LmdbTables;
  readonly #rows: TableWriter;
  readonly #spares: Spares;
  readonly #mutex = new Mutex();
  readonly #underWay = new Set<Promise<unknown>>();
  #state: State = { kind: 'open' };
  /** Nothing before the first reign. */
  #log: LogWriter | undefined;

  constructor(dir: string, tables: LmdbTables) {
    this.#dir = dir;
    this.#tables = tables;
    this.#spares = new Spares(dir, SEGMENT_BYTES);
    this.#rows = new TableWriter(tables, (position) => this.#log?.release(position));
  }

  get storeId(): string {
    return this.#tables.storeId;
  }

  get position(): number {
    return this.#log?.position ?? this.#tables.logState().position;
  }

  async reign(): Promise<number> {
    this.#check();
    return this.#track(this.#mutex.run(() => this.#reign()));
  }

  async commit(epoch: number, writes: readonly Write[]): Promise<CommitOutcome> {
    this.#check();
    checkWrites(writes);
    return this.#track(this.#mutex.run(() => this.#commit(epoch, writes)));
  }

  async get(table: Table, key: Key): Promise<Uint8Array | undefined> {
    this.#check();
    return this.#tables.get(table, key, this.#rows.layers);
  }

  async range(table: Table, range: Range): Promise<Entry[]> {
    this.#check();
    return this.#tables.range(table, range, this.#rows.layers);
  }

  async keys(table: Table, range: Range): Promise<Key[]> {
    this.#check();
    return this.#tables.keys(table, range, this.#rows.layers);
  }

  async snapshot<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    this.#check();
    return this.#track(this.#read(read));
  }

  async stats(): Promise<StoreStats> {
    this.#check();
    await this.applied(this.position);
    return this.#tables.stats();
  }

  async applied(position: number): Promise<void> {
    this.#check();
    return this.#track(this.#log === undefined ? this.#seen(position) : this.#rows.reached(position));
  }

  outOfPlace(): TuttiError | undefined {
    const what = this.#tables.room?.outOfPlace();
    return what === undefined ? undefined : storeOutOfPlace(`file ${what}`);
  }

  close(): Promise<void> {
    if (this.#state.kind !== 'closed') this.#state = { kind: 'closed', done: this.#end() };
    return this.#state.done;
  }

  /** C2. */
  async #read<T>(read: (reader: Reader) => Promise<T>): Promise<T> {
    const view = this.#tables.view(() => this.#rows.seal());
    try {
      return await read(view);
    } finally {
      view.end();
    }
  }

  /** C3. Another process writes them, and nobody tells this one. */
  async #seen(position: number): Promise<void> {
    while (this.#tables.logState().position < position) {
      await pause(LOOK_EVERY_MS);
      this.#check();
    }
  }

  /** C1. */
  async #commit(epoch: number, writes: readonly Write[]): Promise<CommitOutcome> {
    if (this.#state.kind === 'failed') throw this.#state.error;
    if (this.#tables.failed !== undefined) throw this.#tables.failed;
    const log = this.#log;
    if (log === undefined || epoch !== log.epoch) return this.#fenced();
    if (writes.length === 0) return log.isInPlace() ? { kind: 'committed' } : this.#displaced(log);
    this.#demandPlace();
    const { bytes, rows } = encodeRecord(writes);
    if (this.#rows.bytes + bytes.length > BACKLOG_BYTES) await this.#rows.reached(log.position);
    const cause = await this.#rows.reserve(rows);
    if (cause !== undefined)
      return log.isInPlace() ? { kind: 'full', message: messageOf(cause) } : this.#displaced(log);
    try {
      const counts = await log.append(bytes).catch((error: unknown) => this.#notWritten(error));
      if (typeof counts === 'object') return counts;
      if (!counts) return this.#displaced(log);
      this.#rows.add(rows, log.position);
      return { kind: 'committed' };
    } finally {
      this.#rows.settled();
    }
  }

  /** Data in a file that was moved away is not durable. */
  #demandPlace(): void {
    const error = this.outOfPlace();
    if (error !== undefined) throw error;
  }

  #notWritten(error: unknown): CommitOutcome | false {
    const { code } = error as NodeJS.ErrnoException;
    // The folder was closed, or moved.
    if (code === 'ENOENT') return false;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
      return { kind: 'full', message: messageOf(error) };
    const failed = storeFailed(error);
    if (this.#state.kind === 'open') this.#state = { kind: 'failed', error: failed };
    throw failed;
  }

  #fenced(): CommitOutcome {
    return { kind: 'fenced', epoch: this.#tables.epoch() };
  }

  /** The log's folder is not where it was: another reign has closed it, or somebody has moved it. */
  #displaced(log: LogWriter): CommitOutcome {
    const outcome = this.#fenced();
    if (outcome.kind !== 'fenced' || outcome.epoch === log.epoch)
      throw storeOutOfPlace('log was moved or removed');
    // The new reign has read all of it.
    this.#rows.abandon();
    return outcome;
  }

  /** The order of the steps is what keeps the promises: see `log/folders.ts`. */
  async #reign(): Promise<number> {
    await this.#letGo();
    const epoch = await this.#raiseEpoch();
    await makeLogDir(this.#dir);
    await closeOlder(this.#dir, epoch);
    if (!(await this.#catchUp(epoch))) return epoch;
    await removeOlder(this.#dir, epoch);
    await this.#spares.tidy();
    const { position } = this.#tables.logState();
    const log = await this.#begin(epoch, position);
    // A reign that begins after this finds the folder and closes it; one that began before is seen here.
    const noted = await this.#tables.need(epoch, epoch);
    if (noted.kind === 'full') throw storeFull(noted.cause);
    if (!noted.held) {
      await log.close(false);
      return epoch;
    }
    this.#log = log;
    this.#rows.begin(epoch, position);
    void this.#spares.prepare();
    return epoch;
  }

  async #begin(epoch: number, position: number): Promise<LogWriter> {
    try {
      return await LogWriter.begin(this.#dir, epoch, position, this.#spares);
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? storeFull(error) : error;
    }
  }

  /** An earlier reign of this handle; its log is read like any other's. */
  async #letGo(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await this.#rows.end();
    await log?.close(false);
  }

  async #raiseEpoch(): Promise<number> {
    for (;;) {
      const current = this.#tables.epoch();
      const written = await this.#tables.raiseEpoch(current);
      if (written.kind === 'full') throw storeFull(written.cause);
      if (written.held) return current + 1;
    }
  }

  /** C4. Everything that the older reigns have acknowledged gets into the tables. Returns whether `epoch` still reigns. */
  async #catchUp(epoch: number): Promise<boolean> {
    for (;;) {
      const { needed, position } = this.#tables.logState();
      if (needed === undefined) return this.#tables.epoch() === epoch;
      try {
        const tail = tailOf(await readLog(this.#dir, needed, position), position);
        if (!(await this.#rows.replay(epoch, tail.rows, tail.position))) return false;
        const noted = await this.#tables.need(epoch, undefined);
        if (noted.kind === 'full') throw storeFull(noted.cause);
        return noted.held;
      } catch (error) {
        // Another reign that has begun meanwhile removes what it has passed.
        if (this.#tables.epoch() !== epoch) return false;
        throw error;
      }
    }
  }

  /** C5. */
  async #end(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    const log = this.#log;
    const isPassed = log !== undefined && (await this.#settle(log));
    await this.#rows.end();
    await log?.close(isPassed);
    await this.#spares.idle();
    await this.#tables.close();
  }

  /** Returns whether the tables hold everything and need no log. Otherwise the next start reads it. */
  async #settle(log: LogWriter): Promise<boolean> {
    try {
      await this.#rows.reached(log.position);
      const noted = await this.#tables.need(log.epoch, undefined);
      return noted.kind === 'done' && noted.held;
    } catch {
      return false;
    }
  }

  #check(): void {
    if (this.#state.kind === 'closed') throw new TuttiError('store_closed', 'the store is closed');
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }
}
