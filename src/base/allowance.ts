/**
 * An amount that fills up with time: `burst` at once, `perSecond` continuously. A request beyond it is refused and consumes nothing.
 */
import type { Undo } from './undo.js';

export class Allowance {
  readonly #undo: Undo | undefined;
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #filledAtMs: number | undefined;

  /** `undo`: an amount that is taken comes back with the step that took it. */
  constructor(options: { readonly perSecond: number; readonly burst: number }, undo?: Undo) {
    this.#undo = undo;
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#left = options.burst;
  }

  /** Whether so much is there now. */
  has(amount: number, nowMs: number): boolean {
    const elapsedMs = Math.max(0, nowMs - (this.#filledAtMs ?? nowMs));
    this.#left = Math.min(this.#burst, this.#left + (elapsedMs * this.#perSecond) / 1000);
    this.#filledAtMs = nowMs;
    return this.#left >= amount;
  }

  /** Takes it, if it is there. */
  take(amount: number, nowMs: number): boolean {
    if (!this.has(amount, nowMs)) return false;
    this.#left -= amount;
    this.#undo?.onUndo(() => {
      this.#left += amount;
    });
    return true;
  }
}
