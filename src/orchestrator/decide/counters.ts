/** What is counted for the operators; see `docs/operations.md`. */
export class Counters {
  readonly #counts = new Map<string, number>();

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  entries(): Iterable<readonly [string, number]> {
    return this.#counts;
  }
}

/** When something was last done for a key, to do it at most so often. */
export class LastDone {
  readonly #at = new Map<string, number>();

  /** Whether `intervalMs` have passed since the last time that it said so. */
  isOver(key: string, nowMs: number, intervalMs: number): boolean {
    const last = this.#at.get(key);
    if (last !== undefined && nowMs - last < intervalMs) return false;
    this.#at.set(key, nowMs);
    return true;
  }

  forget(key: string): void {
    this.#at.delete(key);
  }
}

/** The latest so many of a list of names. */
export class Recent {
  readonly #limit: number;
  readonly #names = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(name: string): void {
    this.#names.add(name);
    if (this.#names.size <= this.#limit) return;
    for (const oldest of this.#names) {
      this.#names.delete(oldest);
      return;
    }
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }
}
