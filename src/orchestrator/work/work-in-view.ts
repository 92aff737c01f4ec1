/**
 * The work as the committed facts tell it: each task that has not ended, with the executions that are under way. Metrics and traces follow
 * it, so that nothing that decides has to count.
 *
 * W1. It changes by facts only, after their commit. `adopt` gives it the tasks that were unfinished at the start of the process.
 * W2. A task that has ended is dropped with all that belongs to it: what is held is bounded by the unfinished tasks. One that only waits
 *     in a queue has no maps of its own.
 * W3. Times are those of the facts, in Unix milliseconds. The wall clock may step back, so a duration is never less than 0.
 */

import { DEFAULT_PROJECT, maySee } from '../../model/access.js';
import type { ExecutionEnd } from '../../model/execution.js';
import { type ShownFact, taskIdOf } from '../../model/facts.js';
import { shownGraph } from '../../model/private-graph.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';
import type { TaskState } from '../../model/task-state.js';

export type UnfinishedState = Extract<TaskState, 'waiting' | 'running' | 'suspended'>;
export const UNFINISHED_STATES: readonly UnfinishedState[] = ['waiting', 'running', 'suspended'];

export interface WorkTask {
  readonly id: TaskId;
  readonly graph: string;
  readonly project: string;
  /** Of the request that submitted it, where that belongs to a trace. */
  readonly traceparent: string | undefined;
  readonly submittedAt: number;
  state: UnfinishedState;
  /** By module, since when it has waited for a slot. */
  waiting: Map<string, number> | undefined;
  /** Modules that wait for a decision. */
  approvals: Set<string> | undefined;
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

type Ended = Record<Exclude<TaskState, UnfinishedState>, number>;

export class WorkInView {
  readonly #tasks = new Map<string, WorkTask>();
  readonly #listeners: WorkListener[] = [];

  readonly #ended = new Map<string, Ended>();

  /** Since the start of the process, by the state that they ended in: of a project, or of all. */
  endedWithin(bound: string): Ended {
    const sum: Ended = { succeeded: 0, failed: 0, cancelled: 0, aborted: 0 };
    for (const [project, ended] of this.#ended) {
      if (!maySee(bound, project)) continue;
      for (const end of Object.keys(sum) as (keyof Ended)[]) sum[end] += ended[end];
    }
    return sum;
  }

  get tasks(): Iterable<WorkTask> {
    return this.#tasks.values();
  }

  follow(listener: WorkListener): void {
    this.#listeners.push(listener);
  }

  adopt(tasks: Iterable<WorkTask>): void {
    for (const task of tasks) this.#tasks.set(formatTaskId(task.id), task);
  }

  /** W1. */
  observe(events: readonly { readonly fact: ShownFact; readonly at: number }[]): void {
    for (const { fact, at } of events) {
      const id = taskIdOf(fact);
      if (id === undefined) continue;
      if (fact.type === 'iteration.submitted') this.#submit(id, fact, at);
      const task = this.#tasks.get(formatTaskId(id));
      if (task !== undefined) this.#take(task, fact, at);
    }
  }

  #submit(
    id: TaskId,
    {
      graph,
      project = DEFAULT_PROJECT,
      traceparent,
    }: { readonly graph: string; readonly project?: string; readonly traceparent?: string },
    submittedAt: number,
  ): void {
    const task: WorkTask = {
      id,
      graph: shownGraph(graph),
      project,
      traceparent,
      submittedAt,
      state: 'waiting',
      waiting: undefined,
      approvals: undefined,
      executions: undefined,
    };
    this.#tasks.set(formatTaskId(id), task);
    for (const listener of this.#listeners) listener.taskSubmitted?.(task);
  }

  #take(task: WorkTask, fact: ShownFact, at: number): void {
    switch (fact.type) {
      case 'iteration.started':
      case 'iteration.resumed':
        task.state = 'running';
        break;
      case 'iteration.suspended':
        task.state = 'suspended';
        break;
      case 'iteration.succeeded':
        this.#end(task, 'succeeded', at, fact.error);
        break;
      case 'iteration.failed':
        this.#end(task, 'failed', at, fact.error);
        break;
      case 'iteration.cancelled':
        this.#end(task, 'cancelled', at, fact.error);
        break;
      case 'iteration.aborted':
        this.#end(task, 'aborted', at, fact.error);
        break;
      case 'module.waiting':
        noteWaiting(task, fact, at);
        break;
      case 'approval.requested':
        task.approvals ??= new Set();
        task.approvals.add(fact.module);
        break;
      case 'approval.decided':
      case 'module.reset':
        task.approvals?.delete(fact.module);
        break;
      case 'module.skipped':
        task.waiting?.delete(fact.module);
        break;
      case 'execution.assigned':
        this.#assign(task, fact, at);
        break;
      case 'execution.running': {
        const execution = task.executions?.get(fact.execution_id);
        if (execution) execution.startedAt = at;
        break;
      }
      case 'execution.succeeded':
        this.#endExecution(task, fact, 'succeeded', at);
        break;
      case 'execution.failed':
        this.#endExecution(task, fact, 'failed', at);
        break;
      case 'execution.cancelled':
        this.#endExecution(task, fact, 'cancelled', at);
        break;
      case 'execution.preempted':
        this.#endExecution(task, fact, 'preempted', at);
        break;
      case 'execution.rejected':
        this.#endExecution(task, fact, 'rejected', at);
        break;
      case 'execution.lost':
        this.#endExecution(task, fact, 'lost', at);
        break;
      default:
    }
  }

  /** W2. */
  #end(task: WorkTask, end: TaskState, at: number, error: WorkError | undefined): void {
    this.#tasks.delete(formatTaskId(task.id));
    const ended = this.#ended.get(task.project) ?? { succeeded: 0, failed: 0, cancelled: 0, aborted: 0 };
    ended[end as keyof Ended] += 1;
    this.#ended.set(task.project, ended);
    for (const listener of this.#listeners) listener.taskEnded?.(task, end, at, error);
  }

  #assign(
    task: WorkTask,
    fact: Extract<ShownFact, { type: 'execution.assigned' }>,
    assignedAt: number,
  ): void {
    const { execution_id: id, module, attempt, node_id: nodeId } = fact;
    const queuedAt = task.waiting?.get(module) ?? assignedAt;
    task.waiting?.delete(module);
    const execution: WorkExecution = {
      id,
      module,
      attempt,
      nodeId,
      assignedAt,
      queuedAt,
      startedAt: undefined,
    };
    task.executions ??= new Map();
    task.executions.set(id, execution);
    for (const listener of this.#listeners) listener.executionAssigned?.(task, execution);
  }

  #endExecution(
    task: WorkTask,
    { execution_id, error }: { readonly execution_id: string; readonly error?: WorkError },
    end: ExecutionEnd,
    at: number,
  ): void {
    const execution = task.executions?.get(execution_id);
    if (execution === undefined) return;
    task.executions?.delete(execution.id);
    for (const listener of this.#listeners) listener.executionEnded?.(task, execution, end, at, error);
  }
}

/** A pause before a retry is not a queue: such a module would not run on a free slot either. */
function noteWaiting(
  task: WorkTask,
  { module, retry_at }: Extract<ShownFact, { type: 'module.waiting' }>,
  at: number,
): void {
  if (retry_at !== undefined) {
    task.waiting?.delete(module);
    return;
  }
  task.waiting ??= new Map();
  if (!task.waiting.has(module)) task.waiting.set(module, at);
}

/** Seconds between two moments of the wall clock (W3). */
export function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
