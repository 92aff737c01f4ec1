/** The fold of facts about problems, tasks and their modules. */
import { DEFAULT_PROJECT } from '../access.js';
import { denial } from '../approval.js';
import { cachedRef } from '../cached.js';
import type { Changes, DurableState, Moment } from '../durable.js';
import { hasEnded } from '../execution.js';
import type { FactOf, NamedOutput, TaskEndFact, TaskError } from '../facts.js';
import { referencesOf } from '../graph.js';
import type { PayloadRef } from '../payload.js';
import { NO_REMARKS, type Remarks } from '../problem.js';
import {
  type ModulePhase,
  type ModuleRun,
  NONE,
  NOT_YET,
  type Overrides,
  outputRef,
  type Task,
} from '../task.js';
import { formatTaskId } from '../task-id.js';
import { type TaskEnd, type TaskState, taskMayBecome } from '../task-state.js';
import { approvalWait } from '../waiting.js';
import { openItem } from './items.js';

interface OfTask {
  readonly problem_id: string;
  readonly iteration_id: number;
}

interface OfModule extends OfTask {
  readonly module: string;
}

export function createProblem(state: DurableState, fact: FactOf<'problem.created'>, moment: Moment): void {
  state.undo.put(state.problems, fact.problem_id, {
    problemId: fact.problem_id,
    createdSeq: moment.seq,
    changedSeq: undefined,
    graph: fact.graph,
    project: fact.project ?? DEFAULT_PROJECT,
    priority: fact.priority,
    ...{ ...NO_REMARKS, ...remarksIn(fact) },
    createdAt: moment.at,
    newestIterationId: 0,
    unfinished: 0,
  });
}

/** One without unfinished iterations is in memory for this fact only. */
export function changeProblem(state: DurableState, fact: FactOf<'problem.changed'>, moment: Moment): void {
  const { undo } = state;
  const problem = state.problems.get(fact.problem_id);
  if (!problem) throw new Error(`problem ${fact.problem_id} is not there`);
  const { title, tags, notes, starred, archived } = { ...problem, ...remarksIn(fact) };
  undo.set(problem, 'title', title);
  undo.set(problem, 'tags', tags);
  undo.set(problem, 'notes', notes);
  undo.set(problem, 'starred', starred);
  undo.set(problem, 'archived', archived);
  undo.set(problem, 'changedSeq', moment.seq);
  undo.add(moment.changed.problems, problem);
  if (problem.unfinished === 0) undo.remove(state.problems, problem.problemId);
}

function remarksIn(fact: FactOf<'problem.created'> | FactOf<'problem.changed'>): Partial<Remarks> {
  const { title, tags, notes, starred, archived } = fact;
  return {
    ...(title !== undefined && { title }),
    ...(tags !== undefined && { tags }),
    ...(notes !== undefined && { notes }),
    ...(starred !== undefined && { starred }),
    ...(archived !== undefined && { archived }),
  };
}

export function submitTask(state: DurableState, fact: FactOf<'iteration.submitted'>, moment: Moment): void {
  const { undo } = state;
  const problem = state.problems.get(fact.problem_id);
  const graph = state.compiled(fact.graph, fact.graph_version);
  if (!problem || !graph) throw new Error(`an iteration of ${fact.problem_id} has no problem or no graph`);
  undo.set(problem, 'newestIterationId', fact.iteration_id);
  undo.set(problem, 'unfinished', problem.unfinished + 1);
  const id = { problemId: fact.problem_id, iterationId: fact.iteration_id };
  const task: Task = {
    id,
    key: formatTaskId(id),
    graph,
    priority: fact.priority,
    problemSeq: problem.createdSeq,
    project: problem.project,
    createdAt: moment.at,
    parentIterationId: fact.parent_iteration_id ?? undefined,
    client: fact.client,
    traceparent: fact.traceparent,
    input: fact.input,
    pinned: fact.pinned ? new Map(Object.entries(fact.pinned)) : NONE,
    overrides: fact.overrides ? overridesOf(fact.overrides) : NONE,
    require: fact.require,
    resources: fact.resources,
    compared: undefined,
    runs: [],
    state: 'waiting',
    desired: 'ended',
    queueSeq: moment.seq,
    queuedAt: fact.queued_at,
    startedAt: undefined,
    finishedAt: undefined,
    error: undefined,
    reason: undefined,
  };
  undo.put(state.tasks, task.key, task);
  undo.add(moment.changed.problems, problem);
  undo.add(moment.changed.tasks, task);
}

