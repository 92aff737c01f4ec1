/**
 * So many things a second for each key, and the rest is only counted. A window of one second that starts anew: coarse, and its
 * memory is bounded by the keys of one second.
 */
import type { Undo } from './undo.js';

const WINDOW_MS = 1000;

export class RateLimiter {
  readonly #perSecond: number;
  readonly #undo: Undo | undefined;
  readonly #counts = new Map<string, number>();
  #windowStartMs = Number.NEGATIVE_INFINITY;

  /** `undo`: what is counted is taken back with the step that counted it. */
  constructor(perSecond: number, undo?: Undo) {
    this.#undo = undo;
    this.#perSecond = perSecond;
  }

  /** Whether the limit is reached: the next one would be beyond it. */
  isReached(key: string, nowMs: number): boolean {
    return nowMs - this.#windowStartMs < WINDOW_MS && (this.#counts.get(key) ?? 0) >= this.#perSecond;
  }

  /** Whether this one is within the limit. */
  admits(key: string, nowMs: number): boolean {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#counts.clear();
    }
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    const windowStartMs = this.#windowStartMs;
    this.#undo?.onUndo(() => {
      if (this.#windowStartMs === windowStartMs) this.#counts.set(key, (this.#counts.get(key) ?? 1) - 1);
    });
    return count <= this.#perSecond;
  }
}
