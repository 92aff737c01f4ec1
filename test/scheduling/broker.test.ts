import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ANSWER_WITHIN_MS,
  DELIVERY_LIMIT,
  type Delivery,
  type Evaluable,
  EvaluationBroker,
} from '../../src/scheduling/broker.js';

const item = (key: string, queueSeq = 0, priority = 50): Evaluable => ({
  key,
  queueSeq,
  priority,
  queuedAt: 0,
});

/** What is given out next. */
const next = (broker: EvaluationBroker<Evaluable>, nowMs = 0): string | undefined =>
  broker.dequeue(nowMs)?.item.key;
/** All that is pending, in its order. */
const drained = (broker: EvaluationBroker<Evaluable>, nowMs = 0): string[] => {
  const keys: string[] = [];
  for (let one = broker.dequeue(nowMs); one; one = broker.dequeue(nowMs)) keys.push(one.item.key);
  return keys;
};

let broker: EvaluationBroker<Evaluable>;
beforeEach(() => {
  broker = new EvaluationBroker<Evaluable>();
});

describe('the evaluation broker', () => {
  it('gives out the highest priority first, and the oldest of equal ones, whatever was asked for first', () => {
    for (const [index, priority] of [10, 30, 20].entries())
      broker.enqueue(item(`of ${priority}`, index, priority));
    broker.enqueue(item('younger, of 30', 9, 30));
    expect(drained(broker)).toEqual(['of 30', 'younger, of 30', 'of 20', 'of 10']);
  });

  it('gives a waiter that finds nothing the best of many that come together', () => {
    expect(next(broker)).toBeUndefined();
    for (let index = 0; index < 50; index += 1) broker.enqueue(item(String(index), index, (index * 7) % 50));
    expect(next(broker)).toBe('7');
  });

  it('holds one evaluation of a key, however often it is asked for, and gives out the newest', () => {
    for (let queueSeq = 0; queueSeq < 1000; queueSeq += 1) broker.enqueue(item('a', queueSeq));
    expect(broker.depth).toBe(1);
    const delivery = broker.dequeue(0)!;
    expect(delivery.item.queueSeq).toBe(999);
    expect(broker.ack(delivery)).toBe(true);
    expect([next(broker), broker.depth]).toEqual([undefined, 0]);
  });

  it('evaluates a key again that was asked for while it was being worked on, but not at the same time', () => {
    broker.enqueue(item('a'));
    const delivery = broker.dequeue(0)!;
    for (let queueSeq = 1; queueSeq < 10; queueSeq += 1) broker.enqueue(item('a', queueSeq));
    expect(next(broker)).toBeUndefined();
    broker.ack(delivery);
    expect([broker.depth, broker.dequeue(0)?.item.queueSeq, next(broker)]).toEqual([1, 9, undefined]);
  });

  it('gives out delayed ones in the order in which they are due, each at the latest moment that was named', () => {
    broker.delay(item('late', 1), 300);
    broker.delay(item('early', 2), 900);
    broker.delay(item('early', 2), 100);
    broker.delay(item('middle', 3), 200);
    expect([broker.nextDueMs(), broker.delayed]).toEqual([100, 3]);
    expect(next(broker, 99)).toBeUndefined();
    expect([100, 200, 300].map((nowMs) => drained(broker, nowMs))).toEqual([['early'], ['middle'], ['late']]);
  });

  it('gives out a refused one again after a growing pause, and gives up at the delivery limit', () => {
    broker.enqueue(item('a'));
    expect(broker.nack(broker.dequeue(0)!, 0)).toBe('again');
    broker.enqueue(item('a'));
    expect(broker.dequeue(99)).toBeUndefined();
    expect(broker.nack(broker.dequeue(100)!, 100)).toBe('again');
    expect(broker.dequeue(299)).toBeUndefined();
    const last = broker.dequeue(300)!;
    expect([DELIVERY_LIMIT, last.isBeyondLimit]).toEqual([3, false]);
    expect(broker.nack(last, 300)).toBe('exhausted');
    expect(broker.dequeue(100_000)).toBeUndefined();
    expect(broker.depth).toBe(0);
  });

  it('is done with one that succeeds at its last delivery, and counts anew from then on', () => {
    broker.enqueue(item('a'));
    for (const nowMs of [0, 100]) broker.nack(broker.dequeue(nowMs)!, nowMs);
    expect(broker.ack(broker.dequeue(300)!)).toBe(true);
    expect([broker.depth, broker.delayed, broker.nextDueMs()]).toEqual([0, 0, undefined]);
    broker.enqueue(item('a'));
    expect(broker.nack(broker.dequeue(300)!, 300)).toBe('again');
  });

  it('still evaluates what was asked for while the last delivery was being worked on', () => {
    broker.enqueue(item('a'));
    for (const nowMs of [0, 100]) broker.nack(broker.dequeue(nowMs)!, nowMs);
    const last = broker.dequeue(300)!;
    broker.enqueue(item('a', 1));
    expect(broker.nack(last, 300)).toBe('exhausted');
    expect(broker.dequeue(300)?.item.queueSeq).toBe(1);
  });

  it('gives one out again that nobody has answered for, later where it is extended', () => {
    broker.enqueue(item('a'));
    const first = broker.dequeue(0)!;
    expect(broker.nextDueMs()).toBe(ANSWER_WITHIN_MS);
    expect(broker.extend(first, 20_000)).toBe(true);
    expect(next(broker, ANSWER_WITHIN_MS)).toBeUndefined();
    const again = broker.dequeue(20_000 + ANSWER_WITHIN_MS)!;
    expect([again.item.key, again.receipt === first.receipt, broker.depth]).toEqual(['a', false, 1]);
  });

  it('says of one that nobody has ever answered for that it is beyond the limit, and it can only be refused', () => {
    broker.enqueue(item('a'));
    for (let time = 0; time < DELIVERY_LIMIT; time += 1)
      expect(broker.dequeue(time * ANSWER_WITHIN_MS)?.isBeyondLimit).toBe(false);
    const beyond = broker.dequeue(DELIVERY_LIMIT * ANSWER_WITHIN_MS)!;
    expect(beyond.isBeyondLimit).toBe(true);
    expect(broker.nack(beyond, 0)).toBe('exhausted');
    expect(broker.depth).toBe(0);
  });

  it('takes nothing away for a wrong receipt', () => {
    broker.enqueue(item('a'));
    const first = broker.dequeue(0)!;
    const second = broker.dequeue(ANSWER_WITHIN_MS)!;
    for (const wrong of [first, { ...second, receipt: second.receipt + 1 }, { ...second, item: item('b') }]) {
      expect(broker.ack(wrong, 50)).toBe(false);
      expect(broker.nack(wrong, 0)).toBe('wrong receipt');
      expect(broker.extend(wrong, 1_000_000)).toBe(false);
      expect([broker.depth, broker.delayed]).toEqual([1, 0]);
    }
    expect(broker.nextDueMs()).toBe(2 * ANSWER_WITHIN_MS);
    expect(broker.ack(second)).toBe(true);
    expect(broker.ack(second)).toBe(false);
    broker.enqueue(item('a'));
    expect(broker.nack(second, 0)).toBe('wrong receipt');
    expect(next(broker)).toBe('a');
  });

  it('delays what asks for itself again with its acknowledgement only', () => {
    broker.enqueue(item('a'));
    broker.nack(broker.dequeue(0)!, 0);
    const delivery = broker.dequeue(100)!;
    expect(broker.delayed).toBe(0);
    broker.ack(delivery, 5000);
    expect([broker.depth, broker.delayed, broker.nextDueMs()]).toEqual([0, 1, 5000]);
    expect(next(broker, 5000)).toBe('a');
  });

  it('has nothing left once it is disabled, and takes nothing', () => {
    broker.enqueue(item('pending', 2));
    broker.enqueue(item('worked on', 1));
    broker.delay(item('delayed'), 100);
    const delivery = broker.dequeue(0)!;
    broker.disable();
    broker.enqueue(item('new'));
    broker.delay(item('new'), 100);
    expect([broker.depth, broker.delayed, broker.nextDueMs()]).toEqual([0, 0, undefined]);
    expect([next(broker, 1_000_000), broker.ack(delivery)]).toEqual([undefined, false]);
  });

  it('forgets what is pending and what is delayed', () => {
    broker.enqueue(item('a'));
    broker.delay(item('b'), 100);
    broker.forget('a');
    broker.forget('b');
    expect(broker.dequeue(1000)).toBeUndefined();
    expect([broker.depth, broker.delayed, broker.nextDueMs()]).toEqual([0, 0, undefined]);
  });

  it('keeps its order though the rank of a pending one changes', () => {
    const moving = { ...item('moving', 1) };
    broker.enqueue(moving);
    for (let i = 2; i < 12; i += 1) broker.enqueue(item(String(i), i));
    moving.queueSeq = 100;
    const order = Array.from({ length: 11 }, () => next(broker)!);
    expect(order).toEqual(['moving', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11']);
  });

  it('behaves as a plain list of notes does, whatever is done with it', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const key = fc.nat(keys.length - 1);
    const step = fc.oneof(
      fc.record({ kind: fc.constant('enqueue' as const), key }),
      fc.record({ kind: fc.constant('delay' as const), key, ms: fc.integer({ min: 0, max: 300 }) }),
      fc.record({ kind: fc.constant('dequeue' as const) }),
      fc.record({ kind: fc.constant('ack' as const), key }),
      fc.record({ kind: fc.constant('nack' as const), key }),
      fc.record({ kind: fc.constant('forget' as const), key }),
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 300 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        broker = new EvaluationBroker<Evaluable>();
        const held = new Map<string, Delivery<Evaluable>>();
        const model = new Model(keys.map((name, index) => item(name, index, 100 - 10 * (index % 3))));
        let now = 0;
        for (const one of steps) {
          const name = 'key' in one ? keys[one.key]! : '';
          if (one.kind === 'pass') now += one.ms;
          else if (one.kind === 'dequeue') {
            const delivery = broker.dequeue(now);
            if (delivery) held.set(delivery.item.key, delivery);
            expect(delivery?.item.key).toBe(model.dequeue(now));
          } else if (one.kind === 'enqueue') {
            broker.enqueue(model.items.get(name)!);
            model.enqueue(name);
          } else if (one.kind === 'delay') {
            broker.delay(model.items.get(name)!, now + one.ms);
            model.due.set(name, now + one.ms);
          } else if (one.kind === 'forget') {
            broker.forget(name);
            model.notes.delete(name);
            model.due.delete(name);
          } else if (held.has(name) && !model.notes.get(name)?.state.startsWith('working')) {
            // It was answered for before, or is forgotten.
            expect(broker.ack(held.get(name)!)).toBe(false);
          } else if (model.notes.get(name)?.state.startsWith('working')) {
            // Only what is being worked on is acknowledged or refused.
            if (one.kind === 'ack') {
              expect(broker.ack(held.get(name)!)).toBe(true);
              model.ack(name);
            } else expect(broker.nack(held.get(name)!, now)).toBe(model.nack(name, now));
          }
          expect(broker.depth).toBe(model.notes.size);
          expect(broker.delayed).toBe(model.due.size);
        }
      }),
      { numRuns: 300 },
    );
  });
});

