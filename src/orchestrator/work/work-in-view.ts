/**
 * The work as the committed facts tell it: each task that has not ended, with the executions that are under way. Metrics and traces follow
 * it, so that nothing that decides has to count.
 *
 * W1. It changes by facts only, after their commit. `adopt` gives it the tasks that were unfinished at the start of the process.
 * W2. A task that has ended is dropped with all that belongs to it: what is held is bounded by the unfinished tasks. One that only waits
 *     in a queue has no maps of its own.
 * W3. Times are those of the facts, in Unix milliseconds. The wall clock may step back, so a duration is never less than 0.
 */
import type { EncodedEvent, Fact } from '../../model/event.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';
import { TASK_ENDS, type TaskState } from '../../model/task-state.js';

export type UnfinishedState = Extract<TaskState, 'waiting' | 'running' | 'suspended'>;
export const UNFINISHED_STATES: readonly UnfinishedState[] = ['waiting', 'running', 'suspended'];

export const EXECUTION_ENDS = ['succeeded', 'failed', 'cancelled', 'preempted', 'rejected', 'lost'] as const;
export type ExecutionEnd = (typeof EXECUTION_ENDS)[number];

export interface WorkTask {
  readonly id: TaskId;
  readonly graph: string;
  readonly submittedAt: number;
  state: UnfinishedState;
  /** By module, since when it has waited for a slot. */
  waiting: Map<string, number> | undefined;
  /** Those under way, by their ids. */
  executions: Map<string, WorkExecution> | undefined;
}

export interface WorkExecution {
  readonly id: string;
  readonly module: string;
  readonly attempt: number;
  readonly nodeId: string;
  readonly assignedAt: number;
  /** Since when its module had waited for a slot; `assignedAt` where there was one at once. */
  readonly queuedAt: number;
  startedAt: number | undefined;
}

export interface WorkError {
  readonly code: string;
  readonly message: string;
}

/** Each method is called right after the change that it tells of. */
export interface WorkListener {
  taskSubmitted?(task: WorkTask): void;
  taskEnded?(task: WorkTask, end: TaskState, at: number, error: WorkError | undefined): void;
  executionAssigned?(task: WorkTask, execution: WorkExecution): void;
  executionEnded?(
    task: WorkTask,
    execution: WorkExecution,
    end: ExecutionEnd,
    at: number,
    error: WorkError | undefined,
  ): void;
}

export class WorkInView {
  readonly #tasks = new Map<string, WorkTask>();
  readonly #listeners: WorkListener[] = [];

  get tasks(): Iterable<WorkTask> {
    return this.#tasks.values();
  }

  follow(listener: WorkListener): void {
    this.#listeners.push(listener);
  }

  adopt(tasks: Iterable<WorkTask>): void {
    for (const task of tasks) this.#tasks.set(formatTaskId(task.id), task);
  }

  observe(events: readonly EncodedEvent[]): void {
    for (const { fact, at } of events) {
      if (fact.taskId === undefined) continue;
      if (fact.type === 'iteration.submitted') this.#submit(fact.taskId, fact, at);
      const task = this.#tasks.get(formatTaskId(fact.taskId));
      if (task !== undefined) this.#take(task, fact, at);
    }
  }

  #submit(id: TaskId, { detail }: Fact, submittedAt: number): void {
    const task: WorkTask = {
      id,
      graph: String(detail?.graph),
      submittedAt,
      state: 'waiting',
      waiting: undefined,
      executions: undefined,
    };
    this.#tasks.set(formatTaskId(id), task);
    for (const listener of this.#listeners) listener.taskSubmitted?.(task);
  }

  #take(task: WorkTask, fact: Fact, at: number): void {
    switch (fact.type) {
      case 'iteration.started':
      case 'iteration.resumed':
        task.state = 'running';
        break;
      case 'iteration.suspended':
        task.state = 'suspended';
        break;
      case 'iteration.succeeded':
      case 'iteration.failed':
      case 'iteration.cancelled':
      case 'iteration.aborted':
        this.#end(task, fact, at);
        break;
      case 'module.waiting':
        noteWaiting(task, fact, at);
        break;
      case 'module.skipped':
        task.waiting?.delete(fact.module ?? '');
        break;
      case 'execution.assigned':
        this.#assign(task, fact, at);
        break;
      case 'execution.running': {
        const execution = task.executions?.get(fact.executionId ?? '');
        if (execution) execution.startedAt = at;
        break;
      }
      default:
        this.#endExecution(task, fact, at);
    }
  }

  #end(task: WorkTask, fact: Fact, at: number): void {
    this.#tasks.delete(formatTaskId(task.id));
    const end = TASK_ENDS.find((state) => fact.type === `iteration.${state}`)!;
    for (const listener of this.#listeners) listener.taskEnded?.(task, end, at, errorOf(fact));
  }

  #assign(task: WorkTask, fact: Fact, assignedAt: number): void {
    const { executionId: id, module, attempt, nodeId } = fact;
    if (id === undefined || module === undefined || attempt === undefined || nodeId === undefined) return;
    const queuedAt = task.waiting?.get(module) ?? assignedAt;
    task.waiting?.delete(module);
    const execution: WorkExecution = {
      ...{ id, module, attempt, nodeId, assignedAt, queuedAt },
      startedAt: undefined,
    };
    task.executions ??= new Map();
    task.executions.set(id, execution);
    for (const listener of this.#listeners) listener.executionAssigned?.(task, execution);
  }

  #endExecution(task: WorkTask, fact: Fact, at: number): void {
    const end = EXECUTION_ENDS.find((state) => fact.type === `execution.${state}`);
    if (end === undefined) return;
    const execution = task.executions?.get(fact.executionId ?? '');
    if (execution === undefined) return;
    task.executions?.delete(execution.id);
    for (const listener of this.#listeners)
      listener.executionEnded?.(task, execution, end, at, errorOf(fact));
  }
}

/** A pause before a retry is no queue: what waits for its time would not run on a free slot either. */
function noteWaiting(task: WorkTask, { module = '', detail }: Fact, at: number): void {
  if (detail?.retry_at !== undefined) {
    task.waiting?.delete(module);
    return;
  }
  task.waiting ??= new Map();
  if (!task.waiting.has(module)) task.waiting.set(module, at);
}

function errorOf({ detail }: Fact): WorkError | undefined {
  return detail?.error as WorkError | undefined;
}

/** Seconds between two moments of the wall clock (W3). */
export function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
