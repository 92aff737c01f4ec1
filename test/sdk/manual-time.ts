import type { Clock } from '../../src/base/clock.js';
import type { Timers } from '../../src/sdk/timers.js';

/** Time that passes when the test says so; the turn of the loop is the real one. */
export class ManualTime implements Clock, Timers {
  #now = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  atEndOfTurn(run: () => void): void {
    setImmediate(run);
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers = this.#timers.filter((each) => each !== due);
      due.run();
    }
    this.#now = end;
  }
}
