import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byRank, type Ranked } from '../../src/scheduling/rank.js';

const MINUTE = 60_000;

describe('rank', () => {
  it('is by priority, then by age', () => {
    const at = (priority: number, queueSeq: number): Ranked => ({ priority, queuedAt: queueSeq, queueSeq });
    const ranked = [at(50, 1), at(60, 2), at(50, 3), at(0, 0), at(100, 4)].sort(byRank);
    expect(ranked.map(({ priority, queueSeq }) => [priority, queueSeq])).toEqual([
      [100, 4],
      [60, 2],
      [50, 1],
      [50, 3],
      [0, 0],
    ]);
  });

  it('lets a task of the lowest priority overtake new ones of the default one after 25 minutes', () => {
    const old: Ranked = { priority: 0, queuedAt: 0, queueSeq: 1 };
    const fresh = (minutes: number): Ranked => ({ priority: 50, queuedAt: minutes * MINUTE, queueSeq: 2 });
    expect(byRank(old, fresh(24.9))).toBeGreaterThan(0);
    expect(byRank(old, fresh(25.1))).toBeLessThan(0);
  });

  it('is one order for all, so that a heap can hold it', () => {
    const ranked = fc.record({
      priority: fc.integer({ min: 0, max: 100 }),
      queuedAt: fc.integer({ min: 0, max: 100 * MINUTE }),
      queueSeq: fc.nat(1000),
    });
    fc.assert(
      fc.property(ranked, ranked, ranked, (a, b, c) => {
        expect(Math.sign(byRank(a, b))).toBe(-Math.sign(byRank(b, a)) + 0);
        if (byRank(a, b) <= 0 && byRank(b, c) <= 0) expect(byRank(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
