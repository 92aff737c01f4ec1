/**
 * The evaluation broker: notes that "something changed", each until it has been acted upon.
 *
 * 1. One evaluation of a key at a time: while one is pending, further ones of that key are the same one, and the newest is given out; while one is
 *    being worked on, a further one waits until it is acknowledged.
 * 2. Best rank first.
 * 3. A delayed evaluation becomes pending when it is due; a later delay of the same key replaces it.
 * 4. One that is not acknowledged but refused (`nack`) comes again after a growing pause, `DELIVERY_LIMIT` times in all. One that is neither comes
 *    again after `ANSWER_WITHIN_MS`, unless it is extended.
 * 5. What is done within a step can be undone with it. An evaluation that was taken out is pending again when that is undone.
 * 6. Each delivery has a receipt. With that of another delivery, nothing is acknowledged, refused or extended.
 *
 * It lives in memory and is rebuilt at start from the unfinished tasks, the services, and their stored due times.
 */
import TinyQueue from 'tinyqueue';
import { Deadlines } from '../base/deadlines.js';
import type { Undo } from '../base/undo.js';
import { byRank, type Ranked } from './rank.js';

/** A scheduler that throws three times over the same facts will throw a fourth time. */
export const DELIVERY_LIMIT = 3;
const NACK_BACKOFF_MS = 100;
/** An evaluation takes milliseconds: one that has no answer by then has been forgotten. */
export const ANSWER_WITHIN_MS = 30_000;

/** An evaluation: `key` identifies it, the rank orders it. */
export interface Evaluable extends Ranked {
  readonly key: string;
}

/** A delivered evaluation, until it is acknowledged or refused. */
export interface Delivery<T> {
  readonly item: T;
  readonly receipt: number;
  /** It was given out as often as may be before, and nobody has answered: it can only be refused. */
  readonly isBeyondLimit: boolean;
}

/** Throws where it was given out too often: as a part of the work, so that it is refused like any other that cannot be done. */
export function assertWithinLimit({ isBeyondLimit }: Delivery<unknown>): void {
  if (isBeyondLimit) throw new Error(`its evaluation was started ${DELIVERY_LIMIT} times and never finished`);
}

/** With the rank that its item had when it became pending: a heap must not change under itself. */
interface Slot<T> extends Ranked {
  /** The newest. */
  item: T;
  deliveries: number;
  /** Of the newest delivery. */
  receipt: number;
  /** When it comes again, while it is being worked on. */
  answerByMs: number;
  state: 'pending' | 'working' | 'working, again' | 'backing off';
}

export class EvaluationBroker<T extends Evaluable> {
  readonly #slots = new Map<string, Slot<T>>();
  readonly #working = new Set<Slot<T>>();
  #pending: TinyQueue<Slot<T>> = new TinyQueue<Slot<T>>([], byRank);
  #delayed: Deadlines<T>;
  readonly #undo: Undo | undefined;
  #receipts = 0;
  #isEnabled = true;

  constructor(undo?: Undo) {
    this.#undo = undo;
    this.#delayed = new Deadlines<T>(undo);
  }

