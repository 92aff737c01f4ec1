import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELIVERY_LIMIT, type Evaluable, EvaluationBroker } from '../../src/scheduling/broker.js';

const item = (key: string, queueSeq = 0, priority = 50): Evaluable => ({
  key,
  queueSeq,
  priority,
  queuedAt: 0,
});

describe('the evaluation broker', () => {
  it('gives out the best rank first', () => {
    const broker = new EvaluationBroker<Evaluable>();
    broker.enqueue(item('young', 2));
    broker.enqueue(item('old', 1));
    broker.enqueue(item('urgent', 3, 90));
    expect([broker.dequeue(0)?.key, broker.dequeue(0)?.key, broker.dequeue(0)?.key]).toEqual([
      'urgent',
      'old',
      'young',
    ]);
    expect(broker.dequeue(0)).toBeUndefined();
  });

  it('holds one evaluation of a key, however often it is asked for', () => {
    const broker = new EvaluationBroker<Evaluable>();
    for (let i = 0; i < 5; i += 1) broker.enqueue(item('a'));
    expect(broker.depth).toBe(1);
    broker.dequeue(0);
    broker.ack('a');
    expect(broker.dequeue(0)).toBeUndefined();
  });

  it('evaluates a key again that was asked for while it was being worked on, but not at the same time', () => {
    const broker = new EvaluationBroker<Evaluable>();
    broker.enqueue(item('a'));
    broker.dequeue(0);
    broker.enqueue(item('a'));
    expect(broker.dequeue(0)).toBeUndefined();
    broker.ack('a');
    expect(broker.dequeue(0)?.key).toBe('a');
  });

  it('gives out a delayed one when it is due, at the latest moment that was named', () => {
    const broker = new EvaluationBroker<Evaluable>();
    broker.delay(item('a'), 100);
    broker.delay(item('a'), 200);
    expect([broker.nextDueMs(), broker.delayed]).toEqual([200, 1]);
    expect(broker.dequeue(199)).toBeUndefined();
    expect(broker.dequeue(200)?.key).toBe('a');
  });

  it('gives out a refused one again after a growing pause, and gives up at the delivery limit', () => {
    const broker = new EvaluationBroker<Evaluable>();
    broker.enqueue(item('a'));
    broker.dequeue(0);
    expect(broker.nack('a', 0)).toBe('again');
    broker.enqueue(item('a'));
    expect(broker.dequeue(99)).toBeUndefined();
    expect(broker.dequeue(100)?.key).toBe('a');
    expect(broker.nack('a', 100)).toBe('again');
    expect(broker.dequeue(299)).toBeUndefined();
    expect(broker.dequeue(300)?.key).toBe('a');
    expect(DELIVERY_LIMIT).toBe(3);
    expect(broker.nack('a', 300)).toBe('exhausted');
    expect(broker.dequeue(100_000)).toBeUndefined();
    expect(broker.depth).toBe(0);
  });

  it('forgets what is pending and what is delayed', () => {
    const broker = new EvaluationBroker<Evaluable>();
    broker.enqueue(item('a'));
    broker.delay(item('b'), 100);
    broker.forget('a');
    broker.forget('b');
    expect(broker.dequeue(1000)).toBeUndefined();
    expect([broker.depth, broker.delayed, broker.nextDueMs()]).toEqual([0, 0, undefined]);
  });

  it('keeps its order though the rank of a pending one changes', () => {
    const broker = new EvaluationBroker<Evaluable>();
    const moving = { ...item('moving', 1) };
    broker.enqueue(moving);
    for (let i = 2; i < 12; i += 1) broker.enqueue(item(String(i), i));
    moving.queueSeq = 100;
    const order = Array.from({ length: 11 }, () => broker.dequeue(0)!.key);
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
        const broker = new EvaluationBroker<Evaluable>();
        const model = new Model(keys.map((name, index) => item(name, index, 100 - 10 * (index % 3))));
        let now = 0;
        for (const one of steps) {
          const name = 'key' in one ? keys[one.key]! : '';
          if (one.kind === 'pass') now += one.ms;
          else if (one.kind === 'dequeue') expect(broker.dequeue(now)?.key).toBe(model.dequeue(now));
          else if (one.kind === 'enqueue') {
            broker.enqueue(model.items.get(name)!);
            model.enqueue(name);
          } else if (one.kind === 'delay') {
            broker.delay(model.items.get(name)!, now + one.ms);
            model.due.set(name, now + one.ms);
          } else if (one.kind === 'forget') {
            broker.forget(name);
            model.notes.delete(name);
            model.due.delete(name);
          } else if (model.notes.get(name)?.state.startsWith('working')) {
            // Only what is being worked on is acknowledged or refused.
            if (one.kind === 'ack') {
              broker.ack(name);
              model.ack(name);
            } else expect(broker.nack(name, now)).toBe(model.nack(name, now));
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
      this.notes.delete(key);
      return 'exhausted';
    }
    note.state = 'backing off';
    this.due.set(key, now + 100 * 2 ** (note.deliveries - 1));
    return 'again';
  }
}
