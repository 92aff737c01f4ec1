// The module's, which other code does not replace when it replaces the global ones.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';

/** When things happen: the event loop's in production, driven by hand in tests. */
export interface Timers {
  /** Runs `run` once, in `ms`; the answer takes it back. */
  after(ms: number, run: () => void): () => void;
  /** Runs `run` once, when this turn of the loop has nothing else to do. */
  atEndOfTurn(run: () => void): void;
}

/** A longer delay overflows the event loop's timer, which then fires at once. */
const MAX_DELAY_MS = 2_147_483_647;

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, MAX_DELAY_MS));
    return () => clearTimeout(timer);
  },
  atEndOfTurn(run) {
    setImmediate(run);
  },
};
