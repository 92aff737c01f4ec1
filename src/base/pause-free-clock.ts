/**
 * A monotonic clock that does not count the time during which this process did not run: stopped, swapped out, blocked.
 *
 * A peer whose deadline is measured by it does not miss that deadline because this process could not read.
 */
import { clearInterval, setInterval } from 'node:timers';
import type { Clock } from './clock.js';

/** How often the clock is read at least, while the process runs. */
const READ_EVERY_MS = 100;
/** A longer time between two readings was a pause. Well above what a loaded machine does to a timer. */
const PAUSE_MS = 500;

export class PauseFreeClock {
  readonly #clock: Clock;
  #lastMs: number;
  #pausedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastMs = clock.monotonicMs();
  }

  start(): void {
    this.#lastMs = this.#clock.monotonicMs();
    this.#timer = setInterval(() => this.nowMs(), READ_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  nowMs(): number {
    const readMs = this.#clock.monotonicMs();
    const gapMs = readMs - this.#lastMs;
    if (gapMs > PAUSE_MS) this.#pausedMs += gapMs - READ_EVERY_MS;
    this.#lastMs = readMs;
    return readMs - this.#pausedMs;
  }

  /** This clock in the place of the one that it reads. */
  get asClock(): Clock {
    return { monotonicMs: () => this.nowMs(), wallMs: () => this.#clock.wallMs() };
  }

  /** How long this process has not run, all in all. */
  get pausedMs(): number {
    return this.#pausedMs;
  }
}
