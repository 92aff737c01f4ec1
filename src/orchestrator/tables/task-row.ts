/** A task: one row, which is written anew when something of it changes. */

import type { Requirements } from '../../model/graph.js';
import type { Resources } from '../../model/run.js';
import type { CompiledGraph, ModuleRun, Overrides, Task } from '../../model/task.js';
import { moduleName, NONE } from '../../model/task.js';
import { formatTaskId } from '../../model/task-id.js';
import type { TaskState } from '../../model/task-state.js';
import { type Clocks, runFromRow } from './module-from-row.js';
import { type ModuleRow, runToRow } from './module-row.js';
import { type PayloadRefRow, refFromRow, refsFromRow, refsToRow, refToRow } from './payload-ref.js';
import { projectOfRow, storedProject } from './row.js';

export interface TaskRow {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly graph: string;
  readonly graph_version: number;
  readonly priority: number;
  readonly problem_seq: number;
  /** @default default */
  readonly project?: string;
  readonly queue_seq: number;
  /** @default created_at */
  readonly queued_at?: number;
  readonly created_at: number;
  readonly started_at?: number;
  readonly finished_at?: number;
  readonly parent_iteration_id?: number;
  readonly client?: string;
  readonly traceparent?: string;
  readonly input: PayloadRefRow;
  readonly pinned?: Readonly<Record<string, PayloadRefRow>>;
  /** By module and input. */
  readonly overrides?: Readonly<Record<string, Readonly<Record<string, PayloadRefRow>>>>;
  /** By module and label. */
  readonly require?: Requirements;
  /** By run module. */
  readonly resources?: Readonly<Record<string, Resources>>;
  /** By value, the comparisons of conditions that it makes true. */
  readonly compared?: Readonly<Record<string, readonly number[]>>;
  readonly state: TaskState;
  readonly desired: Task['desired'];
  readonly reason?: string;
  readonly error?: NonNullable<Task['error']>;
  readonly modules: Readonly<Record<string, ModuleRow>>;
}

function overridesFromRow({ overrides }: TaskRow): Overrides {
  if (!overrides) return NONE;
  return new Map(Object.entries(overrides).map(([module, rows]) => [module, refsFromRow(rows)]));
}

export function taskToRow(task: Task): unknown {
  const modules: Record<string, unknown> = {};
  for (const [position, run] of task.runs.entries()) {
    if (run) modules[moduleName(task, position)] = runToRow(run);
  }
  return {
    problem_id: task.id.problemId,
    iteration_id: task.id.iterationId,
    graph: task.graph.key.name,
    graph_version: task.graph.key.version,
    priority: task.priority,
    problem_seq: task.problemSeq,
    project: storedProject(task.project),
    queue_seq: task.queueSeq,
    queued_at: task.queuedAt,
    created_at: task.createdAt,
    started_at: task.startedAt,
    finished_at: task.finishedAt,
    parent_iteration_id: task.parentIterationId,
    client: task.client,
    traceparent: task.traceparent,
    input: refToRow(task.input),
    pinned: task.pinned.size > 0 ? refsToRow(task.pinned) : undefined,
    overrides:
      task.overrides.size > 0
        ? Object.fromEntries([...task.overrides].map(([module, refs]) => [module, refsToRow(refs)]))
        : undefined,
    require: task.require,
    resources: task.resources,
    compared: task.compared && Object.fromEntries(task.compared),
    state: task.state,
    desired: task.desired,
    reason: task.reason,
    error: task.error,
    modules,
  } satisfies Record<keyof TaskRow, unknown>;
}

export function taskFromRow(row: TaskRow, graph: CompiledGraph, clocks: Clocks): Task {
  const id = { problemId: row.problem_id, iterationId: row.iteration_id };
  const runs: (ModuleRun | undefined)[] = [];
  const task: Task = {
    id,
    key: formatTaskId(id),
    graph,
    priority: row.priority,
    problemSeq: row.problem_seq,
    project: projectOfRow(row),
    createdAt: row.created_at,
    parentIterationId: row.parent_iteration_id,
    client: row.client,
    traceparent: row.traceparent,
    input: refFromRow(row.input),
    pinned: row.pinned ? refsFromRow(row.pinned) : NONE,
    overrides: overridesFromRow(row),
    require: row.require,
    resources: row.resources,
    compared: row.compared && new Map(Object.entries(row.compared)),
    runs,
    state: row.state,
    desired: row.desired,
    queueSeq: row.queue_seq,
    queuedAt: row.queued_at ?? row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    error: row.error,
    reason: row.reason,
  };
  for (const module of graph.modules) {
    const moduleRow = row.modules[module.spec.name];
    if (moduleRow) runs[module.position] = runFromRow(moduleRow, task, module.position, clocks);
  }
  return task;
}
