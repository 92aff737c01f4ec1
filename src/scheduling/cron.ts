/** The times of a schedule: a cron expression in a time zone. Pure: no timer is set here. */
import { Cron } from 'croner';
import type { Schedule } from '../model/campaign.js';

/**
 * The first time after `afterMs`, in Unix milliseconds; nothing where there is none. Where the clock of the time zone is put forward, a time
 * that it leaves out comes at the end of the gap; where it is put back, a time that it shows twice comes once, the first time.
 *
 * Throws what `scheduleFault` reports.
 */
export function nextTime({ cron, timeZone }: Schedule, afterMs: number): number | undefined {
  const pattern = new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true });
  return pattern.nextRun(new Date(afterMs))?.getTime();
}

/** Why it is not a schedule. */
export function scheduleFault({ cron, timeZone }: Schedule, nowMs: number): Fault | undefined {
  if (!isTimeZone(timeZone)) {
    const message = `${JSON.stringify(timeZone)} is not a time zone: give a name such as Europe/Berlin`;
    return { field: 'time_zone', code: 'bad_time_zone', message };
  }
  try {
    if (nextTime({ cron, timeZone }, nowMs) !== undefined) return undefined;
    return { field: 'cron', code: 'bad_cron', message: `${JSON.stringify(cron)} never comes` };
  } catch {
    const message = `${JSON.stringify(cron)} is not a cron expression: give minute, hour, day, month and day of the week, such as "0 3 * * MON"`;
    return { field: 'cron', code: 'bad_cron', message };
  }
}

interface Fault {
  readonly field: 'cron' | 'time_zone';
  readonly code: string;
  readonly message: string;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
