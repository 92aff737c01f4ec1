import { describe, expect, it } from 'vitest';
import { Activity } from '../../../frontend-bridge/gateway/activity.js';
import { createFakeEvents } from '../../support/fake-events.js';

const NOON = Date.UTC(2026, 0, 1, 12);
const at = (minute: number): string => new Date(NOON + minute * 60_000).toISOString();
const ended = (minute: number, word = 'succeeded') => ({ type: `iteration.${word}`, at: at(minute) });

describe('the activity of the last hour', () => {
  it('counts what was submitted and what ended by its minute, and nothing else', async () => {
    const events = createFakeEvents();
    events.store([
      ended(-61),
      ended(-59),
      ended(-1, 'submitted'),
      ended(-1, 'failed'),
      { type: 'execution.log', at: at(-1), message: '"type":"iteration.failed"' },
      ended(0, 'cancelled'),
      ended(0, 'aborted'),
    ]);
    const { cursor, since, minutes } = await new Activity({ events, wallMs: () => NOON }).look();
    expect([cursor, since, minutes.length]).toEqual([7, at(-59), 60]);
    const nothing = { submitted: 0, succeeded: 0, failed: 0, cancelled: 0, aborted: 0 };
    expect(minutes[0]).toEqual({ ...nothing, at: at(-59), succeeded: 1 });
    expect(minutes[58]).toEqual({ ...nothing, at: at(-1), submitted: 1, failed: 1 });
    expect(minutes[59]).toEqual({ ...nothing, at: at(0), cancelled: 1, aborted: 1 });
  });

  it('goes on from the look before, and lets go of what is older than an hour', async () => {
    const events = createFakeEvents();
    let now = NOON;
    const activity = new Activity({ events, wallMs: () => now });
    events.store([ended(0), ended(0)]);
    expect((await activity.look()).minutes.at(-1)?.succeeded).toBe(2);
    // Were it read again, it would be missed.
    events.trim(2);
    events.store([ended(0)]);
    expect((await Promise.all([activity.look(), activity.look()]))[1].minutes.at(-1)?.succeeded).toBe(3);
    now += 30 * 60_000;
    expect((await activity.look()).minutes[29]).toMatchObject({ at: at(0), succeeded: 3 });
    now += 31 * 60_000;
    expect((await activity.look()).minutes.every(({ succeeded }) => succeeded === 0)).toBe(true);
  });

  it('says how far it looked back where there were too many events', async () => {
    const events = createFakeEvents();
    const many = (count: number, minute: number) =>
      events.store(Array.from({ length: count }, () => ({ type: 'execution.log', at: at(minute) })));
    events.store([ended(-30)]);
    many(2500, -20);
    many(2500, -10);
    const { since, minutes } = await new Activity({ events, wallMs: () => NOON, lookLimit: 3000 }).look();
    expect(since).toBe(at(-20));
    expect(minutes.every(({ succeeded }) => succeeded === 0)).toBe(true);
  });
});
