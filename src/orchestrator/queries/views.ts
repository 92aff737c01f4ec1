/** Rows as the public JSON shows them. */

import type { ErrorJson, Open } from '../../contract/answer.js';
import type { LoopJson } from '../../contract/graph.js';
import type {
  ExecutionJson,
  ItemCountsJson,
  ListedIterationJson,
  ModuleAnswerJson,
} from '../../contract/iteration.js';
import type { ListedProblemJson, ProblemJson } from '../../contract/problem.js';
import { hasEnded, type ModuleState } from '../../model/execution.js';
import { missingInputs, moduleState, statesFor, waitingFor } from '../../model/module-state.js';
import type { ReportedError } from '../../model/protocol.js';
import type { CompiledGraph, CompiledLoop } from '../../model/task.js';
import { formatTaskId } from '../../model/task-id.js';
import type { Wait } from '../../model/waiting.js';
import type { View } from '../port.js';
import type { CommandRow } from '../tables/command-row.js';
import type { ExecutionRow } from '../tables/execution-row.js';
import { type ModuleRow, newestOf } from '../tables/module-row.js';
import type { PayloadRefRow } from '../tables/payload-ref.js';
import { projectOfRow } from '../tables/row.js';
import type { IterationSummary, Summary } from '../tables/summary.js';
import type { TaskRow } from '../tables/task-row.js';

