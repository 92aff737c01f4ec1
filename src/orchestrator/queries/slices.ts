/**
 * Long queries in slices, between which the loop goes on: the same thread decides, and reading from the disk blocks it.
 *
 * S1. All long questions together have one slice in each round of the event loop, and take turns: forty searches keep a task waiting no
 *     longer than one does.
 * S2. Only `RUNNING` of them are under way, each with a view of the store; the others wait in their order, and beyond `WAITING` they are
 *     refused.
 */
import type { Refusal } from '../port.js';

/** The loop waits no longer than this for questions. */
const SLICE_MS = 4;
const RUNNING = 2;
/** With half a second for each, the last one waits for as long as a browser does. */
const WAITING = 64;
const RETRY_AFTER_S = 5;

/** The time that questions have in a round of the event loop. One at a time has it. */
class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  async enter(): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The next one enters in the next round. */
  leave(): void {
    setImmediate(() => {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#isTaken = false;
    });
  }
}

/** One question's part of the time. */
export class Slices {
  readonly #turnstile: Turnstile;
  #beganMs: number | undefined;

  constructor(turnstile: Turnstile) {
    this.#turnstile = turnstile;
  }

  /** Before the first work, and after `pause`. */
  async begin(): Promise<void> {
    if (this.#beganMs !== undefined) return;
    await this.#turnstile.enter();
    this.#beganMs = performance.now();
  }

  /** Lets the loop and other questions go on when a slice is over. */
  async rest(): Promise<void> {
    if (this.#beganMs !== undefined && performance.now() - this.#beganMs <= SLICE_MS) return;
    this.pause();
    await this.begin();
  }

  /** While it waits for somebody else, and at its end. Idempotent. */
  pause(): void {
    if (this.#beganMs === undefined) return;
    this.#beganMs = undefined;
    this.#turnstile.leave();
  }
}

export class LongQuestions {
  readonly #turnstile = new Turnstile();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Slices of a question that lasts as long as its caller reads: an export. */
  slices(): Slices {
    return new Slices(this.#turnstile);
  }

  /** Runs a question when it is its turn. */
  async run<T>(question: (slices: Slices) => Promise<T>): Promise<T | Refusal> {
    if (this.#running < RUNNING) this.#running += 1;
    else if (this.#waiting.length >= WAITING) return tooMany();
    // The place of the one that ends is handed on.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const slices = this.slices();
    try {
      await slices.begin();
      return await question(slices);
    } finally {
      slices.pause();
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

function tooMany(): Refusal {
  return {
    ok: false,
    kind: 'too_many',
    code: 'too_many_queries',
    message: `${RUNNING + WAITING} searches are under way`,
    hint: 'Index the fields that are searched (index: in the graph file), so that each is quick.',
    retryAfter: RETRY_AFTER_S,
  };
}
