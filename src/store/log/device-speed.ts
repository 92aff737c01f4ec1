/**
 * Whether a device is slow, by the median of the newest writes: a few that took long on a busy machine say nothing. It counts as slow until
 * it has shown that it is not, and again after one write that would have held up heartbeats.
 */
const NEWEST = 31;
/** A heartbeat waits no longer than this for a write. */
const SLOW_MS = 1;
/** Once it is slow, it has to be clearly quicker to count as quick again: the way through the thread pool is in these figures. */
const QUICK_MS = 0.5;
/** One write alone says that it is slow. */
const STUCK_MS = 100;
/** So often the median is taken, and from so many writes on: the first ones of a slow device are few. */
const LOOK_EVERY = 8;
const LEAST = 4;

export class DeviceSpeed {
  readonly #newest: number[] = [];
  #count = 0;
  #isSlow = true;

  get isSlow(): boolean {
    return this.#isSlow;
  }

  note(ms: number): void {
    this.#newest[this.#count % NEWEST] = ms;
    this.#count += 1;
    if (ms > STUCK_MS) {
      this.#isSlow = true;
      return;
    }
    if (this.#count !== LEAST && this.#count % LOOK_EVERY !== 0) return;
    const median = this.#newest.toSorted((a, b) => a - b)[this.#newest.length >> 1]!;
    this.#isSlow = median > (this.#isSlow ? QUICK_MS : SLOW_MS);
  }
}
