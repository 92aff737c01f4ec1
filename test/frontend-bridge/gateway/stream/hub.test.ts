import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Hub } from '../../../../frontend-bridge/gateway/stream/hub.js';
import { createFakeEvents, type FakeEvent, type FakeEvents } from '../../../support/fake-events.js';
import { createFakeViewer, type FakeViewer } from '../../../support/fake-viewer.js';

const STORE = 'store-1';
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

interface Setup {
  readonly events: FakeEvents;
  readonly hub: Hub;
  readonly failures: unknown[];
  /** The codes of what viewers were refused. */
  readonly refused: string[];
  now: number;
  view(subscribe?: Record<string, unknown>): {
    viewer: FakeViewer;
    say(message: unknown): void;
    leave(): void;
  };
}

function setup(options: { bufferBytes?: number; messagesPerSecond?: number } = {}): Setup {
  const events = createFakeEvents();
  const failures: unknown[] = [];
  const refused: string[] = [];
  const clock = { monotonicMs: () => self.now, wallMs: () => self.now };
  const hub = new Hub(
    {
      ...{ events, epoch: 3, storeId: STORE, clock },
      onReadFailure: (failure) => failures.push(failure),
      onRefused: (_, code) => refused.push(code),
    },
    { bufferBytes: 1_000, messagesPerSecond: 20, ...options },
  );
  hub.start();
  const self: Setup = {
    events,
    hub,
    failures,
    refused,
    now: 0,
    view(subscribe) {
      const viewer = createFakeViewer();
      const attached = hub.attach(viewer, '', '*');
      if (subscribe !== undefined) attached.message(JSON.stringify({ type: 'subscribe', ...subscribe }));
      return {
        viewer,
        say: (message) => attached.message(typeof message === 'string' ? message : JSON.stringify(message)),
        leave: () => attached.closed(),
      };
    },
  };
  return self;
}

const batch = (count: number, problem_id?: string): FakeEvent[] =>
  Array.from({ length: count }, () => ({ type: 'node.status', ...(problem_id && { problem_id }) }));

/** The numbers of the events that a viewer was shown, in the order in which it saw them. */
function seen(viewer: FakeViewer): number[] {
  return viewer.frames
    .filter((frame) => frame.type === 'events')
    .flatMap((frame) => (frame.events as { seq: number }[]).map((event) => event.seq));
}

function upTo(count: number, from = 1): number[] {
  return Array.from({ length: count - from + 1 }, (_unused, index) => from + index);
}

