/**
 * Messages of nodes about executions: acceptance, progress, log lines, outputs, the end.
 *
 * 1. Whatever does not carry the execution's lease is counted and dropped without an answer.
 * 2. Outputs are committed in their order, each once. One that comes too early is dropped: it will come again.
 * 3. An execution ends when all its outputs up to the number that the last output or the final report names are committed.
 * 4. Once an execution is to stop, its outputs are no longer recorded.
 * 5. The history of an ended execution is final: later messages about it add nothing.
 * 6. A module's named outputs are recorded once each, and it has succeeded only with all of them.
 * 7. A blob's size is that of the stored blob, never the one that a node states.
 */

import { didYouMean } from '../../../base/nearest.js';
import { sha256Of } from '../../../base/sha256.js';
import type { Peer } from '../../../bus/bus.js';
import { type ExecutionEnd, hasEnded } from '../../../model/execution.js';
import type { ExecutionEndFact, FinalReport, StopCause } from '../../../model/facts.js';
import { itemIn } from '../../../model/fold/items.js';
import { type ModuleSpec, outputReference, typeOfOutput } from '../../../model/graph.js';
import type { BlobRef } from '../../../model/payload.js';
import type {
  ExecutionReport,
  LogLine,
  Output,
  RefusalCode,
  ReportedError,
} from '../../../model/protocol.js';
import { AGENT_MODULE } from '../../../model/run.js';
import { type Execution, moduleName } from '../../../model/task.js';
import { aboutExecution, aboutModule } from '../about.js';
import { emit } from '../emit.js';
import { refuseAt } from '../refusals.js';
import type { FleetNode } from '../state.js';
import { compareValue } from '../tasks/comparing.js';
import { indexedNow } from '../tasks/indexing.js';
import { EXECUTION_TIMERS } from '../timer.js';
import type { Turn } from '../turn.js';
import { noteStopped } from './commands.js';
import { closeLog, LATE_LINES_MS, recordCommand, recordLine } from './execution-log.js';

/** An event contains a decoded output up to this size; viewers fetch larger ones. */
export const SHOWN_OUTPUT_MAX_BYTES = 4096;
/** Progress events, of each execution. */
const PROGRESS_INTERVAL_MS = 100;

/** The execution that somebody with this lease may speak of: an unfinished task's, or a finished one's as stored. */
export function findExecution(turn: Turn, executionId: string, lease: string): Execution | undefined {
  const execution = turn.state.executions.get(executionId) ?? turn.loaded.executions.get(executionId);
  return execution?.lease === lease ? execution : undefined;
}

/** Whether its node ended it, so that the node may be told that its end is known. */
export function endedByNode(execution: Execution): boolean {
  return execution.observed === 'succeeded' || execution.final?.state === execution.observed;
}

export function receiveReport(turn: Turn, node: FleetNode, report: ExecutionReport): void {
  const execution = findExecution(turn, report.executionId, report.lease);
  if (!execution || execution.nodeId !== node.nodeId) {
    refuseAt(turn, node, 'unknown_execution', `execution ${report.executionId} is not one of this node's`, {
      executionId: report.executionId,
    });
    return;
  }
  if (hasEnded(execution.observed)) {
    answerEnded(turn, node, execution);
    return;
  }
  switch (report.state) {
    case 'ACCEPTED':
      acceptByReport(turn, execution);
      break;
    case 'RUNNING':
      acceptByReport(turn, execution);
      start(turn, execution);
      break;
    case 'PROGRESS':
      acceptByReport(turn, execution);
      start(turn, execution);
      progress(turn, execution, report);
      break;
    case 'REJECTED':
      if (execution.observed === 'assigned') {
        if (report.error?.code === 'no_free_slot') countSettled(turn, node);
        endExecution(turn, execution, 'rejected', { by: 'node', error: report.error });
      }
      break;
    case 'FAILED':
    case 'CANCELLED':
    case 'PREEMPTED':
      receiveFinal(turn, node, execution, report);
      break;
    default:
      report.state satisfies never;
  }
}