function overridesOf(given: Readonly<Record<string, Readonly<Record<string, PayloadRef>>>>): Overrides {
  return new Map(Object.entries(given).map(([module, refs]) => [module, new Map(Object.entries(refs))]));
}

export function runTask(state: DurableState, fact: OfTask, moment: Moment): void {
  const task = taskOf(state, fact);
  become(state, task, 'running');
  if (task.startedAt === undefined) state.undo.set(task, 'startedAt', moment.at);
  state.undo.add(moment.changed.tasks, task);
}

export function suspendTask(state: DurableState, fact: OfTask, moment: Moment): void {
  const task = taskOf(state, fact);
  become(state, task, 'suspended');
  state.undo.add(moment.changed.tasks, task);
}

export function requeueTask(state: DurableState, fact: FactOf<'task.requeued'>, moment: Moment): void {
  const task = taskOf(state, fact);
  state.undo.set(task, 'queueSeq', fact.queue_seq);
  state.undo.set(task, 'queuedAt', fact.queued_at);
  state.undo.add(moment.changed.tasks, task);
}

export function desireTaskEnd(state: DurableState, fact: FactOf<'task.stopping'>, moment: Moment): void {
  const task = taskOf(state, fact);
  state.undo.set(task, 'desired', fact.desired);
  state.undo.set(task, 'reason', fact.reason);
  state.undo.add(moment.changed.tasks, task);
}

export function compareTask(state: DurableState, fact: FactOf<'task.compared'>, moment: Moment): void {
  const task = taskOf(state, fact);
  const compared = new Map(task.compared);
  if (fact.met) compared.set(fact.of, fact.met);
  else compared.delete(fact.of);
  state.undo.set(task, 'compared', compared.size > 0 ? compared : undefined);
  state.undo.add(moment.changed.tasks, task);
}

export function abandonTask(state: DurableState, fact: FactOf<'task.abandoned'>, moment: Moment): void {
  const task = taskOf(state, fact);
  state.undo.set(task, 'error', fact.error);
  state.undo.set(task, 'reason', fact.error.message);
  state.undo.add(moment.changed.tasks, task);
}

/** The task leaves the memory; its row is what remains. */
export function endTask(state: DurableState, fact: TaskEndFact, end: TaskEnd, moment: Moment): void {
  const { undo } = state;
  const { changed } = moment;
  const task = taskOf(state, fact);
  become(state, task, end);
  undo.set(task, 'finishedAt', moment.at);
  undo.set(task, 'error', fact.error);
  undo.set(task, 'reason', fact.reason);
  undo.remove(state.tasks, task.key);
  for (const run of task.runs) {
    for (const { id } of run?.executions ?? []) undo.remove(state.executions, id);
  }
  const problem = state.problems.get(task.id.problemId);
  if (!problem) throw new Error(`task ${task.key} has no problem`);
  undo.set(problem, 'unfinished', problem.unfinished - 1);
  if (problem.unfinished === 0) undo.remove(state.problems, problem.problemId);
  undo.add(changed.tasks, task);
  undo.put(changed.ended, task.key, { task, problem });
}