export function time(at: number): string;
export function time(at: number | undefined): string | null;
export function time(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

/** By the summary of its newest iteration. */
export function problemView(newest: Summary): Open<ListedProblemJson> {
  return {
    problem_id: newest.problem_id,
    title: newest.title,
    ...marksView(newest),
    project: projectOfRow(newest),
    revision: newest.changed_seq ?? newest.problem_seq,
    graph: newest.graph,
    state: newest.state,
    priority: newest.priority,
    created_at: time(newest.problem_created_at),
    created_seq: newest.problem_seq,
    iterations: newest.iteration_id,
    newest_iteration_id: newest.iteration_id,
    finished_at: time(newest.finished_at),
    ...(newest.standing && { standing: newest.standing }),
  };
}

export function marksView({
  tags = [],
  starred = false,
  archived = false,
  noted = false,
}: Summary): Pick<ProblemJson, 'tags' | 'starred' | 'archived'> & { readonly has_notes: boolean } {
  return { tags, starred, archived, has_notes: noted };
}

/** Whose output it is. */
export function reusedFrom({
  iteration_id,
  owner,
}: PayloadRefRow): NonNullable<ModuleAnswerJson['reused_from']> {
  return { iteration_id, execution_id: owner };
}

/** One iteration without payloads. */
export function iterationView(summary: IterationSummary): Open<ListedIterationJson> {
  const { problem_id, iteration_id } = summary;
  return {
    problem_id,
    iteration_id,
    task_id: formatTaskId({ problemId: problem_id, iterationId: iteration_id }),
    state: summary.state,
    graph: summary.graph,
    graph_version: summary.graph_version,
    parent_iteration_id: summary.parent_iteration_id ?? null,
    client: summary.client ?? null,
    reused: summary.reused ?? [],
    overridden: summary.overridden ?? {},
    created_at: time(summary.created_at),
    started_at: time(summary.started_at),
    finished_at: time(summary.finished_at),
    error: summary.error ?? null,
    reason: summary.reason ?? null,
    ...(summary.standing && { standing: summary.standing }),
  };
}

/** A module of a task, without its output. */
export function moduleView(
  task: TaskRow,
  graph: CompiledGraph,
  module: string,
): Open<Omit<ModuleAnswerJson, 'output'>> {
  const row = task.modules[module];
  const ended = task.finished_at !== undefined;
  const newest = newestOf(row);
  const spec = graph.modules[graph.index.get(module) ?? -1]?.spec;
  const waits = waitOf(task, graph, module);
  return {
    state: stateOf(row, ended),
    attempts: row?.attempts ?? 0,
    generation: row?.generation ?? 0,
    pass: (loopOf(graph, module) && (row?.pass ?? 1)) ?? null,
    items: itemCounts(row),
    loop_end: row?.loop_end ?? null,
    execution_id: newest?.execution_id ?? null,
    attempt: newest?.attempt ?? null,
    node_id: newest?.node_id ?? null,
    waiting_reason: waits?.reason ?? null,
    waiting: waits?.waiting ?? null,
    progress: newest?.progress ?? null,
    progress_message: newest?.message ?? null,
    outputs: row?.phase === 'approved' || row?.phase === 'mapped' ? 1 : (newest?.outputs ?? 0),
    output_type: spec?.output ?? null,
    ...(spec?.outputs && { output_names: Object.keys(spec.outputs), output_types: spec.outputs }),
    reused_from: row?.reused && !row.cached_from ? reusedFrom(row.reused) : null,
    cached_from: row?.cached_from ?? null,
    overridden: Object.keys(task.overrides?.[module] ?? {}),
    retry_at: time(row?.phase === 'waiting' ? row.retry_at : undefined),
    error: moduleError(row?.error, newest?.error),
    command: newest?.command ?? null,
    assigned_at: time(newest?.assigned_at),
    started_at: time(newest?.started_at ?? newest?.accepted_at),
    finished_at: time(newest?.finished_at),
  };
}

function itemCounts(row: ModuleRow | undefined): ItemCountsJson | null {
  if (!row?.items) return null;
  const running = row.executions.filter(
    ({ item, generation, state }) => item !== undefined && generation === row.generation && !hasEnded(state),
  );
  const open = Object.values(row.map?.open ?? {});
  return { ...row.items, running: running.length, retrying: open.filter(({ waits }) => waits).length };
}

function loopOf({ modules, index }: CompiledGraph, module: string): CompiledLoop | undefined {
  return modules[index.get(module) ?? -1]?.loop;
}

/** The loops of a graph, with the names of their modules. */
export function loopsView({ graph, modules }: CompiledGraph): LoopJson[] {
  return (graph.loops ?? []).map(({ from, to, until, max, onMax }) => ({
    ...{ from, to, until: until.text, max, on_max: onMax },
    modules: modules.filter(({ loop }) => loop?.from === from).map(({ spec }) => spec.name),
  }));
}

/** The module's error; where it is that of the newest execution, with the stack that is kept there only. */
function moduleError(failed: ReportedError | undefined, newest: ReportedError | undefined): ErrorJson | null {
  const error = failed ?? newest;
  if (!error) return null;
  const isNewest = newest?.code === error.code && newest.message === error.message;
  return { ...error, ...(isNewest && newest.stack !== undefined && { stack: newest.stack }) };
}

function stateOf(row: ModuleRow | undefined, hasTaskEnded: boolean): ModuleState {
  return moduleState(row?.phase, newestOf(row)?.state, hasTaskEnded);
}

/** The reason why it waits or was skipped. */
function waitOf(task: TaskRow, graph: CompiledGraph, module: string): Partial<Wait> | undefined {
  const row = task.modules[module];
  if (task.finished_at !== undefined || (row && row.phase !== 'waiting' && row.phase !== 'mapping'))
    return row?.reason === undefined ? undefined : { reason: row.reason };
  if (row?.phase === 'mapping' && row.reason === undefined) return undefined;
  if (row?.reason !== undefined) return { reason: row.reason, ...(row.waiting && { waiting: row.waiting }) };
  const inputs = graph.modules[graph.index.get(module) ?? -1]?.spec.inputs ?? [];
  const states = statesFor(
    module,
    loopsView(graph),
    (input) => (graph.index.has(input) ? stateOf(task.modules[input], false) : undefined),
    (from) => task.modules[from]?.loop_end !== undefined,
  );
  const missing = missingInputs(inputs, Object.keys(task.overrides?.[module] ?? {}), states);
  return waitingFor(missing);
}

export function executionView(row: ExecutionRow, module: string): Open<ExecutionJson> {
  return {
    execution_id: row.execution_id,
    module,
    attempt: row.attempt,
    generation: row.generation,
    pass: row.pass ?? null,
    item: row.item ?? null,
    node_id: row.node_id,
    state: row.state,
    desired_state: row.stop || row.finished_at !== undefined ? 'stopped' : 'running',
    stop_cause: row.stop ?? null,
    outputs: row.outputs,
    ...(row.named && { named_outputs: row.named }),
    whole_streams: row.whole_streams ?? {},
    progress: row.progress ?? null,
    message: row.message ?? null,
    assigned_at: time(row.assigned_at),
    accepted_at: time(row.accepted_at),
    started_at: time(row.started_at),
    finished_at: time(row.finished_at),
    error: row.error ?? null,
    command: row.command ?? null,
  };
}

export function commandView(row: CommandRow): View {
  return {
    command_id: row.command_id,
    target: row.target,
    command: row.command,
    reason: row.reason ?? null,
    issued_at: time(row.issued_at),
    state: row.state,
    parts: row.parts.map((part) => ({
      node_id: part.node_id,
      execution_id: part.execution_id ?? null,
      acked_at: time(part.acked_at),
      stopped_at: time(part.stopped_at),
      error: part.error ?? null,
    })),
  };
}
