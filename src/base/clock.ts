/** The two clocks of the house. Deadlines use `monotonicMs`; only what people read uses `wallMs`. */
export interface Clock {
  /** Milliseconds since some fixed moment; never steps. */
  monotonicMs(): number;
  /** Unix milliseconds; may step. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
