import type { Undo } from '../../base/undo.js';

/** The counters for operators; see `docs/operations.md`. */
export class Counters {
  readonly #counts = new Map<string, number>();
  readonly #undo: Undo | undefined;

  constructor(undo?: Undo) {
    this.#undo = undo;
  }

  add(name: string, by = 1): void {
    this.#count(name, by);
    this.#undo?.onUndo(() => this.#count(name, -by));
  }

  entries(): Iterable<readonly [string, number]> {
    return this.#counts;
  }

  #count(name: string, by: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }
}

/** When something was last done for a key, to do it at most so often. */
export class LastDone {
  readonly #at = new Map<string, number>();
  readonly #undo: Undo;

  constructor(undo: Undo) {
    this.#undo = undo;
  }

  /** Whether `intervalMs` have passed since the last time that it said so. */
  isOver(key: string, nowMs: number, intervalMs: number): boolean {
    const last = this.#at.get(key);
    if (last !== undefined && nowMs - last < intervalMs) return false;
    this.#undo.put(this.#at, key, nowMs);
    return true;
  }

  forget(key: string): void {
    this.#undo.remove(this.#at, key);
  }
}

/** The latest so many of a list of names. */
export class Recent {
  readonly #limit: number;
  readonly #names = new Set<string>();
  readonly #undo: Undo;

  constructor(limit: number, undo: Undo) {
    this.#undo = undo;
    this.#limit = limit;
  }

  add(name: string): void {
    this.#undo.add(this.#names, name);
    if (this.#names.size <= this.#limit) return;
    for (const oldest of this.#names) {
      this.#undo.drop(this.#names, oldest);
      return;
    }
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }
}