describe('a viewer', () => {
  it('is greeted with the newest cursor, the epoch and the store', async () => {
    const { view, events } = setup();
    events.commit(batch(2));
    const { viewer } = view();
    await settle();
    expect(viewer.frames).toEqual([{ type: 'hello', cursor: 2, epoch: 3, store_id: STORE }]);
  });

  it('sees everything after its cursor, then what happens', async () => {
    const { view, events } = setup();
    events.commit(batch(3));
    const { viewer } = view({ cursor: 1 });
    await settle();
    events.commit(batch(2));
    await settle();
    expect(viewer.frames[1]).toEqual({ type: 'subscribed', cursor: 1 });
    expect(viewer.frames[2]).toMatchObject({ type: 'events', cursor: 3 });
    expect(seen(viewer)).toEqual([2, 3, 4, 5]);
  });

  it('begins now without a cursor, and at the beginning with 0', async () => {
    const { view, events } = setup();
    events.commit(batch(3));
    const fromNow = view({});
    const fromBeginning = view({ cursor: 0 });
    await settle();
    events.commit(batch(1));
    await settle();
    expect(fromNow.viewer.frames[1]).toEqual({ type: 'subscribed', cursor: 3 });
    expect(seen(fromNow.viewer)).toEqual([4]);
    expect(seen(fromBeginning.viewer)).toEqual([1, 2, 3, 4]);
  });

  it('sees only its problem, and learns from the tick that nothing else is missing', async () => {
    const { view, events, hub } = setup();
    events.commit([...batch(1, 'p'), ...batch(2, 'q'), ...batch(1)]);
    const { viewer } = view({ cursor: 0, problem_id: 'q' });
    await settle();
    events.commit([...batch(1, 'p'), ...batch(1, 'q'), ...batch(3)]);
    hub.tick();
    await settle();
    expect(seen(viewer)).toEqual([2, 3, 6]);
    expect(viewer.frames.filter((frame) => frame.type === 'events').map((frame) => frame.cursor)).toEqual([
      3, 6,
    ]);
    expect(viewer.frames.at(-1)).toEqual({ type: 'tick', cursor: 9 });
  });

  it('is told what is no longer there, once', async () => {
    const { view, events } = setup();
    events.commit(batch(10));
    events.trim(6);
    const { viewer } = view({ cursor: 2 });
    await settle();
    expect(viewer.frames.slice(1, 3)).toEqual([
      { type: 'subscribed', cursor: 2 },
      { type: 'gap', from: 3, to: 6 },
    ]);
    expect(seen(viewer)).toEqual([7, 8, 9, 10]);
  });

  it('is told of the gap where nothing is left at all', async () => {
    const { view, events } = setup();
    events.commit(batch(5));
    events.trim(5);
    const { viewer } = view({ cursor: 0 });
    await settle();
    events.commit(batch(1));
    await settle();
    expect(viewer.frames.slice(2)).toMatchObject([
      { type: 'gap', from: 1, to: 5 },
      { type: 'events', cursor: 6 },
    ]);
  });

  it('gets a gap over everything when its cursor is of another store', async () => {
    const { view, events } = setup();
    events.commit(batch(4));
    const { viewer } = view({ cursor: 900, store_id: 'store-0' });
    await settle();
    events.commit(batch(1));
    await settle();
    expect(viewer.frames.slice(1, 3)).toEqual([
      { type: 'subscribed', cursor: 0 },
      { type: 'gap', from: 1, to: 4 },
    ]);
    expect(seen(viewer)).toEqual([5]);
  });

  it('keeps its subscription when the next one names a cursor in the future', async () => {
    const { view, events } = setup();
    const { viewer, say } = view({});
    say({ type: 'subscribe', cursor: 7 });
    events.commit(batch(1));
    await settle();
    expect(viewer.frames[2]).toMatchObject({ type: 'error', error: { code: 'bad_cursor' } });
    expect(seen(viewer)).toEqual([1]);
  });

  it('replaces its subscription with the next one, and sees nothing after unsubscribing', async () => {
    const { view, events } = setup();
    const { viewer, say } = view({ problem_id: 'p' });
    say({ type: 'subscribe', problem_id: 'q' });
    events.commit([...batch(1, 'p'), ...batch(1, 'q')]);
    say({ type: 'unsubscribe' });
    events.commit(batch(1, 'q'));
    await settle();
    expect(seen(viewer)).toEqual([2]);
  });

  it.each([
    ['no JSON', '{"type":', 'malformed_message'],
    ['another type', '{"type":"hello"}', 'invalid_message'],
    ['a wrong cursor', '{"type":"subscribe","cursor":-1}', 'invalid_message'],
    ['a list', '[]', 'invalid_message'],
    ['nothing', 'null', 'invalid_message'],
  ])('is told what is wrong with %s, and lives on', async (_name, text, code) => {
    const { view, events } = setup();
    const { viewer, say } = view({});
    say(text);
    events.commit(batch(1));
    await settle();
    expect(viewer.frames[2]).toMatchObject({ type: 'error', error: { code } });
    expect(seen(viewer)).toEqual([1]);
  });

  it('is cut off when it talks too much', async () => {
    const { view, refused } = setup({ messagesPerSecond: 1 });
    const { viewer, say } = view();
    for (let index = 0; index < 11; index += 1) say({ type: 'unsubscribe' });
    await settle();
    expect(viewer.frames.at(-1)).toMatchObject({ type: 'error', error: { code: 'too_many' } });
    expect(viewer.closed?.code).toBe(1008);
    expect(refused).toEqual(['too_many']);
  });

  it('is cut off when it asks and asks without reading the answers', () => {
    const self = setup({ bufferBytes: 100 });
    const { viewer, say } = self.view();
    viewer.reading = false;
    for (let index = 0; index < 200 && viewer.closed === undefined; index += 1) {
      self.now += 1_000;
      say('nonsense');
    }
    expect(viewer.closed?.code).toBe(1008);
    expect(viewer.sent.length).toBeLessThan(110);
  });

  it('is asked to go when the orchestrator stops, and costs nothing when it has gone', async () => {
    const { view, hub, events } = setup();
    const { viewer } = view({});
    const gone = view({ problem_id: 'p' });
    gone.leave();
    expect(hub.stats()).toEqual({ viewers: 1, behind: 0 });
    hub.stop();
    expect(viewer.closed?.code).toBe(1001);
    expect(events.listeners()).toBe(0);
  });
});