/** One whose execution goes on, although its node is dead, waits for a successor only. */
export function waitModule(state: DurableState, fact: FactOf<'module.waiting'>, moment: Moment): void {
  const { task, run } = runFor(state, fact);
  const { phase } = run;
  if (phase.kind === 'placed' && !hasEnded(phase.execution.observed)) return;
  const { reason, retry_at, waiting } = fact;
  if (phase.kind === 'mapping') {
    state.undo.set(phase, 'waiting', waiting);
    state.undo.set(phase, 'reason', reason);
    state.undo.add(moment.changed.tasks, task);
    return;
  }
  const at = retry_at === undefined ? undefined : Date.parse(retry_at);
  const retry = at === undefined ? undefined : { at, dueMs: moment.nowMs + at - moment.at };
  setPhase(state, moment.changed, task, run, { kind: 'waiting', waiting, reason, retry });
}

type SettledFact =
  | FactOf<'module.succeeded'>
  | FactOf<'module.stopped'>
  | FactOf<'module.skipped'>
  | FactOf<'module.served'>;

export function setModule(state: DurableState, fact: SettledFact, moment: Moment): void {
  const { task, run } = runFor(state, fact);
  setPhase(state, moment.changed, task, run, phaseAfter(state, fact));
}

function phaseAfter(state: DurableState, fact: SettledFact): ModulePhase {
  switch (fact.type) {
    case 'module.succeeded': {
      const execution = state.executions.get(fact.execution_id);
      if (!execution) throw new Error(`module ${fact.module} succeeds by an execution that is not there`);
      return { kind: 'succeeded', execution };
    }
    case 'module.skipped':
      return { kind: 'skipped', reason: fact.reason };
    case 'module.stopped':
      return { kind: 'stopped' };
    case 'module.served':
      return { kind: 'served' };
    default:
      return fact satisfies never;
  }
}

export function failModule(state: DurableState, fact: FactOf<'module.failed'>, moment: Moment): void {
  const { task, run, position } = runFor(state, fact);
  const { error, module, node_id, attempt, item } = fact;
  setPhase(state, moment.changed, task, run, { kind: 'failed', error });
  if (task.error || task.graph.modules[position]!.spec.onError !== 'fail') return;
  const of: TaskError = {
    ...error,
    module,
    ...(node_id !== undefined && { node_id }),
    ...(attempt !== undefined && { attempt }),
    ...(item !== undefined && { item }),
  };
  state.undo.set(task, 'error', of);
}

export function reuseModule(state: DurableState, fact: FactOf<'module.reused'>, moment: Moment): void {
  const { task, run } = runFor(state, fact);
  const { reused_from: from, cached_from: cachedFrom, outputs, indexed } = fact;
  const refOf = ({ output_seq: seq, blob }: NamedOutput): PayloadRef =>
    from
      ? {
          problemId: fact.problem_id,
          iterationId: from.iteration_id,
          owner: from.execution_id,
          seq,
          ...(blob && { blob }),
        }
      : cachedRef(task.id, fact, seq, blob);
  const named = outputs && new Map(Object.entries(outputs).map(([name, output]) => [name, refOf(output)]));
  setPhase(state, moment.changed, task, run, {
    kind: 'reused',
    output: {
      ref: refOf(fact),
      ...(named && { named }),
      ...(cachedFrom && { cachedFrom }),
      ...(indexed && { indexed }),
    },
  });
}

export function requestApproval(
  state: DurableState,
  fact: FactOf<'approval.requested'>,
  moment: Moment,
): void {
  const { task, run } = runFor(state, fact);
  const wait = approvalWait(fact, new Date(moment.at).toISOString());
  setPhase(state, moment.changed, task, run, { kind: 'waiting', ...wait, retry: undefined });
}

export function decideApproval(state: DurableState, fact: FactOf<'approval.decided'>, moment: Moment): void {
  if (fact.decision === 'deny') {
    failModule(state, { ...fact, type: 'module.failed', error: denial(fact.reason) }, moment);
    return;
  }
  const { task, run } = runFor(state, fact);
  const { indexed } = fact;
  setPhase(state, moment.changed, task, run, { kind: 'approved', ...(indexed && { indexed }) });
}

