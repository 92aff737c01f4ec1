/** How a courier brings events to a webhook: order, repeats, pauses, and what it does where events are gone. */
import { describe, expect, it } from 'vitest';
import type { Webhook } from '../../../src/model/webhook.js';
import type { WebhookAttempt, WebhookProgress } from '../../../src/orchestrator/core/turn.js';
import type { StreamEvent } from '../../../src/orchestrator/port.js';
import { Courier, type CourierDeps, pauseMs } from '../../../src/orchestrator/webhooks/courier.js';

const WEBHOOK: Webhook = {
  project: '*',
  ...{ name: 'chat', id: 'w', origin: 'https://chat', sealed: 's', isSigned: false, filter: undefined },
  ...{ problem: undefined, createdAt: 0, cursor: 0, failures: 0, missed: 0 },
  ...{ lastStatus: undefined, lastAt: undefined },
};

const eventOf = (seq: number, type = 'iteration.failed'): StreamEvent => ({
  seq,
  problemId: 'p',
  project: 'default',
  json: `{"seq":${seq},"at":"2026-01-01T00:00:00.000Z","type":"${type}","problem_id":"p"}`,
});

/** A log of events, a receiver, and a clock that moves when somebody waits on it. */
class Stage {
  readonly log: StreamEvent[] = [];
  readonly sent: number[] = [];
  readonly notes: WebhookProgress[] = [];
  readonly pauses: number[] = [];
  readonly fitting = new Set<string>();
  reads = 0;
  /** Of the next attempts; afterwards each is taken. */
  answers: WebhookAttempt[] = [];
  oldest = 1;
  readonly courier: Courier;
  #until: { readonly holds: () => boolean; readonly resolve: () => void } | undefined;

  constructor(webhook: Partial<Webhook> = {}, more: Partial<CourierDeps> = {}) {
    this.courier = new Courier(
      { ...WEBHOOK, ...webhook },
      {
        storeId: 'store',
        events: {
          cursor: () => this.log.at(-1)?.seq ?? 0,
          oldest: () => this.oldest,
          read: async (after) => {
            this.reads += 1;
            return this.log.filter(({ seq }) => seq > after && seq >= this.oldest).slice(0, 10);
          },
        },
        post: async (_target, body) => {
          const attempt = this.answers.shift() ?? { isDelivered: true, status: '204' };
          if (attempt.isDelivered) this.sent.push(JSON.parse(body).data.seq);
          return attempt;
        },
        open: () => ({ url: 'https://chat/hook' }),
        fits: async (filter) => this.fitting.has(filter),
        note: async (progress) => {
          this.notes.push(progress);
          if (this.#until?.holds()) this.#until.resolve();
        },
        pause: async (ms) => {
          this.pauses.push(ms);
        },
        logger: { info: () => {}, warn: () => {} },
        counts: { delivered: 0, failed: 0, missed: 0 },
        ...more,
      },
    );
  }

  commit(...events: readonly StreamEvent[]): void {
    this.log.push(...events);
    this.courier.see(events.map(({ seq, json }) => ({ seq, type: JSON.parse(json).type })));
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#until = { holds, resolve };
    });
  }
}

