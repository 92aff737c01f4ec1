/**
 * Who waits for a slot: one queue for each slot class, best rank first.
 *
 * 1. A freed slot wakes one who waits for it, not all.
 * 2. Who is taken out within a step stands there again when the step is undone. Who is added within it is passed over then: it does not wait.
 * 3. A task that stops waiting for another reason is passed over when its turn comes, and so is an entry whose task has got another rank.
 */
import TinyQueue from 'tinyqueue';
import type { Undo } from '../base/undo.js';
import { byRank, type Ranked } from './rank.js';

export interface Waiter<T extends Ranked> {
  readonly task: T;
  readonly position: number;
}

/** With the rank of its arrival: a heap must not change under itself. */
interface Entry<T extends Ranked> extends Waiter<T>, Ranked {}

export class SlotQueue<T extends Ranked> {
  readonly #queues = new Map<string, Map<string, TinyQueue<Entry<T>>>>();
  readonly #undo: Undo | undefined;

  constructor(undo?: Undo) {
    this.#undo = undo;
  }

  add(module: string, slotClass: string, waiter: Waiter<T>): void {
    const { priority, queuedAt, queueSeq } = waiter.task;
    this.#queue(module, slotClass).push({ priority, queuedAt, queueSeq, ...waiter });
  }

  #queue(module: string, slotClass: string): TinyQueue<Entry<T>> {
    let classes = this.#queues.get(module);
    if (!classes) {
      classes = new Map();
      this.#queues.set(module, classes);
    }
    let queue = classes.get(slotClass);
    if (!queue) {
      queue = new TinyQueue<Entry<T>>([], byRank);
      classes.set(slotClass, queue);
    }
    return queue;
  }

  /** Takes out and wakes the first `slots(waiter)` of each queue of the module; those who no longer wait do not count. */
  wake(
    module: string,
    by: {
      readonly slots: (waiter: Waiter<T>) => number;
      readonly stillWaits: (waiter: Waiter<T>) => boolean;
      /** From here on it no longer waits. */
      readonly wake: (waiter: Waiter<T>) => void;
    },
  ): void {
    const classes = this.#queues.get(module);
    if (!classes) return;
    for (const [slotClass, queue] of classes) {
      let free: number | undefined;
      for (let waiter = queue.peek(); waiter; waiter = queue.peek()) {
        if (waiter.queueSeq === waiter.task.queueSeq && by.stillWaits(waiter)) {
          free ??= by.slots(waiter);
          if (free <= 0) break;
          free -= 1;
          by.wake(waiter);
        }
        queue.pop();
        const entry = waiter;
        this.#undo?.onUndo(() => this.#queue(module, slotClass).push(entry));
      }
      if (queue.length === 0) classes.delete(slotClass);
    }
    if (classes.size === 0) this.#queues.delete(module);
  }

  /** How many in the queue of this slot class still wait and come before `task`. */
  ahead(module: string, slotClass: string, task: T, stillWaits: (waiter: Waiter<T>) => boolean): number {
    const queue = this.#queues.get(module)?.get(slotClass);
    return distinct(queue?.data ?? [], (entry) => byRank(entry, task) < 0 && stillWaits(entry));
  }

  /** How many in the queues of a module still wait. */
  waiting(module: string, stillWaits: (waiter: Waiter<T>) => boolean): number {
    let waiting = 0;
    for (const queue of this.#queues.get(module)?.values() ?? []) waiting += distinct(queue.data, stillWaits);
    return waiting;
  }

  /** How many stand in the queues of a module, those included who have stopped waiting. */
  depth(module: string): number {
    let depth = 0;
    for (const queue of this.#queues.get(module)?.values() ?? []) depth += queue.length;
    return depth;
  }
}

/** Who stopped waiting and waits again may have an entry of before, too: each counts once. */
function distinct<T extends Ranked>(
  entries: readonly Entry<T>[],
  counts: (entry: Entry<T>) => boolean,
): number {
  const tasks = new Map<T, Set<number>>();
  let count = 0;
  for (const entry of entries) {
    if (entry.queueSeq !== entry.task.queueSeq || !counts(entry)) continue;
    const positions = tasks.get(entry.task) ?? new Set();
    if (positions.has(entry.position)) continue;
    tasks.set(entry.task, positions.add(entry.position));
    count += 1;
  }
  return count;
}
