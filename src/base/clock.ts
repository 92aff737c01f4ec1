/** The two clocks. Deadlines use `monotonicMs`; only what people read uses `wallMs`. */
export interface Clock {
  /** Milliseconds since some fixed moment; never steps. */
  monotonicMs(): number;
  /** Unix milliseconds; may step. */
  wallMs(): number;
}

// Kept from the beginning: other code of a node's process may replace them.
const monotonicMs = performance.now.bind(performance);
const { now: wallMs } = Date;

export const systemClock: Clock = { monotonicMs: () => monotonicMs(), wallMs: () => wallMs() };
