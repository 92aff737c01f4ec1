import { describe, expect, it } from 'vitest';
import { nextTime, scheduleFault } from '../../src/scheduling/cron.js';

const BERLIN = 'Europe/Berlin';

/** The next times, one after the other. */
function times(cron: string, timeZone: string, from: string, count: number): string[] {
  const found: string[] = [];
  for (let at = Date.parse(from); found.length < count; at = Date.parse(found.at(-1)!))
    found.push(new Date(nextTime({ cron, timeZone }, at)!).toISOString());
  return found;
}

describe('the times of a schedule', () => {
  it('follow the clock of the time zone', () => {
    expect(times('0 3 * * MON', BERLIN, '2026-01-01T00:00:00Z', 2)).toEqual([
      ...['2026-01-05T02:00:00.000Z', '2026-01-12T02:00:00.000Z'],
    ]);
    expect(times('0 3 * * *', 'UTC', '2026-01-01T03:00:00Z', 1)).toEqual(['2026-01-02T03:00:00.000Z']);
    expect(times('@monthly', 'America/New_York', '2026-06-15T00:00:00Z', 1)).toEqual([
      '2026-07-01T04:00:00.000Z',
    ]);
  });

  it('come at the end of the gap where the clock is put forward, once a day', () => {
    // In Berlin, 02:00 to 03:00 of 29 March 2026 does not exist.
    expect(times('30 2 * * *', BERLIN, '2026-03-28T00:00:00Z', 3)).toEqual([
      ...['2026-03-28T01:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'],
    ]);
  });

  it('come once where the clock is put back and shows them twice', () => {
    // In Berlin, 02:00 to 03:00 of 25 October 2026 comes twice.
    expect(times('30 2 * * *', BERLIN, '2026-10-24T12:00:00Z', 2)).toEqual([
      ...['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ]);
  });
});

describe('a schedule', () => {
  it.each([
    [{ cron: '0 3 * * *', timeZone: BERLIN }, undefined],
    [
      { cron: '0 3 * * *', timeZone: 'Mars/Base' },
      { field: 'time_zone', code: 'bad_time_zone' },
    ],
    [
      { cron: '0 0 30 2 *', timeZone: 'UTC' },
      { field: 'cron', code: 'bad_cron' },
    ],
    [
      { cron: '61 * * * *', timeZone: 'UTC' },
      { field: 'cron', code: 'bad_cron' },
    ],
    [
      { cron: '* * * * * *', timeZone: 'UTC' },
      { field: 'cron', code: 'bad_cron' },
    ],
    [
      { cron: 'daily', timeZone: 'UTC' },
      { field: 'cron', code: 'bad_cron' },
    ],
  ])('%j is told with its fault', (schedule, fault) => {
    const found = scheduleFault(schedule, Date.parse('2026-01-01T00:00:00Z'));
    if (fault) expect(found).toMatchObject(fault);
    else expect(found).toBeUndefined();
  });
});
