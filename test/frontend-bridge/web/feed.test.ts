import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveFeed, type Wire, type WireEnds } from '../../../frontend-bridge/web/src/live/feed.js';
import { STALE_AFTER_MS } from '../../../frontend-bridge/web/src/state/connection.js';
import type { NodesView, Snapshot } from '../../../frontend-bridge/web/src/state/views.js';
import type { EventJson } from '../../../src/contract/event.js';
import type { NodeJson } from '../../../src/contract/node.js';

const KEY = ['live', 'nodes'];
const STORE = 'store-1';

/** The server's end of one connection. */
class FakeWire implements Wire {
  readonly ends: WireEnds;
  readonly sent: unknown[] = [];
  closed = false;

  constructor(ends: WireEnds) {
    this.ends = ends;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  say(frame: object): void {
    this.ends.onMessage(JSON.stringify(frame));
  }

  greet(cursor: number, store_id = STORE): void {
    this.say({ type: 'hello', cursor, epoch: 1, store_id });
  }
}

const wires: FakeWire[] = [];
let timers: { at: number; run: () => void }[] = [];
let now = 0;
let cache: QueryClient;
let feed: LiveFeed;

const wire = (): FakeWire => wires.at(-1)!;
const shown = (): Snapshot<NodesView> | undefined => cache.getQueryData(KEY);
const status = (): string | undefined => shown()?.view.items[0]?.status;

function pass(ms: number): void {
  now += ms;
  const due = timers.filter((timer) => timer.at <= now);
  timers = timers.filter((timer) => timer.at > now);
  for (const timer of due) timer.run();
}

function answer(cursor: number, node: Partial<NodeJson> = {}): void {
  const items = [{ node_id: 'n1', status: 'IDLE', liveness: 'alive', running: [], error: null, ...node }];
  cache.setQueryData(KEY, { cursor, view: { kind: 'nodes', items }, incomplete: false });
}

function statusEvent(seq: number, value: string): EventJson {
  return { seq, at: '2026-03-01T10:00:00.000Z', type: 'node.status', node_id: 'n1', status: value };
}

function sayEvents(...events: EventJson[]): void {
  wire().say({ type: 'events', cursor: events.at(-1)?.seq, events });
}

beforeEach(() => {
  wires.length = 0;
  timers = [];
  now = 0;
  cache = new QueryClient();
  feed = new LiveFeed({
    cache,
    dial: (ends) => {
      wires.push(new FakeWire(ends));
      return wire();
    },
    now: () => now,
    random: () => 1,
    later: (ms, run) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    onWake: () => () => {},
  });
  feed.start();
});

afterEach(() => {
  feed.stop();
  cache.clear();
});

describe('the live feed', () => {
  it('subscribes from the oldest cursor that is shown', () => {
    answer(7);
    wire().greet(9);
    expect(wire().sent).toEqual([{ type: 'subscribe', cursor: 7, store_id: STORE }]);
    wire().say({ type: 'subscribed', cursor: 7 });
    sayEvents(statusEvent(8, 'RUNNING'));
    expect(status()).toBe('RUNNING');
    expect(feed.getState().connection.phase).toBe('live');
  });

  it('brings an answer that arrives late up to date', () => {
    wire().greet(5);
    sayEvents(statusEvent(6, 'RUNNING'), statusEvent(8, 'ERROR'));
    answer(6, { status: 'RUNNING' });
    expect(status()).toBe('ERROR');
    expect(shown()?.cursor).toBe(8);
  });

  it('asks again for an answer older than anything it has heard', () => {
    wire().greet(5);
    sayEvents(statusEvent(6, 'RUNNING'));
    answer(3);
    expect(cache.getQueryState(KEY)?.isInvalidated).toBe(true);
  });

  it('goes on after a lost connection exactly where it stopped', () => {
    answer(5);
    wire().greet(5);
    wire().say({ type: 'subscribed', cursor: 5 });
    sayEvents(statusEvent(6, 'RUNNING'));
    wire().ends.onClose();
    expect(feed.getState().connection.phase).toBe('waiting');
    pass(60_000);
    expect(wires).toHaveLength(2);
    wire().greet(9);
    expect(wire().sent).toEqual([{ type: 'subscribe', cursor: 6, store_id: STORE }]);
    sayEvents(statusEvent(6, 'RUNNING'), statusEvent(9, 'IDLE'));
    expect(status()).toBe('IDLE');
    expect(feed.getState().notice).toBeNull();
  });

  it('takes silence for a lost connection, and a tick for a sign of life', () => {
    wire().greet(5);
    wire().say({ type: 'subscribed', cursor: 5 });
    pass(STALE_AFTER_MS - 1);
    wire().say({ type: 'tick', cursor: 7 });
    expect(feed.getState().cursor).toBe(7);
    pass(STALE_AFTER_MS - 1);
    expect(feed.getState().connection.phase).toBe('live');
    pass(1);
    expect(feed.getState().connection.phase).toBe('waiting');
    expect(wires[0]?.closed).toBe(true);
  });

  it('keeps what is shown over a gap, says so, and reads it again', () => {
    answer(5);
    wire().greet(5);
    wire().say({ type: 'gap', from: 6, to: 20 });
    expect(status()).toBe('IDLE');
    expect(shown()?.incomplete).toBe(true);
    expect(cache.getQueryState(KEY)?.isInvalidated).toBe(true);
    expect(feed.getState().notice).toMatchObject({ kind: 'gap', text: expect.stringContaining('6 to 20') });
    answer(21, { status: 'RUNNING' });
    expect(shown()).toMatchObject({ cursor: 21, incomplete: false });
  });

  it('forgets everything when the orchestrator comes back with another store', () => {
    answer(50);
    wire().greet(50);
    wire().ends.onClose();
    pass(60_000);
    wire().greet(3, 'store-2');
    expect(shown()).toBeUndefined();
    expect(feed.getState().notice?.kind).toBe('store');
    expect(wire().sent).toEqual([{ type: 'subscribe', cursor: 3, store_id: 'store-2' }]);
  });

  it('starts over when the server does not know its cursor', () => {
    answer(50);
    wire().greet(50);
    wire().say({ type: 'error', error: { code: 'bad_cursor', message: 'past the newest' } });
    expect(shown()).toBeUndefined();
    pass(60_000);
    wire().greet(4);
    expect(wire().sent).toEqual([{ type: 'subscribe', cursor: 4, store_id: STORE }]);
  });

  it('reads a view again soon after an event that did not say enough, once for many', () => {
    answer(5);
    wire().greet(5);
    sayEvents({ ...statusEvent(6, 'IDLE'), type: 'node.joined', node_id: 'n2' });
    sayEvents({ ...statusEvent(7, 'IDLE'), type: 'node.joined', node_id: 'n3' });
    pass(40);
    expect(cache.getQueryState(KEY)?.isInvalidated).toBe(false);
    pass(1000);
    expect(cache.getQueryState(KEY)?.isInvalidated).toBe(true);
  });

  it('takes what comes in quick succession together, and loses none of it to a lost connection', () => {
    answer(5);
    wire().greet(5);
    let drawn = 0;
    cache.getQueryCache().subscribe((change) => {
      if (change.type === 'updated') drawn += 1;
    });
    for (let seq = 6; seq <= 30; seq += 1) sayEvents(statusEvent(seq, seq % 2 ? 'IDLE' : 'ERROR'));
    expect([shown()?.cursor, drawn]).toEqual([6, 1]);
    pass(40);
    expect([shown()?.cursor, drawn]).toEqual([30, 2]);
    sayEvents(statusEvent(31, 'IDLE'));
    sayEvents(statusEvent(32, 'INACTIVE'));
    wire().ends.onClose();
    expect([shown()?.cursor, status()]).toEqual([32, 'INACTIVE']);
  });

  it('ignores frames that it does not know', () => {
    wire().ends.onMessage('not json');
    wire().say({ type: 'applause' });
    wire().ends.onMessage(new ArrayBuffer(2));
    wire().greet(5);
    expect(wire().sent).toHaveLength(1);
  });

  it('leaves nothing behind when it stops', () => {
    wire().greet(5);
    feed.stop();
    expect(wire().closed).toBe(true);
    expect(timers).toEqual([]);
  });
});