function receiveFinal(turn: Turn, node: FleetNode, execution: Execution, report: ExecutionReport): void {
  const stopped = stoppedState(execution);
  const reported =
    report.state === 'FAILED' ? 'failed' : report.state === 'CANCELLED' ? 'cancelled' : 'preempted';
  const { error, lastSeq } = report;
  const final: FinalReport = { state: stopped ?? reported, ...(error && { error }) };
  // Given back by the network process of the node: the author's process has died all the same.
  if (reported === 'preempted' && error?.code === 'process_ended') noteDeath(turn, node, execution);
  if (execution.committed >= lastSeq || execution.desired !== 'running') {
    endExecution(turn, execution, final.state, { by: 'node', error, final, lastSeq });
  } else if (execution.final === undefined || execution.lastSeq !== lastSeq) {
    emit(turn, {
      type: 'execution.ending',
      ...aboutExecution(execution),
      state: final.state,
      outputs: lastSeq,
      ...(error && { error }),
    });
  }
}

/** The process was not told to end: perhaps this module killed it. */
export function noteDeath(turn: Turn, node: FleetNode, execution: Execution): void {
  const { task, position, item } = execution;
  if (execution.desired === 'stopped' || node.desired !== 'started') return;
  // An agent is another process than the command that it looks after.
  if (node.module === AGENT_MODULE) return;
  const run = task.runs[position];
  const of = run && (item === undefined ? run : itemIn(run, item));
  if (!of || of.diedBoots.includes(node.bootId)) return;
  emit(turn, {
    type: 'module.boot_died',
    ...aboutModule(task, position),
    boot_id: node.bootId,
    ...(item !== undefined && { item }),
  });
}

/** How an execution ends that is being stopped, whatever its node calls it. */
function stoppedState(execution: Execution): 'cancelled' | 'preempted' | undefined {
  if (execution.desired === 'running') return undefined;
  return execution.stopCause === 'preempt' ? 'preempted' : 'cancelled';
}

export function receiveLog(turn: Turn, node: FleetNode, line: LogLine): void {
  const execution = turn.state.executions.get(line.executionId);
  // G1 of `execution-log.ts`.
  if (execution?.lease !== line.lease || execution.nodeId !== node.nodeId || hasEnded(execution.observed)) {
    turn.state.counters.add('log_lines_late');
    return;
  }
  if (line.command) recordCommand(turn, node, execution, line.command);
  else recordLine(turn, node, execution, line);
  if (isComplete(execution)) endWhenComplete(turn, execution);
}

export function receiveOutput(turn: Turn, output: Output, peer: Peer): void {
  const { state } = turn;
  const execution = findExecution(turn, output.executionId, output.lease);
  const node = execution && state.nodes.get(execution.nodeId);
  // A lease that was overheard or stolen is of no use to another key.
  const isOwn = node?.key === peer.key;
  if (!execution || node?.route === undefined || node.bootId !== execution.bootId || !isOwn) {
    state.counters.add('outputs_dropped');
    const message = `execution ${output.executionId} is not known, not under this lease, or no longer its node's`;
    turn.journal.refused('outputs', peer.address, 'outputs_dropped', message);
    return;
  }
  // Only its node knows the lease.
  if (!peer.isKnown) turn.journal.admit(peer.route);
  if (output.seq <= execution.committed) {
    if (hasEnded(execution.observed)) answerEnded(turn, node, execution);
    else acknowledge(turn, node, execution);
    return;
  }
  if (hasEnded(execution.observed) || execution.desired === 'stopped') {
    const message = 'the execution has been stopped or replaced';
    refuseOutput(turn, node, execution, output, 'stale_execution', message);
    return;
  }
  if (output.seq > execution.committed + 1) {
    state.counters.add('outputs_early');
    return;
  }
  record(turn, node, execution, output);
}

