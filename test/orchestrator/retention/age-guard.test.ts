import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/base/logger.js';
import { AgeGuard, LEAP_MS, PROOF_MS, storedDoubt } from '../../../src/orchestrator/retention/age-guard.js';
import { createMemoryStore, type MemoryStore } from '../../../src/store/memory.js';
import { weighing } from '../../support/weighing.js';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const START = Date.UTC(2026, 0, 1);

let store: MemoryStore;
let wallMs: number;
let monotonicMs: number;

beforeEach(async () => {
  store = createMemoryStore();
  wallMs = START;
  monotonicMs = 1_000_000;
});

/** So much time passes, and the wall clock shows so much more. */
function pass(ms: number, leapMs = 0): void {
  monotonicMs += ms;
  wallMs += ms + leapMs;
}

/** A reign begins; the newest event of those before is of then. */
async function reign(newestEventAt: number | undefined, trustClock = false): Promise<AgeGuard> {
  monotonicMs = Math.random() * 1000;
  const epoch = await store.reign();
  const stored = await storedDoubt(store);
  const deps = { proposals: weighing(store, epoch), stored, newestEventAt, trustClock, logger: silentLogger };
  const guard = new AgeGuard({ ...deps, wallMs: () => wallMs, monotonicMs: () => monotonicMs });
  guard.start();
  await settle();
  return guard;
}

/** What the guard has proposed is committed. */
const settle = (): Promise<unknown> => turnOfTheEventLoop();

describe('ages at a start', () => {
  it.each<[string, number | undefined, boolean]>([
    ['nothing was ever recorded', undefined, true],
    ['the newest event is of a moment ago', START - 1000, true],
    ['it was off for most of a day', START - LEAP_MS + 1000, true],
    ['it was off for more than a day, or the clock is wrong', START - LEAP_MS - 1000, false],
    ['the clock is 400 days ahead', START - 400 * DAY_MS, false],
    ['the clock was set back, by a moment', START + 5000, true],
    ['the clock was set back, by 400 days', START + 400 * DAY_MS, true],
  ])('where %s', async (_, newest, believed) => {
    const guard = await reign(newest);
    expect([guard.areBelieved(), guard.isHeld]).toEqual([believed, !believed]);
  });

  it('are believed where an operator says so', async () => {
    expect((await reign(START - 400 * DAY_MS, true)).areBelieved()).toBe(true);
  });
});

describe('ages that are in doubt', () => {
  it('are believed again after a day of going on evenly', async () => {
    const guard = await reign(START - 400 * DAY_MS);
    for (let hour = 0; hour < 23; hour += 1) {
      pass(HOUR_MS);
      expect(guard.areBelieved()).toBe(false);
    }
    pass(HOUR_MS + 1000);
    expect([guard.areBelieved(), guard.isHeld]).toEqual([true, false]);
    await settle();
    expect(await store.get('meta', ['ages_held'])).toBeUndefined();
  });

  it('are believed again as soon as the clock is put right', async () => {
    const guard = await reign(START - 400 * DAY_MS);
    pass(HOUR_MS, -400 * DAY_MS);
    expect(guard.areBelieved()).toBe(true);
  });

  it('wait anew where the clock leaps again', async () => {
    const guard = await reign(START - 400 * DAY_MS);
    pass(PROOF_MS - HOUR_MS);
    expect(guard.areBelieved()).toBe(false);
    pass(HOUR_MS, 30 * DAY_MS);
    expect(guard.areBelieved()).toBe(false);
    pass(HOUR_MS);
    expect(guard.areBelieved()).toBe(false);
  });

  it('stay so over a restart, although events were recorded with the wrong time meanwhile', async () => {
    await reign(START - 400 * DAY_MS);
    pass(HOUR_MS);
    expect((await reign(wallMs - 1000)).areBelieved()).toBe(false);
  });

  it('are believed after a day that had restarts in it', async () => {
    await reign(START - 4 * DAY_MS);
    for (let hours = 0; hours < 20; hours += 5) {
      pass(5 * HOUR_MS);
      expect((await reign(wallMs - 1000)).areBelieved()).toBe(false);
    }
    pass(5 * HOUR_MS);
    expect((await reign(wallMs - 1000)).areBelieved()).toBe(true);
    expect(await store.get('meta', ['ages_held'])).toBeUndefined();
  });

  it('are believed after a restart with the clock put right, and once an operator says so', async () => {
    for (const [backMs, trusts] of [
      [400 * DAY_MS, false],
      [0, true],
    ] as const) {
      wallMs = START;
      await reign(START - 400 * DAY_MS);
      pass(HOUR_MS, -backMs);
      expect((await reign(START + 1000, trusts)).areBelieved()).toBe(true);
      expect(await store.get('meta', ['ages_held'])).toBeUndefined();
    }
  });
});

describe('a clock that leaps while an orchestrator reigns', () => {
  it.each([
    ['a year ahead', 365 * DAY_MS, false],
    ['two days ahead', 2 * DAY_MS, false],
    ['an hour ahead', HOUR_MS, true],
    ['a year back', -365 * DAY_MS, true],
  ])('ages are doubted after a long leap ahead only: %s', async (_, leapMs, believed) => {
    const guard = await reign(START - 1000);
    for (let hour = 0; hour < 100; hour += 1) {
      pass(HOUR_MS);
      expect(guard.areBelieved()).toBe(true);
    }
    pass(HOUR_MS, leapMs);
    expect(guard.areBelieved()).toBe(believed);
  });

  it('a clock that leaps and is corrected stays trusted', async () => {
    const guard = await reign(START - 1000);
    pass(HOUR_MS, -365 * DAY_MS);
    expect(guard.areBelieved()).toBe(true);
    pass(HOUR_MS, 365 * DAY_MS);
    // It is ahead of where it was expected: the doubt ends by itself.
    expect(guard.areBelieved()).toBe(false);
    pass(PROOF_MS + HOUR_MS);
    expect(guard.areBelieved()).toBe(true);
  });
});
