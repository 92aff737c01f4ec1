/** The window of time in which tasks are counted: after a warm-up, for so long, and for at least one task per place in flight. */
import { percentile } from './statistics.mjs';

/** So long a window stays open at most for the sake of the tasks that it needs. */
const AT_MOST_MS = 60_000;

export class Window {
  /** @type {number[]} */
  #taskMs = [];
  /** @type {number[]} */
  #submitMs = [];

  #ran = 0;

  /** @param {{ inFlight: number, warmUpMs?: number, forMs?: number }} options `forMs` absent: until its tasks are done */
  constructor({ inFlight, warmUpMs = 0, forMs = Number.POSITIVE_INFINITY }) {
    this.from = performance.now() + warmUpMs;
    this.until = this.from + forMs;
    this.needed = inFlight;
    this.last = this.from;
  }

  isOpen(now = performance.now()) {
    return now < this.until || (this.#taskMs.length < this.needed && now < this.until + AT_MOST_MS);
  }

  /** A task has ended now. @param {number} begunAt @param {number} [submittedAt] */
  count(begunAt, submittedAt) {
    const now = performance.now();
    this.#ran += 1;
    if (now < this.from || !this.isOpen(now)) return;
    this.last = now;
    this.#taskMs.push(now - begunAt);
    if (submittedAt !== undefined) this.#submitMs.push(submittedAt - begunAt);
  }

  result() {
    const seconds = (this.last - this.from) / 1000;
    return {
      done: this.#taskMs.length,
      /** With those before and after the window. */
      ran: this.#ran,
      seconds,
      perSecond: this.#taskMs.length / seconds,
      p50: percentile(this.#taskMs, 0.5),
      p99: percentile(this.#taskMs, 0.99),
      ...(this.#submitMs.length > 0 && {
        submitP50: percentile(this.#submitMs, 0.5),
        submitP99: percentile(this.#submitMs, 0.99),
      }),
    };
  }
}
