/**
 * The events heard so far, so that an answer fetched meanwhile can be brought up to date.
 *
 * 1. It holds every event in (`from`, `to`] and no other.
 * 2. It is bounded: what falls out raises `from`.
 */
import type { EventJson } from '../../../../src/contract/event.js';

export interface EventLog {
  readonly from: number;
  readonly to: number;
  readonly events: readonly EventJson[];
}

/** An answer that took longer than so many events is fetched again rather than caught up. */
export const EVENT_LOG_LIMIT = 4096;

export function emptyLog(cursor: number): EventLog {
  return { from: cursor, to: cursor, events: [] };
}

/** The log after a batch that reaches up to `cursor`; repeated events are dropped. */
export function appendToLog(log: EventLog, batch: readonly EventJson[], cursor: number): EventLog {
  const fresh = batch.filter((event) => event.seq > log.to);
  const events = [...log.events, ...fresh];
  const surplus = events.length - EVENT_LOG_LIMIT;
  return {
    from: surplus > 0 ? (events[surplus - 1]?.seq ?? log.from) : log.from,
    to: Math.max(log.to, cursor),
    events: surplus > 0 ? events.slice(surplus) : events,
  };
}

/** The events after `cursor`, or nothing when some of them have fallen out. */
export function eventsAfter(log: EventLog, cursor: number): readonly EventJson[] | undefined {
  if (cursor < log.from) return undefined;
  const start = log.events.findIndex((event) => event.seq > cursor);
  return start < 0 ? [] : log.events.slice(start);
}
