/**
 * Writes rows to the tables behind the log on PostgreSQL.
 *
 * F1. Rows gather in a layer; while one layer is written, the next one gathers.
 * F2. A layer is written in one statement, which is one transaction: its rows, the position of its newest commit, and the removal of what the log
 *     needs no longer. The statement takes the row of the position first, and does nothing where another epoch or session may write: beginning a
 *     session waits for the statement of the one before, and refuses one that comes through late.
 * F3. What cannot be written is tried again as long as the epoch may write.
 * F4. A reader's view of the tables is of a moment that only the database knows. A layer is kept until every view has begun that may lack it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { TuttiError } from '../../base/errors.js';
import type { Row } from '../log/record.js';
import { Layer, type Layers } from '../overlay.js';
import type { Address } from './address.js';
import { asStoreError } from './errors.js';
import { TableSession } from './table-session.js';

/** Rows that change again meanwhile are written once. */
const GATHER_MS = 100;
/** A layer that is so large is written at once. */
const LARGE_BYTES = 8 * 1024 ** 2;
const AGAIN_MS = 250;

interface Stage {
  readonly layer: Layer;
  /** The position of its newest commit. */
  last: number;
}

interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A view that is about to begin. */
export interface Beginning {
  /** The layers over tables that hold everything up to a position; they no longer change. */
  over(position: number): Layers;
  /** It has begun, or will not. */
  end(): void;
}

export class FollowedTables {
  readonly #address: Address;
  readonly #epoch: number;
  #writer: TableSession | undefined;
  /** From the oldest to the newest; those before the last one are sealed. */
  #stages: Stage[] = [];
  #isSealed = true;
  /** F4. What is written, as long as a view is about to begin. */
  #passed: Stage[] = [];
  readonly #beginnings = new Set<Beginning>();
  #newest: number;
  #written: number;
  #waiters: Waiter[] = [];
  #running: Promise<void> | undefined;
  #hurry: (() => void) | undefined;
  #isEnding = false;
  /** Why nothing more is written. */
  #fenced: TuttiError | undefined;

  constructor(address: Address, epoch: number, position: number) {
    this.#address = address;
    this.#epoch = epoch;
    this.#newest = position;
    this.#written = position;
  }

  /** Committed rows that are not in the tables; valid until the next turn of the event loop. */
  get layers(): Layers {
    return this.#stages.map(({ layer }) => layer);
  }

  get bytes(): number {
    return this.#stages.reduce((sum, { layer }) => sum + layer.bytes, 0);
  }

  /** F1. Takes rows that are in the log. */
  add(rows: readonly Row[], position: number): void {
    if (this.#isSealed) this.#stages.push({ layer: new Layer(), last: position });
    this.#isSealed = false;
    const stage = this.#stages.at(-1)!;
    stage.layer.add(rows);
    stage.last = position;
    this.#newest = position;
    if (this.bytes > LARGE_BYTES) this.#hurry?.();
    this.#running ??= this.#run();
  }

  /** Resolves when the tables hold everything up to a position. @throws `store_unavailable`, `fenced` */
  reached(position: number): Promise<void> {
    if (position <= this.#written || this.#stages.length === 0) return Promise.resolve();
    if (this.#fenced !== undefined) return Promise.reject(this.#fenced);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ position: Math.min(position, this.#newest), resolve, reject });
      this.#hurry?.();
    });
  }

  /** F4. */
  begin(): Beginning {
    const beginning: Beginning = {
      over: (position) => {
        this.#isSealed = true;
        const stages = [...this.#passed, ...this.#stages];
        return stages.filter(({ last }) => last > position).map(({ layer }) => layer);
      },
      end: () => {
        this.#beginnings.delete(beginning);
        if (this.#beginnings.size === 0) this.#passed = [];
      },
    };
    this.#beginnings.add(beginning);
    return beginning;
  }

  /** Writes what is left where the database is there, and ends. The log has what is not written. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#hurry?.();
    await this.#running;
    await this.#writer?.close();
    this.#settle(new TuttiError('fenced', 'another reign has begun'));
    this.#stages = [];
    this.#isSealed = true;
  }

  /** F3. */
  async #run(): Promise<void> {
    try {
      while (this.#stages.length > 0) {
        await this.#gather(GATHER_MS);
        const fault = await this.#write().catch((error: unknown) => error);
        if (fault === undefined) continue;
        if (fault instanceof TuttiError && fault.code === 'fenced') this.#fenced = fault;
        this.#settle(fault);
        if (this.#isEnding || this.#fenced !== undefined) return;
        await pause(AGAIN_MS);
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** Waits so long, or until somebody waits. */
  async #gather(ms: number): Promise<void> {
    if (this.#isEnding || this.#waiters.length > 0 || this.bytes > LARGE_BYTES) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#hurry = undefined;
  }

  /** F1, F2. */
  async #write(): Promise<void> {
    this.#isSealed = true;
    const stages = [...this.#stages];
    const { last } = stages.at(-1)!;
    const rows = newestOf(stages);
    try {
      if (this.#writer === undefined || this.#writer.isBroken)
        this.#writer = await TableSession.begin(this.#address, this.#epoch);
      await this.#writer.apply(last, rows);
    } catch (error) {
      throw asStoreError(this.#address.shown, error);
    }
    if (this.#beginnings.size > 0) this.#passed.push(...stages);
    this.#stages = this.#stages.slice(stages.length);
    this.#written = last;
    const reached = this.#waiters.filter(({ position }) => position <= last);
    this.#waiters = this.#waiters.filter(({ position }) => position > last);
    for (const { resolve } of reached) resolve();
  }

  #settle(error: unknown): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}

/** Of several rows of one key, the newest. */
function newestOf(stages: readonly Stage[]): Layer {
  const [first] = stages;
  if (stages.length === 1) return first!.layer;
  const together = new Layer();
  for (const { layer } of stages) together.add(layer.rows());
  return together;
}
