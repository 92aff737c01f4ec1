/**
 * Writes rows to the tables behind the log.
 *
 * 1. Rows gather in a layer; while one layer is written, the next one gathers.
 * 2. A layer is written `GATHER_MS` after its first row, and at once where it is large. Where somebody waits, the writes rest in between for as
 *    long as the last one took, and no longer than `SOON_MS`: they take half the disk's time at most.
 * 3. A transaction begins with all rows that its reservation is for, and none else: not while rows that have room are not in the log yet.
 * 4. What cannot be written is tried again: there is room for it (C1), so only a file that is out of its place is in the way.
 */
import { TuttiError } from '../base/errors.js';
import { storeFull, storeOutOfPlace } from './lmdb-errors.js';
import type { LmdbTables, Written } from './lmdb-tables.js';
import type { Row } from './log/record.js';
import { Layer, type Layers } from './overlay.js';
import { type Gathering, Reservation } from './room.js';

/** Rows that change again meanwhile are written once. */
const GATHER_MS = 100;
/** A caller that waits for the tables does not wait longer for further rows. */
const SOON_MS = 20;
/** So much room in the tables' file is reserved for one transaction before it is written. */
const LARGEST_RESERVATION_BYTES = 48 * 1024 ** 2;
/** Rows of one transaction at a start. */
const REPLAYED_TOGETHER = 20_000;
const AGAIN_MS = 250;

interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class TableWriter {
  readonly #tables: LmdbTables;
  readonly #onWritten: (position: number) => void;
  /** From the oldest to the newest. Those before the last one are sealed. */
  #layers: Layer[] = [];
  #isSealed = true;
  #reservation = new Reservation();
  /** Rows that room is reserved for are on their way to the log: what is reserved and what is gathered belong together. */
  #isExpecting = false;
  /** A write was due meanwhile. */
  #isLate = false;
  #epoch: number | undefined;
  /** Of the newest row, and of the newest row in the tables. */
  #newest = 0;
  #written = 0;
  #waiters: Waiter[] = [];
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  /** From when on a layer that somebody waits for may be written. */
  #restedAt = Number.NEGATIVE_INFINITY;

  constructor(tables: LmdbTables, onWritten: (position: number) => void) {
    this.#tables = tables;
    this.#onWritten = onWritten;
  }

  /** Committed rows that are not in the tables; valid until the next turn of the event loop. */
  get layers(): Layers {
    return this.#layers;
  }

  get bytes(): number {
    return this.#layers.reduce((sum, layer) => sum + layer.bytes, 0);
  }

  /** The layers of this moment, which no longer change. */
  seal(): Layers {
    this.#isSealed = true;
    return [...this.#layers];
  }

  /** The tables hold everything up to a position; rows of a reign follow. */
  begin(epoch: number, position: number): void {
    this.#epoch = epoch;
    this.#newest = position;
    this.#written = position;
  }

  /** Reserves room for rows, for which the next transaction then waits: `settled` follows. Returns why there is none, if so. */
  async reserve(rows: readonly Row[]): Promise<unknown> {
    let cause = await this.#reserve(rows);
    if (cause !== undefined && this.#layers.length > 0) {
      // Unwritten rows reserve room that they may not need.
      await this.reached(this.#newest);
      cause = await this.#reserve(rows);
    }
    this.#isExpecting = cause === undefined;
    return cause;
  }

  /** Rows that room was reserved for are added, or will not be. */
  settled(): void {
    this.#isExpecting = false;
    if (this.#isLate) this.#writeAt(0);
    this.#isLate = false;
  }

  /** Takes rows that are in the log, and that room is reserved for. */
  add(rows: readonly Row[], position: number): void {
    if (this.#isSealed) this.#layers.push(new Layer());
    this.#isSealed = false;
    this.#layers.at(-1)!.add(rows);
    this.#newest = position;
    if (this.#reservation.taken > LARGEST_RESERVATION_BYTES) this.#writeAt(0);
    else this.#writeAt(performance.now() + GATHER_MS);
  }

  /** Resolves when the tables hold everything up to a position. */
  reached(position: number): Promise<void> {
    if (position <= this.#written || this.#layers.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ position: Math.min(position, this.#newest), resolve, reject });
      this.#writeAt(this.#restedAt);
    });
  }

  /** Writes rows of an older reign's log. Returns whether `epoch` still reigns. */
  async replay(epoch: number, rows: readonly Row[], position: number): Promise<boolean> {
    for (let from = 0; from < rows.length; from += REPLAYED_TOGETHER) {
      const part = new Layer(rows.slice(from, from + REPLAYED_TOGETHER));
      const together = [...part.rows()];
      // The rows before the last part are written again after a crash: they are the same.
      const isLast = from + REPLAYED_TOGETHER >= rows.length;
      const upTo = isLast ? position : this.#tables.logState().position;
      if (!(await writeAtOnce(this.#tables, { epoch, position: upTo, rows: together, vital: true })))
        return false;
    }
    return true;
  }

  /** Writes nothing more, and forgets the rows: the log has them. */
  abandon(): void {
    clearTimeout(this.#timer);
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#epoch = undefined;
    this.#layers = [];
    this.#isSealed = true;
    this.#tables.room?.giveBack(this.#reservation);
    this.#reservation = new Reservation();
    this.#settleAll(new TuttiError('fenced', 'another orchestrator has taken over'));
  }

  /** As `abandon`, when what is under way is done. */
  async end(): Promise<void> {
    this.#epoch = undefined;
    await this.#writing?.catch(() => {});
    this.abandon();
  }

  #reserve(rows: readonly Row[]): Promise<unknown> {
    const vital = rows.every(({ isDeleted }) => isDeleted);
    const into = (): Gathering => ({ reservation: this.#reservation, replaced: this.#replaced(rows) });
    return this.#tables.room!.reserve(into, rows, vital);
  }

  /** The rows of the layer that gathers which these will take the place of. */
  #replaced(rows: readonly Row[]): Row[] {
    const layer = this.#isSealed ? undefined : this.#layers.at(-1);
    if (layer === undefined) return [];
    // Each once, also where a commit writes a key twice.
    return [...new Set(rows.flatMap(({ table, id }) => layer.in(table)?.get(id) ?? []))];
  }

  #writeAt(ms: number): void {
    if (ms >= this.#dueAt || this.#epoch === undefined) return;
    clearTimeout(this.#timer);
    this.#dueAt = ms;
    this.#timer = setTimeout(() => void this.#write(), Math.max(0, ms - performance.now()));
  }

  async #write(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    const epoch = this.#epoch;
    // Whatever is under way goes on with what comes next.
    if (this.#writing !== undefined || epoch === undefined || this.#layers.length === 0) return;
    this.#isLate = this.#isExpecting;
    if (this.#isLate) return;
    const begunAt = performance.now();
    this.#writing = this.#writeLayers(epoch);
    const fault = await this.#writing.then(
      () => undefined,
      (error: unknown) => error,
    );
    this.#writing = undefined;
    const now = performance.now();
    this.#restedAt = now + Math.min(now - begunAt, SOON_MS);
    if (fault !== undefined) this.#settleAll(fault);
    if (this.#layers.length === 0 || this.#tables.failed !== undefined) return;
    if (fault !== undefined) this.#writeAt(now + AGAIN_MS);
    else if (this.#waiters.length > 0) this.#writeAt(this.#restedAt);
    else if (this.#reservation.taken > LARGEST_RESERVATION_BYTES) this.#writeAt(0);
    else this.#writeAt(now + GATHER_MS);
  }

  async #writeLayers(epoch: number): Promise<void> {
    const room = this.#tables.room!;
    const misplaced = room.outOfPlace();
    if (misplaced !== undefined) throw storeOutOfPlace(`file ${misplaced}`);
    const layers = this.seal();
    const [position, reservation] = [this.#newest, this.#reservation];
    this.#reservation = new Reservation();
    let written: Written;
    try {
      written = await this.#tables.apply(epoch, position, newestOf(layers));
    } finally {
      room.giveBack(reservation);
    }
    if (written.kind === 'full') throw storeFull(written.cause);
    if (!written.held) {
      this.#epoch = undefined;
      throw new TuttiError(
        'fenced',
        `epoch ${this.#tables.epoch()} reigns: another orchestrator has taken over`,
      );
    }
    this.#layers = this.#layers.filter((layer) => !layers.includes(layer));
    this.#written = position;
    const reached = this.#waiters.filter((waiter) => waiter.position <= position);
    this.#waiters = this.#waiters.filter((waiter) => waiter.position > position);
    for (const { resolve } of reached) resolve();
    this.#onWritten(position);
  }

  #settleAll(error: unknown): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}

/** Writes rows of different keys in one transaction of their own. Returns whether `epoch` reigns. Throws `store_full`. */
export async function writeAtOnce(
  tables: LmdbTables,
  {
    epoch,
    position,
    rows,
    vital,
  }: {
    readonly epoch: number;
    readonly position: number;
    readonly rows: readonly Row[];
    readonly vital: boolean;
  },
): Promise<boolean> {
  const room = tables.room!;
  const reservation = new Reservation();
  const cause = await room.reserve(() => ({ reservation, replaced: [] }), rows, vital);
  if (cause !== undefined) throw storeFull(cause);
  const written = await tables.apply(epoch, position, rows);
  room.giveBack(reservation);
  if (written.kind === 'full') throw storeFull(written.cause);
  return written.held;
}

/** Of several rows of one key, the newest. */
function newestOf(layers: Layers): Iterable<Row> {
  if (layers.length === 1) return layers[0]!.rows();
  const together = new Layer();
  for (const layer of layers) together.add(layer.rows());
  return together.rows();
}
