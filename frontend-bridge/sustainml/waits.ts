/**
 * Waiting for changes of an iteration: each change is read once, however many requests wait.
 *
 * W1. The wait is armed before the iteration is read, so that no change is missed.
 * W2. Answers come from the store, never from an event.
 */

import type { TaskId } from '../../src/model/task-id.js';
import { formatTaskId } from '../../src/model/task-id.js';
import { TASK_ENDS } from '../../src/model/task-state.js';
import type { Found, Refusal, StreamEvent, View, Workspace } from '../../src/orchestrator/port.js';
import { Refused, refusedBy } from './refused.js';

/** What may give a node its result, or end the wait for it. */
const CHANGES =
  /"type":"(?:execution\.succeeded|module\.reused|output\.recorded|iteration\.(?:succeeded|failed|cancelled|aborted))"/;

export function hasEnded(iteration: View): boolean {
  return (TASK_ENDS as readonly unknown[]).includes(iteration.state);
}

interface Watched {
  readonly task: TaskId;
  readonly waiters: Set<(view: View | Refused) => void>;
  isReading: boolean;
  isStale: boolean;
}

export class Waits {
  readonly #coordinator: Pick<Workspace, 'queries' | 'events'>;
  readonly #watched = new Map<string, Watched>();
  #unsubscribe: (() => void) | undefined;
  #hasStopped = false;

  constructor(coordinator: Pick<Workspace, 'queries' | 'events'>) {
    this.#coordinator = coordinator;
  }

  start(): void {
    this.#unsubscribe = this.#coordinator.events.onCommitted((events) => this.#note(events));
  }

  /** Refuses all waiting requests. */
  stop(): void {
    this.#hasStopped = true;
    this.#unsubscribe?.();
    const over = new Refused(503, 'stopping', 'The orchestrator is being stopped.');
    for (const { waiters } of this.#watched.values()) for (const waiter of [...waiters]) waiter(over);
  }

  /** W1. The first thing that `done` makes of the iteration. Rejects with `Refused`, or with the signal's reason. */
  async until<T>(task: TaskId, done: (iteration: View) => T | undefined, signal?: AbortSignal): Promise<T> {
    if (this.#hasStopped) throw new Refused(503, 'stopping', 'The orchestrator is being stopped.');
    signal?.throwIfAborted();
    const watched = this.#watch(task);
    let waiter: ((view: View | Refused) => void) | undefined;
    let onAbort: (() => void) | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        waiter = (view) => {
          if (view instanceof Refused) return reject(view);
          try {
            const value = done(view);
            if (value !== undefined) resolve(value);
          } catch (thrown) {
            reject(thrown);
          }
        };
        onAbort = () => reject(signal?.reason);
        signal?.addEventListener('abort', onAbort, { once: true });
        watched.waiters.add(waiter);
        this.#look(watched);
      });
    } finally {
      if (waiter) watched.waiters.delete(waiter);
      if (onAbort) signal?.removeEventListener('abort', onAbort);
      if (watched.waiters.size === 0) this.#watched.delete(formatTaskId(task));
    }
  }

  #watch(task: TaskId): Watched {
    const key = formatTaskId(task);
    let watched = this.#watched.get(key);
    if (!watched) {
      watched = { task, waiters: new Set(), isReading: false, isStale: false };
      this.#watched.set(key, watched);
    }
    return watched;
  }

  #note(events: readonly StreamEvent[]): void {
    if (this.#watched.size === 0) return;
    for (const { problemId, json } of events) {
      if (problemId === undefined || !CHANGES.test(json)) continue;
      const { iteration_id } = JSON.parse(json) as { iteration_id?: number };
      if (iteration_id === undefined) continue;
      const watched = this.#watched.get(formatTaskId({ problemId, iterationId: iteration_id }));
      if (watched) this.#look(watched);
    }
  }

  /** Reads it once more where it changes while it is read. */
  #look(watched: Watched): void {
    watched.isStale = true;
    if (watched.isReading) return;
    watched.isReading = true;
    void this.#read(watched).finally(() => {
      watched.isReading = false;
      if (watched.isStale && watched.waiters.size > 0) this.#look(watched);
    });
  }

  /** W2. */
  async #read(watched: Watched): Promise<void> {
    watched.isStale = false;
    let found: Found<View> | Refusal | Refused;
    try {
      found = await this.#coordinator.queries.iteration(watched.task);
    } catch (cause) {
      found = new Refused(503, 'unreadable', 'The iteration could not be read.', { cause });
    }
    const told = found instanceof Refused ? found : 'ok' in found ? refusedBy(found) : found.value;
    for (const waiter of [...watched.waiters]) waiter(told);
  }
}
