/**
 * Questions in slices of time, all of which take turns on the one thread of a reader: a short question waits behind a long one no longer
 * than a slice for each question that is under way, and what has been cancelled ends with its slice.
 */

/** A short question is answered in less, and the reader hears between two slices what else it is asked. */
const SLICE_MS = 4;

/** The reader's thread. One question at a time has it. */
export class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  /** The time of one question; once the signal aborts, its next slice never begins. */
  slices(signal: AbortSignal): Slices {
    return new Slices(this, signal);
  }

  async enter(): Promise<void> {
    if (!this.#isTaken) {
      this.#isTaken = true;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The next one enters in the next round of the event loop: messages are read in between. */
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
  readonly #signal: AbortSignal;
  #beganMs: number | undefined;

  constructor(turnstile: Turnstile, signal: AbortSignal) {
    this.#turnstile = turnstile;
    this.#signal = signal;
  }

  /** Before the first work, and after `pause`. Throws the signal's reason once it has aborted. */
  async begin(): Promise<void> {
    if (this.#beganMs !== undefined) return;
    await this.#turnstile.enter();
    this.#beganMs = performance.now();
    this.#signal.throwIfAborted();
  }

  /** Lets other questions go on when a slice is over. Throws as `begin`. */
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
