import { describe, expect, it } from 'vitest';
import {
  appendToLog,
  EVENT_LOG_LIMIT,
  emptyLog,
  eventsAfter,
} from '../../../frontend-bridge/web/src/state/event-log.js';
import type { EventJson } from '../../../src/contract/event.js';

const event = (seq: number): EventJson => ({ seq, at: '2026-03-01T10:00:00.000Z', type: 'node.alive' });
const seqs = (events: readonly EventJson[] | undefined): number[] | undefined =>
  events?.map(({ seq }) => seq);

describe('the event log', () => {
  it('brings an answer forward from any cursor that it reaches back to', () => {
    const log = appendToLog(emptyLog(10), [event(11), event(13)], 15);
    expect(seqs(eventsAfter(log, 10))).toEqual([11, 13]);
    expect(seqs(eventsAfter(log, 11))).toEqual([13]);
    expect(seqs(eventsAfter(log, 20))).toEqual([]);
  });

  it('says so when it does not reach back far enough', () => {
    expect(eventsAfter(emptyLog(10), 9)).toBeUndefined();
  });

  it('drops repeated events', () => {
    const log = appendToLog(appendToLog(emptyLog(0), [event(1), event(2)], 2), [event(2), event(3)], 3);
    expect(seqs(log.events)).toEqual([1, 2, 3]);
    expect(log.to).toBe(3);
  });

  it('stays bounded, and then reaches back less far', () => {
    const events = Array.from({ length: EVENT_LOG_LIMIT + 3 }, (_, index) => event(index + 1));
    const log = appendToLog(emptyLog(0), events, events.length);
    expect(log.events).toHaveLength(EVENT_LOG_LIMIT);
    expect(eventsAfter(log, 2)).toBeUndefined();
    expect(eventsAfter(log, 3)?.[0]?.seq).toBe(4);
  });
});