function record(turn: Turn, node: FleetNode, execution: Execution, output: Output): void {
  const read = readOutput(turn, node, execution, output);
  if (!read) return;
  accept(turn, execution);
  start(turn, execution);
  const { task } = execution;
  const { name = '', payload } = output;
  const { sha256, size } = keep(turn, execution, output);
  const reference = outputReference(moduleName(task, execution.position), name);
  // What conditions and indexes look at is the list of all results.
  const isFinal = (output.last || name !== '') && execution.item === undefined;
  const indexed = isFinal ? indexedNow(turn.state, task.graph.key.name, reference, read.value) : undefined;
  emit(turn, {
    type: 'output.recorded',
    ...aboutExecution(execution),
    output_seq: output.seq,
    last: output.last,
    ...(name && { name }),
    size,
    sha256,
    ...(payload.kind === 'blob' && { blob: { sha256, size } }),
    ...(read.shown !== undefined && { output: read.shown }),
    ...(indexed && { indexed }),
  });
  if (isFinal)
    compareValue(turn, task, reference, payload.kind === 'inline' ? { value: read.value } : undefined);
  if (output.last && (output.logLines ?? 0) > execution.log.lines)
    awaitLines(turn, execution, output.logLines!);
  if (!endWhenComplete(turn, execution)) acknowledge(turn, node, execution);
}

/** The decoded content of an output; undefined for a blob. */
interface ReadOutput {
  readonly value?: unknown;
  /** As events show it, where it is short. */
  readonly shown?: unknown;
}

/** Refuses it, and returns nothing, where it is not an output that the module declares, of its type. */
function readOutput(
  turn: Turn,
  node: FleetNode,
  execution: Execution,
  output: Output,
): ReadOutput | undefined {
  const { graph } = execution.task;
  const { spec } = graph.modules[execution.position]!;
  const fail = (code: RefusalCode, message: string): undefined =>
    void failBadOutput(turn, node, execution, output, code, message);
  const misnamed = whyMisnamed(spec, execution, output);
  if (misnamed) return fail(misnamed.code, misnamed.message);
  const { name = '', payload } = output;
  const declared = typeOfOutput(spec, name)!;
  if (output.type !== declared) {
    const what = name || 'the output';
    return fail('bad_payload', `${what} is of type ${output.type}, the graph declares ${declared}`);
  }
  if (payload.kind === 'blob') {
    const { sha256, size } = payload.blob;
    const stored = turn.loaded.blobs.get(sha256);
    if (stored === undefined)
      return void refuseOutput(turn, node, execution, output, 'blob_missing', `blob ${sha256} is not here`);
    if (stored !== size) return fail('bad_payload', `blob ${sha256} has ${stored} bytes, not ${size}`);
    return {};
  }
  const { byteLength } = payload.bytes;
  const { inlineMaxBytes } = turn.settings;
  if (byteLength > inlineMaxBytes)
    return fail(
      'too_large',
      `an inline output of ${byteLength} bytes; more than ${inlineMaxBytes} go by blob`,
    );
  const types = turn.state.graph(graph.key.name, graph.key.version)?.types;
  if (types === undefined) return fail('bad_payload', 'the type is not known');
  const decoded = types.decode(declared, payload.bytes);
  if (!decoded.ok) return fail('bad_payload', decoded.message);
  const { value, shown } = decoded;
  return { value, ...(byteLength <= SHOWN_OUTPUT_MAX_BYTES && { shown }) };
}

/** An inline payload becomes a row of its own; a blob is stored already. */
function keep(turn: Turn, execution: Execution, { seq, payload }: Output): BlobRef {
  if (payload.kind === 'blob') return payload.blob;
  const { problemId, iterationId } = execution.task.id;
  turn.journal.payload({ problemId, iterationId, owner: execution.id, seq }, payload.bytes);
  return { sha256: sha256Of(payload.bytes), size: payload.bytes.byteLength };
}