/** Everything that is under way without a timer has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a courier', () => {
  it('delivers in order, each event until it is taken, with pauses that double', async () => {
    const stage = new Stage();
    const no = { isDelivered: false, status: '503' };
    stage.answers = [{ isDelivered: true, status: '200' }, no, no, no];
    stage.log.push(eventOf(1), eventOf(2), eventOf(3));
    stage.courier.start();
    await stage.until(() => stage.courier.cursor === 3);
    expect(stage.sent).toEqual([1, 2, 3]);
    expect(stage.pauses).toEqual([1000, 2000, 4000]);
    expect(stage.notes.map(({ cursor, attempt }) => [cursor, attempt?.status])).toEqual([
      [1, '200'],
      ...[
        [1, '503'],
        [1, '503'],
        [1, '503'],
      ],
      ...[
        [2, '204'],
        [3, '204'],
      ],
    ]);
    await stage.courier.stop();
  });

  it('waits five minutes at most, however long a receiver is down', () => {
    const pauses = [1, 2, 9, 10, 5000].map((failures) => pauseMs(failures));
    expect(pauses).toEqual([1000, 2000, 256_000, 300_000, 300_000]);
  });

  it('tries a receiver no sooner than it asks, nor than without that, and within an hour', async () => {
    const stage = new Stage();
    const busy = (retryAfterMs: number) => ({ isDelivered: false, status: '429', retryAfterMs });
    stage.answers = [busy(30_000), busy(0), { isDelivered: false, status: '503' }, busy(86_400_000)];
    stage.log.push(eventOf(1));
    stage.courier.start();
    await stage.until(() => stage.courier.cursor === 1);
    expect([stage.sent, stage.pauses]).toEqual([[1], [30_000, 2000, 4000, 3_600_000]]);
    await stage.courier.stop();
  });

  it('begins behind its cursor, with the pauses of the failures that there were', async () => {
    const stage = new Stage({ cursor: 2, failures: 3 });
    stage.answers = [{ isDelivered: false, status: 'no connection: ECONNREFUSED' }];
    stage.log.push(eventOf(1), eventOf(2), eventOf(3));
    stage.courier.start();
    await stage.until(() => stage.courier.cursor === 3);
    expect([stage.sent, stage.pauses]).toEqual([[3], [8000]]);
    await stage.courier.stop();
  });

  it('is woken by a commit with an event for it, and reads nothing for others', async () => {
    const stage = new Stage({ filter: ['iteration.failed'] });
    stage.courier.start();
    await settled();
    const { reads } = stage;
    stage.commit(eventOf(1, 'output.recorded'), eventOf(2, 'output.recorded'));
    await settled();
    expect([stage.reads - reads, stage.courier.cursor, stage.notes]).toEqual([0, 2, []]);
    stage.commit(eventOf(3, 'output.recorded'), eventOf(4));
    await stage.until(() => stage.courier.cursor === 4);
    expect(stage.sent).toEqual([4]);
    await stage.courier.stop();
  });

  it('makes it durable now and then that events are passed', async () => {
    const stage = new Stage({ filter: ['iteration.failed'] });
    stage.courier.start();
    await settled();
    const passed = Array.from({ length: 1000 }, (_, index) => eventOf(index + 1, 'output.recorded'));
    stage.commit(...passed.slice(0, 999));
    await settled();
    expect(stage.notes).toEqual([]);
    stage.commit(passed[999]!);
    await settled();
    expect(stage.notes).toEqual([{ name: 'chat', id: 'w', cursor: 1000 }]);
    await stage.courier.stop();
  });

  it('counts events that were removed before it got to them, and goes on with the next', async () => {
    const counts = { delivered: 0, failed: 0, missed: 0 };
    const stage = new Stage({ cursor: 1 }, { counts });
    stage.log.push(eventOf(1), eventOf(2), eventOf(3), eventOf(4));
    stage.oldest = 4;
    stage.courier.start();
    await stage.until(() => stage.courier.cursor === 4);
    expect(stage.sent).toEqual([4]);
    expect(stage.notes[0]).toEqual({ name: 'chat', id: 'w', cursor: 3, missed: 2 });
    expect(counts).toEqual({ delivered: 1, failed: 0, missed: 2 });
    await stage.courier.stop();
  });

  it('delivers events of the problems that its filter holds for, and of no others', async () => {
    const stage = new Stage({ problem: 'starred = true' });
    stage.log.push(eventOf(1), { ...eventOf(2), problemId: undefined }, eventOf(3));
    stage.courier.start();
    await settled();
    expect([stage.sent, stage.courier.cursor]).toEqual([[], 3]);
    stage.fitting.add('starred = true');
    stage.commit(eventOf(4));
    await stage.until(() => stage.courier.cursor === 4);
    expect(stage.sent).toEqual([4]);
    await stage.courier.stop();
  });

  it('leaves nothing out where something cannot be found out at the moment', async () => {
    let failures = 2;
    const fits = async (): Promise<boolean> => {
      failures -= 1;
      if (failures >= 0) throw new Error('the reader is being replaced');
      return true;
    };
    const stage = new Stage({ problem: 'starred = true' }, { fits });
    stage.log.push(eventOf(1));
    stage.courier.start();
    await stage.until(() => stage.courier.cursor === 1);
    expect([stage.sent, stage.pauses]).toEqual([[1], [1000, 2000]]);
    expect(stage.notes[0]?.attempt?.status).toBe('not sent: the reader is being replaced');
    await stage.courier.stop();
  });

  it('says so where its address is sealed with another key, and waits', async () => {
    const stage = new Stage({}, { open: () => undefined, pause: () => new Promise(() => {}) });
    stage.log.push(eventOf(1));
    stage.courier.start();
    await stage.until(() => stage.notes.length === 1);
    expect(stage.notes[0]?.attempt?.status).toContain('sealed with another key');
    expect(stage.courier.cursor).toBe(0);
  });

  it('ends a delivery that is under way when it is stopped, and counts no failure', async () => {
    let begun = (): void => {};
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const stage = new Stage(
      {},
      {
        post: (_target, _body, signal) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => resolve({ isDelivered: false, status: 'no connection' }));
            begun();
          }),
      },
    );
    stage.log.push(eventOf(1));
    stage.courier.start();
    await isBegun;
    await stage.courier.stop();
    expect([stage.notes, stage.courier.cursor]).toEqual([[], 0]);
  });
});
