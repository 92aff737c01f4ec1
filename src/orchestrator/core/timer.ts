/**
 * The timers of the core: which there are, and at most one of a kind for each thing that it is about.
 *
 * T1. A timer's key follows from the timer: its kind, and the id of its execution, node, command or transaction.
 */
import { Deadlines, type Due } from '../../base/deadlines.js';
import type { Undo } from '../../base/undo.js';
import type { Execution } from '../../model/task.js';

/** A moment that something was to happen at. */
export type Timer =
  | { readonly kind: 'attempt over'; readonly execution: Execution }
  /** `sinceMs`: when it was first sent over the node's connection. */
  | {
      readonly kind: 'assign again';
      readonly execution: Execution;
      readonly pauseMs: number;
      readonly sinceMs: number;
    }
  | { readonly kind: 'grace over'; readonly execution: Execution }
  /** Its outputs are complete; lines of its log that were sent before may still come. */
  | { readonly kind: 'lines over'; readonly execution: Execution }
  /** `isHeard`: what had arrived when the node was first found silent has been read since. */
  | { readonly kind: 'judge'; readonly nodeId: string; readonly isHeard: boolean }
  | { readonly kind: 'command again'; readonly commandId: string }
  | { readonly kind: 'configuration over'; readonly transactionId: string };

/** As much of a timer as says which one it is. */
export type TimerName =
  | {
      readonly kind: 'attempt over' | 'assign again' | 'grace over' | 'lines over';
      readonly execution: Pick<Execution, 'id'>;
    }
  | { readonly kind: 'judge'; readonly nodeId: string }
  | { readonly kind: 'command again'; readonly commandId: string }
  | { readonly kind: 'configuration over'; readonly transactionId: string };

/** Those that end with their execution. */
export const EXECUTION_TIMERS = ['attempt over', 'assign again', 'grace over', 'lines over'] as const;

export class Timers {
  readonly #deadlines: Deadlines<Timer>;

  constructor(undo: Undo) {
    this.#deadlines = new Deadlines<Timer>(undo);
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** Sets the timer, or moves it. */
  set(timer: Timer, atMs: number): void {
    this.#deadlines.set(keyOf(timer), atMs, timer);
  }

  has(name: TimerName): boolean {
    return this.#deadlines.has(keyOf(name));
  }

  clear(name: TimerName): void {
    this.#deadlines.clear(keyOf(name));
  }

  /** Takes out and returns everything that is due. */
  due(nowMs: number): Due<Timer>[] {
    return this.#deadlines.due(nowMs);
  }

  /** When something may be due next; nothing when no timer is set. */
  nextMs(): number | undefined {
    return this.#deadlines.nextMs();
  }
}

/** T1. */
function keyOf(name: TimerName): string {
  switch (name.kind) {
    case 'attempt over':
    case 'assign again':
    case 'grace over':
    case 'lines over':
      return `${name.kind} ${name.execution.id}`;
    case 'judge':
      return `${name.kind} ${name.nodeId}`;
    case 'command again':
      return `${name.kind} ${name.commandId}`;
    case 'configuration over':
      return `${name.kind} ${name.transactionId}`;
    default:
      return name satisfies never;
  }
}
