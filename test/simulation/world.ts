/**
 * Virtual time and seeded chance: everything in a simulated run happens in the order in which this queue gives it out, so that the same
 * seed gives the same run.
 */
import TinyQueue from 'tinyqueue';
import type { IdSource } from '../../src/base/ids.js';
import { Random } from '../support/random.js';

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
