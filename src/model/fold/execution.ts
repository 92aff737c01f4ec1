/** The fold of facts about executions: their acceptance, progress, log, outputs and end. */
import type { DurableState, Moment } from '../durable.js';
import { countsAsAttempt, type ExecutionEnd, executionMayBecome, type ObservedState } from '../execution.js';
import type { ExecutionEndFact, FactOf } from '../facts.js';
import { begunAt, newsOf } from '../run.js';
import { type Execution, newLog, passOf } from '../task.js';
import { beginItem, itemIn, mappingOf } from './items.js';
import { runFor, setPhase } from './task.js';

interface OfExecution {
  readonly execution_id: string;
}

export function assignExecution(
  state: DurableState,
  fact: FactOf<'execution.assigned'>,
  moment: Moment,
): void {
  const { undo } = state;
  const { task, run, position } = runFor(state, fact);
  const execution: Execution = {
    id: fact.execution_id,
    lease: fact.lease,
    task,
    position,
    attempt: fact.attempt,
    generation: run.generation,
    pass: passOf(task, position),
    item: fact.item,
    nodeId: fact.node_id,
    bootId: fact.boot_id,
    assignedAt: moment.at,
    cacheKey: fact.cache_key,
    desired: 'running',
    stopCause: undefined,
    observed: 'assigned',
    acceptedByReport: false,
    missedBeats: 0,
    awaitedLines: 0,
    acceptedAt: undefined,
    startedAt: undefined,
    finishedAt: undefined,
    committed: 0,
    lastSeq: undefined,
    final: undefined,
    named: undefined,
    blobs: undefined,
    wholeStreams: undefined,
    indexed: undefined,
    progress: undefined,
    message: undefined,
    error: undefined,
    command: undefined,
    log: newLog(),
  };
  undo.append(run.executions, execution);
  undo.put(state.executions, execution.id, execution);
  const node = state.nodes.get(execution.nodeId);
  if (node) undo.add(node.executions, execution);
  if (fact.item === undefined) {
    setPhase(state, moment.changed, task, run, { kind: 'placed', execution });
    return;
  }
  const phase = mappingOf(run);
  undo.set(beginItem(state, phase, fact.item), 'phase', { kind: 'placed', execution });
  undo.set(phase, 'waiting', undefined);
  undo.set(phase, 'reason', undefined);
  undo.add(moment.changed.tasks, task);
}

export function acceptExecution(state: DurableState, fact: OfExecution, moment: Moment): void {
  const execution = executionOf(state, fact);
  become(state, execution, 'accepted');
  state.undo.set(execution, 'acceptedAt', moment.at);
  state.undo.add(moment.changed.tasks, execution.task);
}

export function confirmExecution(state: DurableState, fact: OfExecution, moment: Moment): void {
  const execution = executionOf(state, fact);
  state.undo.set(execution, 'acceptedByReport', true);
  state.undo.add(moment.changed.tasks, execution.task);
}

export function runExecution(state: DurableState, fact: OfExecution, moment: Moment): void {
  const execution = executionOf(state, fact);
  become(state, execution, 'running');
  if (execution.startedAt === undefined) state.undo.set(execution, 'startedAt', moment.at);
  state.undo.add(moment.changed.tasks, execution.task);
}

export function noteProgress(
  state: DurableState,
  fact: FactOf<'execution.progress'> | FactOf<'execution.progressed'>,
  moment: Moment,
): void {
  const execution = executionOf(state, fact);
  state.undo.set(execution, 'progress', fact.progress);
  state.undo.set(execution, 'message', fact.message);
  if (fact.type === 'execution.progress') state.undo.add(moment.changed.tasks, execution.task);
}

/** A line of the node's takes of the budget; one of the orchestrator's tells of those that were left out. */
export function addLine(state: DurableState, fact: FactOf<'execution.log'>, moment: Moment): void {
  const execution = executionOf(state, fact);
  const { log } = execution;
  if (fact.stream !== undefined && fact.blob !== undefined) {
    state.undo.set(execution, 'wholeStreams', { ...execution.wholeStreams, [fact.stream]: fact.blob });
    state.undo.add(moment.changed.tasks, execution.task);
  }
  if (fact.bytes !== undefined) {
    state.undo.set(log, 'lines', log.lines + 1);
    state.undo.set(log, 'bytes', log.bytes + fact.bytes);
  } else if (fact.is_full) state.undo.set(log, 'isFull', true);
  else state.undo.set(log, 'unsaid', 0);
}