/** The fault in the name of an output: each of a module's names occurs once, and all of them by the last output. */
function whyMisnamed(
  spec: ModuleSpec,
  { named }: Execution,
  { name = '', last }: Output,
): { readonly code: RefusalCode; readonly message: string } | undefined {
  const declared = Object.keys(spec.outputs ?? {});
  const known = declared.length === 0 ? `${spec.name} has one, without a name` : declared.join(', ');
  if (typeOfOutput(spec, name) === undefined) {
    const what = name ? `${JSON.stringify(name)} is not an output of the graph` : 'the output has no name';
    const near = name ? didYouMean(name, declared) : '';
    return { code: 'unknown_output', message: `${what}${near}: ${known}` };
  }
  if (name !== '' && named?.has(name)) {
    return { code: 'duplicate_output', message: `${name} has been published already` };
  }
  const missing = declared.filter((one) => one !== name && !named?.has(one));
  if (last && missing.length > 0)
    return { code: 'missing_output', message: `it is the last, and there is no ${missing.join(', no ')}` };
  return undefined;
}

/** An output that can never be recorded: its node drops it, so the execution can only fail. */
function failBadOutput(
  turn: Turn,
  node: FleetNode,
  execution: Execution,
  output: Output,
  code: RefusalCode,
  message: string,
): void {
  refuseOutput(turn, node, execution, output, code, message);
  endExecution(turn, execution, 'failed', {
    by: 'orchestrator',
    error: { code, message: `output ${output.seq}: ${message}`, retryable: false },
  });
}

function refuseOutput(
  turn: Turn,
  node: FleetNode,
  execution: Execution,
  output: Output,
  code: RefusalCode,
  message: string,
): void {
  const refused = refuseAt(
    turn,
    node,
    code,
    `output ${output.seq} of execution ${execution.id}: ${message}`,
    {
      executionId: execution.id,
      seq: output.seq,
    },
  );
  // Nothing is added to the history of an ended execution.
  if (refused && code !== 'blob_missing' && !hasEnded(execution.observed)) {
    emit(turn, {
      type: 'output.refused',
      ...aboutExecution(execution),
      output_seq: output.seq,
      code,
      message,
    });
  }
}

function accept(turn: Turn, execution: Execution): void {
  if (execution.observed === 'assigned')
    emit(turn, { type: 'execution.accepted', ...aboutExecution(execution) });
}

/** The node says over the control plane that it has it: the assignment is no longer repeated. */
export function acceptByReport(turn: Turn, execution: Execution): void {
  accept(turn, execution);
  const { state } = turn;
  const node = state.nodes.get(execution.nodeId);
  if (node && node.responsiveness !== 'good') state.undo.set(node, 'responsiveness', 'good');
  if (execution.acceptedByReport) return;
  emit(turn, { type: 'execution.confirmed', execution_id: execution.id });
  state.timers.clear({ kind: 'assign again', execution });
}

/** The node says that it has begun. */
export function start(turn: Turn, execution: Execution): void {
  if (execution.observed === 'accepted')
    emit(turn, { type: 'execution.running', ...aboutExecution(execution) });
}

function progress(turn: Turn, execution: Execution, { progress, message }: ExecutionReport): void {
  if (turn.state.progressShown.isOver(execution.id, turn.nowMs, PROGRESS_INTERVAL_MS))
    emit(turn, { type: 'execution.progress', ...aboutExecution(execution), progress, message });
  else emit(turn, { type: 'execution.progressed', execution_id: execution.id, progress, message });
}

/** Whether everything that belongs to it is committed. A stopped one gets no more outputs, so its report is enough. */
function isComplete({ lastSeq, committed, desired }: Execution): boolean {
  return lastSeq !== undefined && (committed >= lastSeq || desired !== 'running');
}

/** Ends the execution if nothing is missing. */
export function endWhenComplete(turn: Turn, execution: Execution): boolean {
  if (!isComplete(execution) || awaitsLines(turn, execution)) return false;
  const { final } = execution;
  const ended = stoppedState(execution) ?? final?.state ?? 'succeeded';
  endExecution(turn, execution, ended, { by: 'node', error: final?.error });
  return true;
}

