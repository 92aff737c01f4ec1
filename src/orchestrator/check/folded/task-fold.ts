/**
 * A task's row against its events, told again one by one.
 *
 * T1. Events are folded by the `apply` of the loop and become a row by its encoder. What differs is a fault of the row.
 * T2. What events do not show is taken from the row, and so proves nothing: leases, boots, references, what is indexed. So it is with what
 *     private facts say: each is told again as the row has it, and has to fit what the events say.
 * T3. Progress and the log's tally are written with the next row only, so they are not compared.
 */

import type { Fact, FactEvent } from '../../../model/facts.js';
import type { PayloadRef } from '../../../model/payload.js';
import { type CompiledGraph, phaseOf, type Task } from '../../../model/task.js';
import { formatTaskId } from '../../../model/task-id.js';
import { TASK_ENDS, taskHasEnded } from '../../../model/task-state.js';
import type { ExecutionRow } from '../../tables/execution-row.js';
import type { ModuleRow } from '../../tables/module-row.js';
import { type PayloadRefRow, refFromRow, refsFromRow } from '../../tables/payload-ref.js';
import type { ProblemRow } from '../../tables/problem-row.js';
import { problemFromRow, problemToRow } from '../../tables/problem-row.js';
import { encodeRow } from '../../tables/row.js';
import * as tables from '../../tables/tables.js';
import { type TaskRow, taskToRow } from '../../tables/task-row.js';
import { differenceOf } from './differences.js';
import { FoldedState } from './state.js';

const UNKNOWN = { code: 'unknown', message: '', retryable: false };

export class TaskFold {
  readonly #row: TaskRow;
  readonly #problem: ProblemRow;
  readonly #state: FoldedState;
  readonly #executions: ReadonlyMap<string, ExecutionRow>;
  #task: Task | undefined;
  #created: ProblemRow | undefined;
  /** Of the newest event. */
  #seq = 0;
  #at = 0;

  constructor(row: TaskRow, problem: ProblemRow, graph: CompiledGraph) {
    this.#row = row;
    this.#problem = problem;
    this.#state = new FoldedState(graph);
    // The first iteration's events make it.
    if (row.iteration_id > 1) this.#state.problems.set(row.problem_id, problemFromRow(problem));
    const executions = Object.values(row.modules).flatMap((module) => module.executions);
    this.#executions = new Map(executions.map((execution) => [execution.execution_id, execution]));
  }

  /** Throws where the event does not fit what came before. */
  take(event: FactEvent): void {
    const fact = this.#complete(event);
    if (!fact) return;
    this.#seq = event.seq;
    this.#at = Date.parse(event.at);
    if (isEnd(fact)) this.#tellPrivate();
    if (fact.type === 'loop.passed') this.#tellSucceeded(fact.modules);
    this.#state.apply(fact, this.#seq, this.#at);
    const { problem_id, iteration_id } = this.#row;
    if (fact.type === 'problem.created') this.#created = problemToRow(this.#state.problems.get(problem_id)!);
    this.#task ??= this.#state.tasks.get(formatTaskId({ problemId: problem_id, iterationId: iteration_id }));
  }

