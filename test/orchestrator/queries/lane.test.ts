import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lane, type LinkEvents } from '../../../src/orchestrator/queries/service/lane.js';
import type { Question, ToReader } from '../../../src/orchestrator/queries/service/messages.js';
import { silent } from '../../support/silent.js';

const QUESTION: Question = { name: 'problem', args: ['p'], bound: '*' };
const NOTHING = new Uint8Array();

/** A reader that does what a test says. */
interface FakeReader extends LinkEvents {
  readonly told: ToReader[];
  isKilled: boolean;
}

let readers: FakeReader[];

function laneOf(options: { running?: number; waiting?: number; exports?: number } = {}): Lane {
  return new Lane({
    ...{ name: 'short', running: 2, waiting: 3, exports: 1, ...options },
    logger: silent,
    start(_name, events) {
      const reader: FakeReader = { ...events, told: [], isKilled: false };
      readers.push(reader);
      return {
        send: (message) => void reader.told.push(message),
        kill() {
          reader.isKilled = true;
          events.onEnd('killed');
        },
      };
    },
  });
}

const ready = (reader: FakeReader | undefined): void => reader?.onMessage({ kind: 'ready' }, NOTHING);
const asked = ({ told }: FakeReader): number[] =>
  told.flatMap((message) => (message.kind === 'ask' ? [message.id] : []));
const answer = (reader: FakeReader, id: number): void =>
  reader.onMessage({ kind: 'json', id, cursor: id }, Buffer.from('{}'));

beforeEach(() => {
  readers = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe('a lane', () => {
  it('gives its reader so many questions at a time, in their order, and refuses more than may wait', async () => {
    const lane = laneOf();
    const replies = Array.from({ length: 5 }, () => lane.ask(QUESTION));
    expect(readers[0]!.told).toEqual([]);
    ready(readers[0]);
    // The lane had no reader when they came: two of the three that waited go in.
    expect(asked(readers[0]!)).toEqual([1, 2]);
    expect((await replies[3]!).reply).toMatchObject({
      kind: 'refused',
      refusal: { code: 'too_many_queries' },
    });
    answer(readers[0]!, 1);
    expect(asked(readers[0]!)).toEqual([1, 2, 3]);
    expect((await replies[0]!).reply).toEqual({ kind: 'json', id: 1, cursor: 1 });
  });

  it('asks the next reader once more when one has ended, and refuses what has ended two', async () => {
    const lane = laneOf();
    const reply = lane.ask(QUESTION);
    ready(readers[0]);
    readers[0]!.onEnd('SIGSEGV');
    expect([lane.gauges().ended, lane.trouble !== undefined]).toEqual([1, true]);
    vi.advanceTimersByTime(100);
    ready(readers[1]);
    expect(asked(readers[1]!)).toEqual([1]);
    expect(lane.trouble).toBeUndefined();
    readers[1]!.onEnd('SIGSEGV');
    expect((await reply).reply).toMatchObject({ refusal: { code: 'reader_ended', kind: 'unavailable' } });
  });

  it('starts readers that end at once later and later, and no longer than five seconds later', () => {
    const lane = laneOf();
    lane.start();
    const pauses: number[] = [];
    for (let count = 1; count <= 8; count += 1) {
      readers.at(-1)!.onEnd('exit code 1');
      let pause = 0;
      for (; readers.length === count; pause += 100) vi.advanceTimersByTime(100);
      pauses.push(pause);
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    lane.stop();
  });

  it('refuses what has waited too long for a reader that does not come up', async () => {
    const lane = laneOf();
    const reply = lane.ask(QUESTION);
    vi.advanceTimersByTime(9_000);
    readers[0]!.onEnd('exit code 1');
    vi.advanceTimersByTime(24_000);
    expect((await reply).reply).toMatchObject({ refusal: { code: 'queries_unavailable' } });
    lane.stop();
  });

  it('kills a reader that says nothing, and none that answers', () => {
    const lane = laneOf();
    lane.start();
    ready(readers[0]);
    for (let second = 0; second < 20; second += 1) {
      vi.advanceTimersByTime(1_000);
      expect(readers[0]!.told.at(-1)).toEqual({ kind: 'ping' });
      readers[0]!.onMessage({ kind: 'pong', residentBytes: 5 }, NOTHING);
    }
    expect(lane.gauges()).toMatchObject({ up: true, resident_bytes: 5 });
    vi.advanceTimersByTime(11_000);
    expect(readers[0]!.isKilled).toBe(true);
    lane.stop();
  });

  it('takes a cancelled question out of the queue, or tells the reader', async () => {
    const lane = laneOf({ running: 1 });
    const [first, second] = [new AbortController(), new AbortController()];
    const replies = [lane.ask(QUESTION, first.signal), lane.ask(QUESTION, second.signal), lane.ask(QUESTION)];
    ready(readers[0]);
    second.abort();
    expect((await replies[1]!).reply).toMatchObject({ refusal: { code: 'cancelled' } });
    expect(readers[0]!.told).toHaveLength(1);
    first.abort();
    expect((await replies[0]!).reply).toMatchObject({ refusal: { code: 'cancelled' } });
    expect(readers[0]!.told.slice(1)).toMatchObject([
      { kind: 'cancel', id: 1 },
      { kind: 'ask', id: 3 },
    ]);
    // What was said before the reader heard of it is nobody's.
    answer(readers[0]!, 1);
    answer(readers[0]!, 3);
    expect((await replies[2]!).reply.id).toBe(3);
    const over = new AbortController();
    over.abort();
    expect((await lane.ask(QUESTION, over.signal)).reply).toMatchObject({ refusal: { code: 'cancelled' } });
  });

  it('does not begin an export again, and has so many at a time', async () => {
    const lane = laneOf();
    const EXPORT: Question = { name: 'exportOf', args: ['p', 'jsonl'], bound: '*' };
    const begun = lane.ask(EXPORT);
    ready(readers[0]);
    readers[0]!.onMessage({ kind: 'export', id: 1, cursor: 3 }, NOTHING);
    expect((await begun).reply).toMatchObject({ cursor: 3 });
    expect((await lane.ask(EXPORT)).reply).toMatchObject({ refusal: { code: 'too_many_queries' } });
    const piece = lane.more(1);
    expect(readers[0]!.told.at(-1)).toEqual({ kind: 'more', id: 1 });
    readers[0]!.onMessage({ kind: 'piece', id: 1 }, Buffer.from('text'));
    expect((await piece).body).toEqual(Buffer.from('text'));
    const rest = lane.more(1);
    readers[0]!.onEnd('SIGKILL');
    expect((await rest).reply).toMatchObject({ refusal: { code: 'reader_ended' } });
    expect(lane.gauges().exports).toBe(0);
    lane.stop();
  });

  it('refuses everything once it is stopped, and starts no reader', async () => {
    const lane = laneOf();
    const reply = lane.ask(QUESTION);
    ready(readers[0]);
    lane.stop();
    lane.stop();
    expect((await reply).reply).toMatchObject({ refusal: { code: 'stopping' } });
    expect((await lane.ask(QUESTION)).reply).toMatchObject({ refusal: { code: 'stopping' } });
    vi.advanceTimersByTime(60_000);
    expect([readers.length, readers[0]!.isKilled]).toEqual([1, true]);
  });
});