interface Note {
  state: 'pending' | 'working' | 'working, again' | 'backing off';
  deliveries: number;
}

class Model {
  readonly items: Map<string, Evaluable>;
  readonly notes = new Map<string, Note>();
  readonly due = new Map<string, number>();

  constructor(items: readonly Evaluable[]) {
    this.items = new Map(items.map((one) => [one.key, one]));
  }

  enqueue(key: string): void {
    const note = this.notes.get(key);
    if (!note) this.notes.set(key, { state: 'pending', deliveries: 0 });
    else if (note.state === 'working') note.state = 'working, again';
  }

  dequeue(now: number): string | undefined {
    for (const [key, at] of [...this.due]) {
      // Deadlines are kept to 20 ms.
      if (Math.ceil(at / 20) * 20 > now) continue;
      this.due.delete(key);
      const note = this.notes.get(key);
      if (note?.state === 'backing off') note.state = 'pending';
      else this.enqueue(key);
    }
    const pending = [...this.notes]
      .filter(([, { state }]) => state === 'pending')
      .map(([key]) => this.items.get(key)!);
    const [best] = pending.sort((a, b) => b.priority - a.priority || a.queueSeq - b.queueSeq);
    const note = best && this.notes.get(best.key);
    if (!note) return undefined;
    note.state = 'working';
    note.deliveries += 1;
    return best.key;
  }

  ack(key: string): void {
    const again = this.notes.get(key)?.state === 'working, again';
    this.notes.delete(key);
    if (again) this.enqueue(key);
  }

  nack(key: string, now: number): 'again' | 'exhausted' {
    const note = this.notes.get(key)!;
    if (note.deliveries >= 3) {
      this.ack(key);
      return 'exhausted';
    }
    note.state = 'backing off';
    this.due.set(key, now + 100 * 2 ** (note.deliveries - 1));
    return 'again';
  }
}
