/** How many messages a viewer may send: a bucket that fills by time. */
export interface Allowance {
  /** Whether one more is within it, now. */
  take(nowMs: number): boolean;
}

export function createAllowance(perSecond: number, burst: number): Allowance {
  let left = burst;
  let filledAt: number | undefined;
  return {
    take(nowMs) {
      left = Math.min(burst, left + ((nowMs - (filledAt ?? nowMs)) * perSecond) / 1000);
      filledAt = nowMs;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
