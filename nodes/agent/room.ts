/** An amount that fills up with time: `burst` at once, `perSecond` continuously. */
export class Room {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #nowMs: () => number;
  #left: number;
  #filledAt: number;

  constructor(
    { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
    nowMs: () => number = () => performance.now(),
  ) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#nowMs = nowMs;
    this.#left = burst;
    this.#filledAt = nowMs();
  }

  /** Takes it if something is left; what is taken beyond that is paid back before anything else is taken. */
  take(amount: number): boolean {
    const now = this.#nowMs();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#filledAt) * this.#perSecond) / 1_000);
    this.#filledAt = now;
    if (this.#left <= 0) return false;
    this.#left -= amount;
    return true;
  }
}
