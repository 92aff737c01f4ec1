import { describe, expect, it } from 'vitest';
import { PauseFreeClock } from '../../src/base/pause-free-clock.js';

function clockOf(): { clock: PauseFreeClock; time: { ms: number } } {
  const time = { ms: 5000 };
  return { clock: new PauseFreeClock({ monotonicMs: () => time.ms, wallMs: () => 0 }), time };
}

describe('the pause-free clock', () => {
  it('goes with the monotonic clock while it is read often', () => {
    const { clock, time } = clockOf();
    for (let i = 0; i < 20; i += 1) {
      time.ms += 500;
      expect(clock.nowMs()).toBe(time.ms);
    }
    expect(clock.pausedMs).toBe(0);
  });

  it('does not count the time during which nobody could read it', () => {
    const { clock, time } = clockOf();
    time.ms += 60_000;
    expect(clock.nowMs()).toBe(5100);
    expect(clock.pausedMs).toBe(59_900);
    time.ms += 100;
    expect(clock.nowMs()).toBe(5200);
  });

  it('never goes back', () => {
    const { clock, time } = clockOf();
    let last = clock.nowMs();
    for (const gap of [0, 499, 501, 1, 10_000, 500, 3000]) {
      time.ms += gap;
      const now = clock.nowMs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });
});