/** L2 of `loop.ts`: the fact names all modules of the body. The outputs of a pass are the inputs of the next one. */
export function passLoop(state: DurableState, fact: FactOf<'loop.passed'>, moment: Moment): void {
  const { undo } = state;
  const { problem_id, iteration_id, pass } = fact;
  for (const module of fact.modules) {
    const { task, run, position } = runFor(state, { problem_id, iteration_id, module });
    const former = referencesOf(task.graph.modules[position]!.spec).flatMap((reference) => {
      const ref = outputRef(task, reference);
      return ref ? [[reference, ref] as const] : [];
    });
    undo.set(run, 'previous', former.length > 0 ? new Map(former) : undefined);
    undo.set(run, 'pass', pass);
    undo.set(run, 'items', undefined);
    undo.set(run, 'generation', run.generation + 1);
    undo.set(run, 'attempts', 0);
    undo.set(run, 'diedBoots', []);
    setPhase(state, moment.changed, task, run, NOT_YET);
  }
}

/** One that did not come to its condition in all its passes is a failure of its last module. */
export function endLoop(state: DurableState, fact: FactOf<'loop.ended'>, moment: Moment): void {
  const { problem_id, iteration_id, from: module, why, error } = fact;
  const about = { problem_id, iteration_id, module };
  const { task, run } = runFor(state, about);
  state.undo.set(run, 'loopEnd', why);
  state.undo.add(moment.changed.tasks, task);
  if (error) failModule(state, { type: 'module.failed', ...about, error }, moment);
}

/** Earlier work of the module no longer counts. With pass 1, its loop starts again. */
export function resetModule(state: DurableState, fact: FactOf<'module.reset'>, moment: Moment): void {
  const { undo } = state;
  const { task, run } = runFor(state, fact);
  undo.set(run, 'generation', run.generation + 1);
  undo.set(run, 'attempts', 0);
  undo.set(run, 'diedBoots', []);
  undo.set(run, 'loopEnd', undefined);
  undo.set(run, 'items', undefined);
  if (fact.pass === 1) {
    undo.set(run, 'pass', 1);
    undo.set(run, 'previous', undefined);
  }
  if (task.error?.module === fact.module) undo.set(task, 'error', undefined);
  setPhase(state, moment.changed, task, run, NOT_YET);
}

export function noteBootDied(state: DurableState, fact: FactOf<'module.boot_died'>, moment: Moment): void {
  const { task, run } = runFor(state, fact);
  const of = fact.item === undefined ? run : openItem(run, fact.item);
  if (of.diedBoots.includes(fact.boot_id)) return;
  state.undo.set(of, 'diedBoots', [...of.diedBoots, fact.boot_id]);
  state.undo.add(moment.changed.tasks, task);
}

export function setPhase(
  state: DurableState,
  changed: Changes,
  task: Task,
  run: ModuleRun,
  phase: ModulePhase,
): void {
  state.undo.set(run, 'phase', phase);
  state.undo.add(changed.tasks, task);
}

/** The run of a module, made by the first fact about it. */
export function runFor(
  state: DurableState,
  fact: OfModule,
): { readonly task: Task; readonly run: ModuleRun; readonly position: number } {
  const task = taskOf(state, fact);
  const position = task.graph.index.get(fact.module);
  if (position === undefined) throw new Error(`task ${task.key} has no module ${fact.module}`);
  const known = task.runs[position];
  if (known) return { task, run: known, position };
  const run: ModuleRun = {
    phase: NOT_YET,
    generation: 0,
    attempts: 0,
    pass: 1,
    executions: [],
    diedBoots: [],
    queued: false,
  };
  state.undo.set(task.runs as (ModuleRun | undefined)[], position, run);
  return { task, run, position };
}

export function taskOf(state: DurableState, { problem_id, iteration_id }: OfTask): Task {
  const task = state.tasks.get(`${problem_id}/${iteration_id}`);
  if (!task) throw new Error(`task ${problem_id}/${iteration_id} is not there`);
  return task;
}

function become({ undo }: DurableState, task: Task, next: TaskState): void {
  if (!taskMayBecome(task.state, next))
    throw new Error(`task ${task.key} cannot become ${next} from ${task.state}`);
  undo.set(task, 'state', next);
}