describe('many viewers', () => {
  it('share one buffer a commit, and one for each problem that is watched', () => {
    const { view, events } = setup();
    const everything = [view({}), view({}), view({})];
    const filtered = [view({ problem_id: 'p' }), view({ problem_id: 'p' })];
    events.commit([...batch(2, 'p'), ...batch(1)]);
    const buffers = (views: { viewer: FakeViewer }[]): Set<Buffer | undefined> =>
      new Set(views.map(({ viewer }) => viewer.sent.at(-1)));
    expect(buffers(everything).size).toBe(1);
    expect(buffers(filtered).size).toBe(1);
  });

  it('are read for a few at a time, and all served', async () => {
    const { view, events } = setup();
    events.commit(batch(5));
    let reading = 0;
    let most = 0;
    events.gate = async () => {
      reading += 1;
      most = Math.max(most, reading);
      await Promise.resolve();
      reading -= 1;
    };
    const views = Array.from({ length: 50 }, () => view({ cursor: 0 }));
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(most).toBeLessThanOrEqual(4);
    for (const { viewer } of views) expect(seen(viewer)).toEqual(upTo(5));
  });
});

describe('a slow viewer', () => {
  it('gets no live frames beyond its bound, grows nothing, and misses nothing once it reads', async () => {
    const { view, events, hub } = setup({ bufferBytes: 1_000 });
    const slow = view({});
    const quick = view({});
    slow.viewer.reading = false;
    let largest = 0;
    for (let round = 0; round < 500; round += 1) {
      events.commit(batch(1));
      await settle();
      largest = Math.max(largest, slow.viewer.buffered());
    }
    expect(largest).toBeLessThan(1_300);
    expect(hub.stats()).toEqual({ viewers: 2, behind: 1 });
    expect(seen(quick.viewer)).toEqual(upTo(500));
    slow.viewer.reading = true;
    slow.viewer.drain();
    await settle();
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(seen(slow.viewer)).toEqual(upTo(500));
    expect(hub.stats().behind).toBe(0);
  });

  it('is told of the gap when what it missed was trimmed meanwhile', async () => {
    const { view, events } = setup({ bufferBytes: 200 });
    const { viewer } = view({});
    viewer.reading = false;
    for (let round = 0; round < 40; round += 1) events.commit(batch(1));
    events.trim(30);
    viewer.reading = true;
    viewer.drain();
    for (let turn = 0; turn < 10; turn += 1) await settle();
    const gap = viewer.frames.find((frame) => frame.type === 'gap') as { from: number; to: number };
    expect(gap.to).toBe(30);
    expect(seen(viewer)).toEqual([...upTo(gap.from - 1), ...upTo(40, 31)]);
  });

  it('is not ticked past what it was sent', async () => {
    const { view, events, hub } = setup({ bufferBytes: 100 });
    events.commit(batch(3));
    events.gate = () => new Promise(() => {});
    const { viewer } = view({ cursor: 1 });
    await settle();
    hub.tick();
    await settle();
    expect(viewer.frames.at(-1)).toEqual({ type: 'tick', cursor: 1 });
  });

  it('tries again at the next tick when the past could not be read', async () => {
    const { view, events, hub, failures } = setup();
    events.commit(batch(3));
    events.gate = async () => {
      throw new Error('the disk');
    };
    const { viewer } = view({ cursor: 0 });
    await settle();
    expect(failures).toHaveLength(1);
    events.gate = async () => {};
    hub.tick();
    await settle();
    expect(seen(viewer)).toEqual([1, 2, 3]);
  });
});