/** It takes the place of a line: the node counts it as one. */
export function noteCommand(state: DurableState, fact: FactOf<'execution.command'>, moment: Moment): void {
  const execution = executionOf(state, fact);
  const { cluster, engine, argv, engine_id, host, started_at, ended_at, exit_code, signal, folder } = fact;
  const told = { cluster, engine, argv, engine_id, host, started_at, ended_at, exit_code, signal, folder };
  state.undo.set(execution.log, 'lines', execution.log.lines + 1);
  state.undo.set(execution, 'command', { ...execution.command, ...newsOf({}, told) });
  if (started_at !== undefined) {
    const told = execution.startedAt ?? moment.at;
    state.undo.set(execution, 'startedAt', begunAt(Date.parse(started_at), execution.assignedAt, told));
  }
  state.undo.add(moment.changed.tasks, execution.task);
}

export function leaveLineOut(state: DurableState, fact: OfExecution): void {
  const { log } = executionOf(state, fact);
  state.undo.set(log, 'lines', log.lines + 1);
  state.undo.set(log, 'leftOut', log.leftOut + 1);
  state.undo.set(log, 'unsaid', log.unsaid + 1);
}

export function recordOutput(state: DurableState, fact: FactOf<'output.recorded'>, moment: Moment): void {
  const { undo } = state;
  const execution = executionOf(state, fact);
  if (fact.output_seq !== execution.committed + 1)
    throw new Error(`output ${fact.output_seq} of execution ${execution.id} follows ${execution.committed}`);
  undo.set(execution, 'committed', fact.output_seq);
  if (fact.last) {
    undo.set(execution, 'lastSeq', fact.output_seq);
    if (fact.name === undefined) undo.set(execution, 'indexed', fact.indexed);
  }
  if (fact.name !== undefined) {
    if (!execution.named) undo.set(execution, 'named', new Map());
    undo.put(execution.named!, fact.name, fact.output_seq);
    if (fact.indexed) undo.set(execution, 'indexed', { ...execution.indexed, ...fact.indexed });
  }
  if (fact.blob) {
    if (!execution.blobs) undo.set(execution, 'blobs', new Map());
    undo.put(execution.blobs!, fact.output_seq, fact.blob);
  }
  undo.add(moment.changed.tasks, execution.task);
}

export function stopExecution(state: DurableState, fact: FactOf<'execution.stopping'>, moment: Moment): void {
  const execution = executionOf(state, fact);
  state.undo.set(execution, 'desired', 'stopped');
  state.undo.set(execution, 'stopCause', fact.cause);
  state.undo.add(moment.changed.tasks, execution.task);
}

/** Its outputs are not all here yet. */
export function noteEnding(state: DurableState, fact: FactOf<'execution.ending'>, moment: Moment): void {
  const execution = executionOf(state, fact);
  const { state: end, error, outputs } = fact;
  state.undo.set(execution, 'final', { state: end, ...(error && { error }) });
  state.undo.set(execution, 'lastSeq', outputs);
  state.undo.add(moment.changed.tasks, execution.task);
}

export function endExecution(
  state: DurableState,
  fact: ExecutionEndFact,
  end: ExecutionEnd,
  moment: Moment,
): void {
  const { undo } = state;
  const execution = executionOf(state, fact);
  become(state, execution, end);
  undo.set(execution, 'desired', 'stopped');
  if (fact.cause !== undefined) undo.set(execution, 'stopCause', fact.cause);
  if (fact.final !== undefined) undo.set(execution, 'final', fact.final);
  if (fact.last_seq !== undefined) undo.set(execution, 'lastSeq', fact.last_seq);
  undo.set(execution, 'finishedAt', moment.at);
  undo.set(execution, 'error', fact.error);
  const run = execution.task.runs[execution.position]!;
  if (countsAsAttempt(end) && execution.generation === run.generation) {
    const of = execution.item === undefined ? run : itemIn(run, execution.item);
    if (of) undo.set(of, 'attempts', of.attempts + 1);
  }
  const node = state.nodes.get(execution.nodeId);
  if (node) undo.drop(node.executions, execution);
  undo.add(moment.changed.tasks, execution.task);
}

function become({ undo }: DurableState, execution: Execution, next: ObservedState): void {
  if (!executionMayBecome(execution.observed, next))
    throw new Error(`execution ${execution.id} cannot become ${next} from ${execution.observed}`);
  undo.set(execution, 'observed', next);
}

function executionOf(state: DurableState, { execution_id }: OfExecution): Execution {
  const execution = state.executions.get(execution_id);
  if (!execution) throw new Error(`execution ${execution_id} is not there`);
  return execution;
}
