/**
 * Many deadlines, few of which are ever reached: setting and clearing one is O(1).
 *
 * 1. Deadlines are kept in buckets of `GRAIN_MS`, so one is reported up to that much late and never early.
 * 2. A key has at most one deadline; setting it again moves it.
 * 3. What is done within a step of the core can be undone with it.
 * 4. Deadlines are reported in the order of their buckets, then in the order in which they were set.
 */
import TinyQueue from 'tinyqueue';
import type { Undo } from './undo.js';

/** Fine enough for back-offs of some hundred milliseconds, coarse enough that a burst shares a bucket. */
const GRAIN_MS = 20;

export interface Due<T> {
  readonly key: string;
  readonly value: T;
}

interface Place<T> {
  readonly bucket: number;
  readonly value: T;
}

export class Deadlines<T> {
  readonly #undo: Undo | undefined;
  readonly #buckets = new Map<number, Map<string, T>>();
  readonly #order: TinyQueue<number> = new TinyQueue<number>([], (a, b) => a - b);
  readonly #bucketOf = new Map<string, number>();

  constructor(undo?: Undo) {
    this.#undo = undo;
  }

  /** Sets or moves the deadline of `key` to `atMs` of the caller's monotonic clock. */
  set(key: string, atMs: number, value: T): void {
    const before = this.#take(key);
    this.#place(key, { bucket: Math.ceil(atMs / GRAIN_MS), value });
    this.#undo?.onUndo(() => {
      this.#take(key);
      if (before) this.#place(key, before);
    });
  }

  has(key: string): boolean {
    return this.#bucketOf.has(key);
  }

  clear(key: string): void {
    const before = this.#take(key);
    if (before) this.#undo?.onUndo(() => this.#place(key, before));
  }

  /** Takes out and returns everything that is due. */
  due(nowMs: number): Due<T>[] {
    const due: Due<T>[] = [];
    for (
      let number = this.#first();
      number !== undefined && number * GRAIN_MS <= nowMs;
      number = this.#first()
    ) {
      const bucket = number;
      for (const [key, value] of this.#buckets.get(bucket) ?? []) {
        this.#bucketOf.delete(key);
        due.push({ key, value });
        this.#undo?.onUndo(() => this.#place(key, { bucket, value }));
      }
      this.#buckets.delete(bucket);
      this.#order.pop();
    }
    return due;
  }

  /** When something may be due next; nothing when no deadline is set. */
  nextMs(): number | undefined {
    const number = this.#first();
    return number === undefined ? undefined : number * GRAIN_MS;
  }

  get size(): number {
    return this.#bucketOf.size;
  }

  #place(key: string, { bucket: number, value }: Place<T>): void {
    let bucket = this.#buckets.get(number);
    if (!bucket) {
      bucket = new Map();
      this.#buckets.set(number, bucket);
      this.#order.push(number);
    }
    bucket.set(key, value);
    this.#bucketOf.set(key, number);
  }

  #take(key: string): Place<T> | undefined {
    const number = this.#bucketOf.get(key);
    if (number === undefined) return undefined;
    this.#bucketOf.delete(key);
    const bucket = this.#buckets.get(number)!;
    const value = bucket.get(key)!;
    bucket.delete(key);
    return { bucket: number, value };
  }

  /** The first bucket that still holds something; emptied ones before it are dropped. */
  #first(): number | undefined {
    for (let number = this.#order.peek(); number !== undefined; number = this.#order.peek()) {
      if (this.#buckets.get(number)?.size) return number;
      this.#buckets.delete(number);
      this.#order.pop();
    }
    return undefined;
  }
}