describe('between catching up and live', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('store' as const),
        of: fc.array(fc.constantFrom('p', 'q', undefined), { minLength: 1, maxLength: 4 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('announce' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('drain' as const), viewer: fc.nat(2) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('trim' as const),
        share: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('subscribe' as const),
        filtered: fc.boolean(),
        share: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
        viewer: fc.nat(2),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  );

  it('no event is lost, doubled or out of order, and gaps are exactly what was trimmed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const self = setup({ bufferBytes: 400, messagesPerSecond: 1_000 });
        const { events, hub } = self;
        const waiting: (() => void)[] = [];
        events.gate = () => new Promise<void>((resolve) => waiting.push(resolve));
        const problems: (string | undefined)[] = [];
        const viewers = Array.from({ length: 3 }, () => self.view());
        let trimmed = 0;
        for (const { viewer } of viewers) viewer.reading = false;
        for (const one of steps) {
          switch (one.do) {
            case 'store':
              problems.push(...one.of);
              events.store(one.of.map((problem) => batch(1, problem)[0]!));
              break;
            case 'announce':
              events.announce();
              break;
            case 'answer':
              waiting.shift()?.();
              await settle();
              break;
            case 'drain':
              viewers[one.viewer]!.viewer.drain();
              break;
            case 'trim':
              trimmed = Math.max(trimmed, Math.floor(one.share * events.cursor()));
              events.trim(trimmed);
              break;
            case 'subscribe':
              viewers[one.viewer]!.say({
                type: 'subscribe',
                cursor: Math.floor(one.share * events.cursor()),
                ...(one.filtered && { problem_id: 'p' }),
              });
              break;
            case 'tick':
              hub.tick();
              break;
            case 'turn':
              await settle();
              break;
            default:
              one satisfies never;
          }
        }
        for (let round = 0; round < steps.length; round += 1) events.announce();
        for (const { viewer } of viewers) viewer.reading = true;
        events.gate = async () => {};
        for (let round = 0; round < 20; round += 1) {
          for (const resolve of waiting.splice(0)) resolve();
          for (const { viewer } of viewers) viewer.drain();
          await settle();
        }
        hub.tick();
        await settle();
        expect(hub.stats().behind).toBe(0);
        for (const [index, { viewer }] of viewers.entries()) {
          const filters = steps.filter((one) => one.do === 'subscribe' && one.viewer === index);
          check(
            viewer,
            filters.map((one) => 'filtered' in one && one.filtered),
            problems,
            trimmed,
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  /** Follows a viewer's frames: whatever is due after each subscription comes, in order, or is announced as gone. */
  function check(
    viewer: FakeViewer,
    filters: boolean[],
    problems: (string | undefined)[],
    trimmed: number,
  ): void {
    let position = Number.NaN;
    let filtered = false;
    let subscriptions = 0;
    const wanted = (seq: number): boolean => !filtered || problems[seq - 1] === 'p';
    /** Nothing that is due lies between `position` and `seq`. */
    const pass = (seq: number): void => {
      for (let missed = position + 1; missed < seq; missed += 1)
        expect([missed, wanted(missed)]).toEqual([missed, false]);
    };
    for (const frame of viewer.frames) {
      switch (frame.type) {
        case 'subscribed':
          filtered = filters[subscriptions] ?? false;
          subscriptions += 1;
          position = frame.cursor as number;
          break;
        case 'gap':
          pass(frame.from as number);
          expect(frame.to).toBeLessThanOrEqual(trimmed);
          expect(frame.from).toBeGreaterThan(position);
          position = frame.to as number;
          break;
        case 'events':
          for (const event of frame.events as { seq: number }[]) {
            expect(event.seq).toBeGreaterThan(position);
            expect(wanted(event.seq)).toBe(true);
            pass(event.seq);
            position = event.seq;
          }
          expect(frame.cursor).toBe(position);
          break;
        case 'tick':
          if (subscriptions === 0) break;
          pass((frame.cursor as number) + 1);
          position = Math.max(position, frame.cursor as number);
          break;
        default:
          break;
      }
    }
    expect(subscriptions).toBe(filters.length);
    if (subscriptions > 0) expect(position).toBe(problems.length);
  }
});
