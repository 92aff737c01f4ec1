/**
 * The evaluation broker: notes that "something changed", each until it has been acted upon.
 *
 * 1. One evaluation of a key at a time: while one is pending, further ones of that key are the same one; while one is being worked
 *    on, a further one waits until it is acknowledged.
 * 2. Best rank first.
 * 3. A delayed evaluation becomes pending when it is due; a later delay of the same key replaces it.
 * 4. One that is not acknowledged but refused (`nack`) comes again after a growing pause, `DELIVERY_LIMIT` times in all.
 *
 * 5. What is done within a step can be undone with it. An evaluation that was taken out is pending again when that is undone.
 *
 * It lives in memory and is rebuilt at start from the unfinished tasks and their stored due times.
 */
import TinyQueue from 'tinyqueue';
import { Deadlines } from '../base/deadlines.js';
import type { Undo } from '../base/undo.js';
import { byRank, type Ranked } from './rank.js';

/** A scheduler that throws three times over the same facts will throw a fourth time. */
export const DELIVERY_LIMIT = 3;
const NACK_BACKOFF_MS = 100;

/** What is to be evaluated: `key` identifies it, the rank orders it. */
export interface Evaluable extends Ranked {
  readonly key: string;
}

/** With the rank that its item had when it became pending: a heap must not change under itself. */
interface Slot<T> extends Ranked {
  readonly item: T;
  deliveries: number;
  state: 'pending' | 'working' | 'working, again' | 'backing off';
}

export class EvaluationBroker<T extends Evaluable> {
  readonly #slots = new Map<string, Slot<T>>();
  readonly #pending: TinyQueue<Slot<T>> = new TinyQueue<Slot<T>>([], byRank);
  readonly #delayed: Deadlines<T>;
  readonly #undo: Undo | undefined;

  constructor(undo?: Undo) {
    this.#undo = undo;
    this.#delayed = new Deadlines<T>(undo);
  }

  enqueue(item: T): void {
    const slot = this.#slots.get(item.key);
    if (!slot) {
      this.#push(pending(item));
    } else if (slot.state === 'working') {
      this.#turn(slot, 'working, again');
    }
  }

  /** Evaluate it once `dueMs` of the monotonic clock has come. */
  delay(item: T, dueMs: number): void {
    this.#delayed.set(item.key, dueMs, item);
  }

  /** The best pending one, now being worked on until it is acknowledged or refused. */
  dequeue(nowMs: number): T | undefined {
    for (const { value } of this.#delayed.due(nowMs)) this.#fallDue(value);
    for (let slot = this.#pending.pop(); slot; slot = this.#pending.pop()) {
      if (slot.state !== 'pending' || this.#slots.get(slot.item.key) !== slot) continue;
      slot.state = 'working';
      slot.deliveries += 1;
      const { item } = slot;
      this.#undo?.onUndo(() => this.#place(pending(item)));
      return item;
    }
    return undefined;
  }

  /** It has been acted upon. */
  ack(key: string): void {
    const slot = this.#slots.get(key);
    if (!slot) return;
    this.#slots.delete(key);
    if (slot.state === 'working, again') this.#push(pending(slot.item));
  }

  /** It could not be acted upon. `exhausted`: it will not come again by itself. */
  nack(key: string, nowMs: number): 'again' | 'exhausted' {
    const slot = this.#slots.get(key);
    if (!slot || slot.deliveries >= DELIVERY_LIMIT) {
      this.#slots.delete(key);
      return 'exhausted';
    }
    this.#turn(slot, 'backing off');
    this.#delayed.set(key, nowMs + NACK_BACKOFF_MS * 2 ** (slot.deliveries - 1), slot.item);
    return 'again';
  }

  /** There is nothing to evaluate any more. */
  forget(key: string): void {
    const slot = this.#slots.get(key);
    this.#slots.delete(key);
    this.#delayed.clear(key);
    if (slot) this.#undo?.onUndo(() => this.#place(slot));
  }

  nextDueMs(): number | undefined {
    return this.#delayed.nextMs();
  }

  /** How many are pending, being worked on or backing off. */
  get depth(): number {
    return this.#slots.size;
  }

  get delayed(): number {
    return this.#delayed.size;
  }

  #fallDue(item: T): void {
    const slot = this.#slots.get(item.key);
    if (slot?.state === 'backing off') {
      this.#turn(slot, 'pending');
      this.#pending.push(slot);
    } else {
      this.enqueue(item);
    }
  }

  #push(slot: Slot<T>): void {
    this.#place(slot);
    // Also where it was taken out and is back, in another slot.
    this.#undo?.onUndo(() => this.#slots.delete(slot.item.key));
  }

  #place(slot: Slot<T>): void {
    this.#slots.set(slot.item.key, slot);
    this.#pending.push(slot);
  }

  #turn(slot: Slot<T>, state: Slot<T>['state']): void {
    const before = slot.state;
    slot.state = state;
    this.#undo?.onUndo(() => {
      slot.state = before;
    });
  }
}

function pending<T extends Evaluable>(item: T): Slot<T> {
  const { priority, queuedAt, queueSeq } = item;
  return { item, priority, queuedAt, queueSeq, deliveries: 0, state: 'pending' };
}
