/**
 * Virtual time and seeded chance: everything in a simulated run happens in the order in which this queue gives it out, so that the same
 * seed gives the same run.
 */
import TinyQueue from 'tinyqueue';
import type { IdSource } from '../../src/base/ids.js';

/** Mulberry32: small, fast, and good enough to choose among faults. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0, inclusive, to 1, exclusive. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Both ends included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)]!;
  }
}

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void | Promise<void>;
}

export class World {
  readonly random: Random;
  /** Milliseconds since the run began. */
  now = 0;
  /** Once set, no more faults are injected. */
  calm = false;
  /** How bad the weather of this run is: runs that are all alike find less. */
  readonly storminess: number;
  /** How long the orchestrator lets its mailbox fill at most. */
  readonly turnMs: number;
  /** How long handlers take at most, mostly. */
  readonly paceMs: number;
  /** What happened of late, for a failure's message. */
  readonly trace: string[] = [];
  readonly ids: IdSource;
  readonly #queue = new TinyQueue<Happening>([], (a, b) => a.at - b.at || a.order - b.order);
  #order = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.turnMs = this.random.pick([2, 2, 20, 200]);
    this.paceMs = this.random.pick([20, 500, 500, 3000]);
    this.storminess = this.random.pick([0.1, 1, 1, 2, 4]);
    let ids = 0;
    const next = (): string => {
      ids += 1;
      return ids.toString(16).padStart(12, '0');
    };
    this.ids = { uuid: () => `00000000-0000-7000-8000-${next()}`, secret: () => `SECRET${next()}` };
  }

  after(delayMs: number, run: () => void | Promise<void>): void {
    this.#order += 1;
    this.#queue.push({ at: this.now + Math.ceil(delayMs), order: this.#order, run });
  }

  /** A fault of this probability, while things may go wrong. */
  fault(probability: number): boolean {
    return !this.calm && this.random.chance(probability * this.storminess);
  }

  note(line: string): void {
    this.trace.push(`${this.now} ${line}`);
    if (this.trace.length > 4000) this.trace.splice(0, 2000);
  }

  async runUntil(endMs: number): Promise<void> {
    for (let next = this.#queue.peek(); next && next.at <= endMs; next = this.#queue.peek()) {
      this.#queue.pop();
      this.now = next.at;
      await next.run();
    }
    this.now = endMs;
  }
}