  /** T1. What the row is and its events do not make it, in words. */
  difference(): string | undefined {
    const task = this.#task;
    if (!task) return 'has no event that says that it was submitted';
    if (!taskHasEnded(task.state)) this.#tellPrivate();
    return differenceOf(
      comparable(this.#row),
      comparable(tables.iterations.decode(encodeRow(taskToRow(task)))),
    );
  }

  /** The same of its problem, as its first iteration's events made it. */
  problemDifference(): string | undefined {
    const created = this.#created;
    if (!created) return undefined;
    const row = { ...this.#problem, newest_iteration_id: 0 };
    // Later changes of its descriptive fields are not in the events of a task.
    return row.changed_seq === undefined
      ? differenceOf(row, created)
      : differenceOf(withoutRemarks(row), withoutRemarks(created));
  }

  /** With what the event does not show. Nothing where the row is not about it. */
  #complete(event: FactEvent): Fact | undefined {
    const row = this.#row;
    switch (event.type) {
      case 'iteration.submitted':
        return {
          ...event,
          queued_at: row.queued_at ?? row.created_at,
          input: refFromRow(row.input),
          ...(row.pinned && { pinned: refs(row.pinned) }),
          ...(row.overrides && { overrides: byModule(row.overrides) }),
          ...(row.resources && { resources: row.resources }),
        };
      case 'execution.assigned': {
        const { lease = '', boot_id = '', cache_key } = this.#executions.get(event.execution_id) ?? {};
        return { ...event, lease, boot_id, ...(cache_key !== undefined && { cache_key }) };
      }
      case 'output.recorded': {
        const { indexed } = this.#executions.get(event.execution_id) ?? {};
        return { ...event, ...(indexed && { indexed }) };
      }
      case 'approval.decided':
      case 'module.mapped':
      case 'module.reused': {
        const { indexed } = row.modules[event.module] ?? {};
        return { ...event, ...(indexed && { indexed }) };
      }
      case 'execution.succeeded':
      case 'execution.failed':
      case 'execution.cancelled':
      case 'execution.preempted':
      case 'execution.rejected':
      case 'execution.lost': {
        const { stop: cause, final, last_seq } = this.#executions.get(event.execution_id) ?? {};
        return {
          ...event,
          ...(cause && { cause }),
          ...(final && { final }),
          ...(last_seq !== undefined && { last_seq }),
        };
      }
      case 'execution.log':
        return event.blob && event;
      case 'execution.progress':
      case 'output.refused':
      case 'problem.changed':
      case 'graph.stored':
      case 'node.joined':
      case 'node.status':
      case 'node.unresponsive':
      case 'node.dead':
      case 'node.deaf':
      case 'node.left':
      case 'node.alive':
      case 'node.conflict':
      case 'campaign.initializing':
      case 'campaign.running':
      case 'campaign.finalizing':
      case 'campaign.completed':
      case 'campaign.aborted':
      case 'campaign.errored':
      case 'campaign.paused':
      case 'campaign.resumed':
      case 'deployment.started':
      case 'deployment.succeeded':
      case 'deployment.failed':
      case 'service.applied':
      case 'replica.placed':
      case 'command.issued':
      case 'command.acked':
      case 'command.stopped':
      case 'command.refused':
      case 'command.expired':
        return undefined;
      default:
        return event;
    }
  }

  /** T2. What private facts must have said since the last reset, in an order that they may have had. */
  #tellPrivate(): void {
    const task = this.#task;
    if (!task) return;
    const { problem_id, iteration_id, desired, reason, queue_seq, queued_at = task.queuedAt } = this.#row;
    const about = { problem_id, iteration_id };
    if (queue_seq !== task.queueSeq) this.#tell({ type: 'task.requeued', ...about, queue_seq, queued_at });
    for (const [of, met] of Object.entries(this.#row.compared ?? {}))
      this.#tell({ type: 'task.compared', ...about, of, met });
    if (desired !== 'ended') this.#tell({ type: 'task.stopping', ...about, desired, reason: reason ?? '' });
    for (const [module, row] of Object.entries(this.#row.modules)) {
      for (const boot_id of row.died_boots ?? [])
        this.#tell({ type: 'module.boot_died', ...about, module, boot_id });
      for (const [item, { died_boots = [] }] of Object.entries(row.map?.open ?? {}))
        for (const boot_id of died_boots)
          this.#tell({ type: 'module.boot_died', ...about, module, boot_id, item: Number(item) });
      for (const { execution_id, accepted } of row.executions)
        if (accepted) this.#tell({ type: 'execution.confirmed', execution_id });
      this.#tellPhase(task, module, row);
    }
  }

  #tellPhase(task: Task, module: string, row: ModuleRow): void {
    const { problem_id, iteration_id } = this.#row;
    const about = { problem_id, iteration_id, module };
    const folded = phaseOf(task, task.graph.index.get(module) ?? -1);
    if (folded.kind !== 'placed' && folded.kind !== 'waiting' && folded.kind !== 'mapping') return;
    if (row.phase === 'failed') this.#tell({ type: 'module.failed', ...about, error: row.error ?? UNKNOWN });
    else if (row.phase === 'stopped') this.#tell({ type: 'module.stopped', ...about });
    else if (
      row.phase === 'succeeded' &&
      folded.kind === 'placed' &&
      folded.execution.observed === 'succeeded'
    )
      this.#tell({ type: 'module.succeeded', ...about, execution_id: folded.execution.id });
  }

  /** Before a further pass: what it is given is what they have put out. The row knows of the last pass only. */
  #tellSucceeded(modules: readonly string[]): void {
    const { problem_id, iteration_id } = this.#row;
    for (const module of modules) {
      const position = this.#task?.graph.index.get(module) ?? -1;
      const phase = this.#task && phaseOf(this.#task, position);
      if (phase?.kind !== 'placed' || phase.execution.observed !== 'succeeded') continue;
      const { id: execution_id } = phase.execution;
      this.#tell({ type: 'module.succeeded', problem_id, iteration_id, module, execution_id });
    }
  }

  #tell(fact: Fact): void {
    this.#state.apply(fact, this.#seq, this.#at);
  }
}

function withoutRemarks(row: ProblemRow): unknown {
  const {
    title: _,
    tags: __,
    notes: ___,
    starred: ____,
    archived: _____,
    changed_seq: ______,
    ...rest
  } = row;
  return rest;
}

function isEnd({ type }: Fact): boolean {
  return TASK_ENDS.some((end) => type === `iteration.${end}`);
}

function refs(rows: Readonly<Record<string, PayloadRefRow>>): Record<string, PayloadRef> {
  return Object.fromEntries(refsFromRow(rows));
}

function byModule(
  rows: Readonly<Record<string, Readonly<Record<string, PayloadRefRow>>>>,
): Record<string, Record<string, PayloadRef>> {
  return Object.fromEntries(Object.entries(rows).map(([module, row]) => [module, refs(row)]));
}

/** T3. Without what is written later than it is said, and without the error of a task under way, which no event has said yet. */
function comparable({ error, reason, modules, ...row }: TaskRow): unknown {
  const told = Object.entries(modules).map(([module, { executions, ...rest }]) => [
    module,
    { ...rest, executions: executions.map(({ progress: _, message: __, log: ___, ...fields }) => fields) },
  ]);
  const why = taskHasEnded(row.state) ? { error, reason } : {};
  return JSON.parse(JSON.stringify({ ...row, ...why, modules: Object.fromEntries(told) }));
}
