/**
 * Who waits for a slot: one queue for each slot class, best rank first.
 *
 * 1. A freed slot wakes one who waits for it, not all.
 * 2. Whoever stops waiting otherwise is passed over when their turn comes.
 */
import TinyQueue from 'tinyqueue';
import { byRank, type Ranked } from './rank.js';

export interface Waiter<T extends Ranked> {
  readonly task: T;
  readonly position: number;
}

export class WaitingRoom<T extends Ranked> {
  readonly #queues = new Map<string, Map<string, TinyQueue<Waiter<T>>>>();

  add(module: string, slotClass: string, waiter: Waiter<T>): void {
    let classes = this.#queues.get(module);
    if (!classes) {
      classes = new Map();
      this.#queues.set(module, classes);
    }
    let queue = classes.get(slotClass);
    if (!queue) {
      queue = new TinyQueue<Waiter<T>>([], (a, b) => byRank(a.task, b.task));
      classes.set(slotClass, queue);
    }
    queue.push(waiter);
  }

  /** Takes out the first `slots(slotClass)` of each queue of the module; those who do not wait any more do not count. */
  wake(
    module: string,
    slots: (waiter: Waiter<T>) => number,
    stillWaits: (waiter: Waiter<T>) => boolean,
  ): Waiter<T>[] {
    const woken: Waiter<T>[] = [];
    const classes = this.#queues.get(module);
    if (!classes) return woken;
    for (const [slotClass, queue] of classes) {
      let free: number | undefined;
      let taken = 0;
      for (let waiter = queue.peek(); waiter; waiter = queue.peek()) {
        if (stillWaits(waiter)) {
          free ??= slots(waiter);
          if (taken >= free) break;
          taken += 1;
          woken.push(waiter);
        }
        queue.pop();
      }
      if (queue.length === 0) classes.delete(slotClass);
    }
    if (classes.size === 0) this.#queues.delete(module);
    return woken;
  }

  /** How many stand in the queues of a module, those included who have stopped waiting. */
  depth(module: string): number {
    let depth = 0;
    for (const queue of this.#queues.get(module)?.values() ?? []) depth += queue.length;
    return depth;
  }
}