/** The output's socket was faster than that of the lines that were sent before it. */
function awaitLines(turn: Turn, execution: Execution, lines: number): void {
  turn.state.undo.set(execution, 'awaitedLines', lines);
  turn.state.timers.set({ kind: 'lines over', execution }, turn.nowMs + LATE_LINES_MS);
}

function awaitsLines({ state }: Turn, { id, log, awaitedLines, final, desired }: Execution): boolean {
  if (final !== undefined || desired !== 'running') return false;
  return log.lines < awaitedLines && state.timers.has({ kind: 'lines over', execution: { id } });
}

export interface EndOptions {
  /**
   * `node`: it has nothing more to say about it. `gone`: the node no longer has it. `orchestrator`: it may still be at work, and its
   * slot stays taken until it is not.
   */
  readonly by: 'node' | 'gone' | 'orchestrator';
  readonly error?: ReportedError | undefined;
  /** Its final report, where that ends it. */
  readonly final?: FinalReport;
  readonly lastSeq?: number;
  /** Why it is stopped, where nothing has said so before. */
  readonly cause?: StopCause;
}

/** Everything that ends an execution goes through here. */
export function endExecution(
  turn: Turn,
  execution: Execution,
  observed: ExecutionEnd,
  options: EndOptions,
): void {
  const { state } = turn;
  const { by, error, final, lastSeq, cause } = options;
  for (const kind of EXECUTION_TIMERS) state.timers.clear({ kind, execution });
  state.progressShown.forget(execution.id);
  const node = state.nodes.get(execution.nodeId);
  const isHeld = node?.executions.has(execution) ?? false;
  closeLog(turn, execution);
  const fact: ExecutionEndFact = {
    type: `execution.${observed}`,
    ...aboutExecution(execution),
    outputs: execution.committed,
    ...(error && { error }),
    ...(lastSeq !== undefined && { last_seq: lastSeq }),
    ...(final && { final }),
    ...(cause && { cause }),
  };
  emit(turn, fact);
  if (node && isHeld) {
    if (by === 'node') settle(turn, node, execution);
    else if (by === 'orchestrator' && node.liveness !== 'dead') {
      // Also where it has not registered since a restart: it may be at work until it says otherwise, or is dead.
      state.undo.add(node.stopping, execution.id);
    }
    state.free(node.module);
  }
  noteStopped(turn, execution);
  state.broker.enqueue(execution.task);
}

/** The node hears that the end is known; its slot is free at once, although its next heartbeat may still name the execution. */
function settle(turn: Turn, node: FleetNode, execution: Execution): void {
  if (execution.observed === 'rejected' || execution.observed === 'lost') return;
  const { id, lease, committed: seq } = execution;
  turn.state.undo.put(node.settled, id, { lease, seq, sinceMs: turn.nowMs });
  tellEnded(turn, node, execution.id, execution.committed);
}

/** It is at work on what has ended: those slots are taken until a heartbeat no longer names them. */
function countSettled({ state }: Turn, node: FleetNode): void {
  for (const id of node.settled.keys()) state.undo.add(node.stopping, id);
}

export function tellEnded(turn: Turn, node: FleetNode, executionId: string, seq: number): void {
  turn.journal.tell(node, { kind: 'output_acks', acks: [{ executionId, seq, ended: true }] });
}

/** Somebody speaks of an execution that has ended: they hear that this is known, or that it no longer counts. */
export function answerEnded(turn: Turn, node: FleetNode, execution: Execution): void {
  if (endedByNode(execution)) tellEnded(turn, node, execution.id, execution.committed);
  else {
    refuseAt(turn, node, 'stale_execution', `execution ${execution.id} has ended as ${execution.observed}`, {
      executionId: execution.id,
    });
  }
}

function acknowledge(turn: Turn, node: FleetNode, execution: Execution): void {
  turn.journal.tell(node, {
    kind: 'output_acks',
    acks: [{ executionId: execution.id, seq: execution.committed, ended: false }],
  });
}