  enqueue(item: T): void {
    if (!this.#isEnabled) return;
    const slot = this.#slots.get(item.key);
    if (!slot) {
      this.#push(pending(item));
      return;
    }
    this.#replace(slot, item);
    if (slot.state === 'working') this.#turn(slot, 'working, again');
  }

  /** Evaluate it once `dueMs` of the monotonic clock has come. */
  delay(item: T, dueMs: number): void {
    if (this.#isEnabled) this.#delayed.set(item.key, dueMs, item);
  }

  /** The best pending one, now being worked on until it is acknowledged or refused. */
  dequeue(nowMs: number): Delivery<T> | undefined {
    for (const { value } of this.#delayed.due(nowMs)) this.#fallDue(value);
    for (const slot of this.#working) if (slot.answerByMs <= nowMs) this.#comeAgain(slot);
    for (let slot = this.#pending.pop(); slot; slot = this.#pending.pop()) {
      if (slot.state !== 'pending' || this.#slots.get(slot.item.key) !== slot) continue;
      this.#receipts += 1;
      const { item, deliveries } = slot;
      slot.state = 'working';
      slot.deliveries += 1;
      slot.receipt = this.#receipts;
      slot.answerByMs = nowMs + ANSWER_WITHIN_MS;
      this.#working.add(slot);
      this.#undo?.onUndo(() => {
        this.#working.delete(slot);
        this.#place(pending(item));
      });
      return { item, receipt: slot.receipt, isBeyondLimit: deliveries >= DELIVERY_LIMIT };
    }
    return undefined;
  }

  /** It has been acted upon, and is to be evaluated again at that moment, if one is given. Whether the receipt was right. */
  ack(delivery: Delivery<T>, followUpMs?: number): boolean {
    const slot = this.#workedOn(delivery);
    if (!slot) return false;
    this.#finish(slot);
    if (followUpMs !== undefined) this.delay(slot.item, followUpMs);
    return true;
  }

  /**
   * It could not be acted upon. `exhausted`: it will not come again by itself; what was asked for while it was being worked on does.
   * `wrong receipt`: nothing has changed.
   */
  nack(delivery: Delivery<T>, nowMs: number): 'again' | 'exhausted' | 'wrong receipt' {
    const slot = this.#workedOn(delivery);
    if (!slot) return 'wrong receipt';
    if (slot.deliveries >= DELIVERY_LIMIT) {
      this.#finish(slot);
      return 'exhausted';
    }
    this.#working.delete(slot);
    this.#turn(slot, 'backing off');
    this.#delayed.set(slot.item.key, nowMs + NACK_BACKOFF_MS * 2 ** (slot.deliveries - 1), slot.item);
    return 'again';
  }

  /** It is being worked on still: it has as long again. Whether the receipt was right. */
  extend(delivery: Delivery<T>, nowMs: number): boolean {
    const slot = this.#workedOn(delivery);
    if (!slot) return false;
    slot.answerByMs = nowMs + ANSWER_WITHIN_MS;
    return true;
  }

  /** There is nothing left to evaluate. */
  forget(key: string): void {
    const slot = this.#slots.get(key);
    this.#delayed.clear(key);
    if (!slot) return;
    const wasWorkedOn = this.#working.has(slot);
    this.#drop(slot);
    this.#undo?.onUndo(() => {
      this.#place(slot);
      if (wasWorkedOn) this.#working.add(slot);
    });
  }

  /** Nothing is evaluated from now on, delayed ones included. */
  disable(): void {
    this.#isEnabled = false;
    this.#slots.clear();
    this.#working.clear();
    this.#pending = new TinyQueue<Slot<T>>([], byRank);
    this.#delayed = new Deadlines<T>();
  }

  nextDueMs(): number | undefined {
    let next = this.#delayed.nextMs();
    for (const { answerByMs } of this.#working) next = Math.min(answerByMs, next ?? answerByMs);
    return next;
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

  /** Nobody has answered. */
  #comeAgain(slot: Slot<T>): void {
    this.#working.delete(slot);
    this.#turn(slot, 'pending');
    this.#pending.push(slot);
    this.#undo?.onUndo(() => this.#working.add(slot));
  }

  /** Nothing where it is another delivery that is being worked on, or none. */
  #workedOn({ item, receipt }: Delivery<T>): Slot<T> | undefined {
    const slot = this.#slots.get(item.key);
    const isIt = slot?.receipt === receipt && (slot.state === 'working' || slot.state === 'working, again');
    return isIt ? slot : undefined;
  }

  #finish(slot: Slot<T>): void {
    this.#drop(slot);
    if (slot.state === 'working, again') this.#push(pending(slot.item));
  }

  #drop(slot: Slot<T>): void {
    this.#slots.delete(slot.item.key);
    this.#working.delete(slot);
  }

  #push(slot: Slot<T>): void {
    this.#place(slot);
    // Also where it was taken out and is back, in another slot.
    this.#undo?.onUndo(() => this.#slots.delete(slot.item.key));
  }

  #place(slot: Slot<T>): void {
    if (!this.#isEnabled) return;
    this.#slots.set(slot.item.key, slot);
    this.#pending.push(slot);
  }

  #replace(slot: Slot<T>, item: T): void {
    const before = slot.item;
    if (before === item) return;
    slot.item = item;
    this.#undo?.onUndo(() => {
      slot.item = before;
    });
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
  return {
    priority: item.priority,
    queuedAt: item.queuedAt,
    queueSeq: item.queueSeq,
    item,
    deliveries: 0,
    receipt: 0,
    answerByMs: 0,
    state: 'pending',
  };
}
