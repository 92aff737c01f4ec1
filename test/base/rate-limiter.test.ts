import { expect, it } from 'vitest';
import { RateLimiter } from '../../src/base/rate-limiter.js';

it('admits so many of each key a second, and begins anew with the next second', () => {
  const limiter = new RateLimiter(2);
  const admitted = (key: string, nowMs: number) => limiter.admits(key, nowMs);
  expect([admitted('a', 0), admitted('a', 1), admitted('a', 999), admitted('b', 999)]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  expect([admitted('a', 1000), admitted('a', 1500), admitted('a', 1999)]).toEqual([true, true, false]);
});
