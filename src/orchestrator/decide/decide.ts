/**
 * The decision: a batch of steps in, a journal out. Deterministic: no I/O, no clock, no random; time and ids come with the turn.
 *
 * 1. What nodes and people said comes before what time says: nobody is judged by a clock while their word lies in the mailbox.
 * 2. One bad message never fails its batch, and one step that cannot be decided never affects the others: its caller
 *    is told `internal`.
 * 3. A row that cannot be encoded keeps no other one from its commit. The batch's answers are then `internal`, and nothing is sent.
 */
import type { Route } from '../../bus/bus.js';
import type { NodeMessage, RefusalCode, ToOrchestrator } from '../../model/protocol.js';
import { REFUSALS } from '../../model/protocol.js';
import type { MessageFault } from '../../wire/envelope.js';
import { type BlobRow, EMPTY, taskToRow } from '../records.js';
import { forgetNodes } from './admission.js';
import { refusal } from './answers.js';
import { commandToRow, receiveAck } from './commands.js';
import { receiveConfigReply } from './configuration.js';
import { tryAgain } from './deaf.js';
import { receiveLog, receiveOutput, receiveReport } from './executions.js';
import type { Journal } from './journal.js';
import { nodeToRow, nodeView } from './node-view.js';
import {
  receiveGoodbye,
  receiveHeartbeat,
  receiveHello,
  receiveNodeReport,
  receiveUnreachable,
  see,
} from './nodes.js';
import { schedule } from './planner.js';
import { queueOfTask, queuesOf } from './queue-view.js';
import { refuse } from './refusals.js';
import { receiveRequest } from './requests.js';
import type { FleetNode, State } from './state.js';
import { fireDueTimers } from './timers.js';
import type { Step, Turn } from './turn.js';

const FAILED = refusal('internal', 'internal', 'the orchestrator failed at this request; its log says why');

/** How long an uploaded blob stays without anything that refers to it. */
const BLOB_LEASE_MS = 24 * 60 * 60 * 1000;

/** Reports an undecidable step: its error and its kind. */
export type OnError = (thrown: unknown, kind: Step['kind'] | 'seal') => void;

/** Decides a whole batch and seals it. Returns how many of the steps it took in. */
export function decide(turn: Turn, steps: readonly Step[], onError: OnError): number {
  const taken = consider(turn, steps, onError);
  seal(turn.state, turn.journal, onError);
  return taken;
}

/**
 * Decides these steps; their results are in the turn's journal, which may take further steps in until it is sealed. Returns how
 * many it took in: those that come after the journal is full are the next one's.
 */
export function consider(turn: Turn, steps: readonly Step[], onError: OnError): number {
  let taken = 0;
  for (const step of steps) {
    if (taken > 0 && turn.journal.isFull) break;
    taken += 1;
    try {
      take(turn, step);
    } catch (thrown) {
      onError(thrown, step.kind);
      if ('id' in step) answerFailed(turn, step.id);
    }
  }
  try {
    fireDueTimers(turn, (thrown) => onError(thrown, 'wake'));
    schedule(turn);
  } catch (thrown) {
    onError(thrown, 'wake');
  }
  turn.state.cursor = turn.journal.cursor;
  return taken;
}

function answerFailed({ journal }: Turn, request: number): void {
  if (journal.replies.every((reply) => reply.request !== request)) journal.answer(request, FAILED);
}

/** When something may have to be decided although nobody says anything. */
export function nextDueMs({ timers, broker }: State): number | undefined {
  const due = [timers.nextMs(), broker.nextDueMs()].filter((at) => at !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}

function take(turn: Turn, step: Step): void {
  switch (step.kind) {
    case 'control':
      receiveControl(turn, step.route, step.frame, step.faults);
      return;
    case 'bad control':
      refuse(
        turn,
        step.route,
        step.incarnation ?? turn.state.nodesByRoute.get(step.route)?.incarnation ?? 0,
        step.code,
        step.message,
      );
      return;
    case 'outputs':
      for (const output of step.outputs) receiveOutput(turn, output, step.peer);
      return;
    case 'unreachable':
      receiveUnreachable(turn, step.route);
      return;
    case 'request':
      receiveRequest(turn, step);
      return;
    case 'blob': {
      const row: BlobRow = { size: step.size, lease_until: turn.wallMs + BLOB_LEASE_MS };
      turn.journal.putRow('blobs', [step.sha256], row);
      turn.journal.answer(step.id, {
        ok: true,
        kind: 'done',
        body: { sha256: step.sha256, size: step.size },
      });
      return;
    }
    case 'inspect nodes': {
      const nodes =
        step.nodeId === undefined
          ? [...turn.state.nodes.values()]
          : [turn.state.nodes.get(step.nodeId)].filter((node) => node !== undefined);
      turn.journal.replies.push({
        kind: 'view',
        request: step.id,
        value: nodes.map((node) => nodeView(node, turn.nowMs)),
      });
      return;
    }
    case 'inspect queue': {
      const { state } = turn;
      const task = step.task === undefined ? undefined : state.tasks.get(step.task);
      // A task that is not in memory is over: it waits for nothing.
      const value = step.task === undefined ? queuesOf(state) : task ? queueOfTask(state, task) : [];
      turn.journal.replies.push({ kind: 'view', request: step.id, value });
      return;
    }
    case 'forget nodes': {
      const nodes = forgetNodes(turn, step.seenBefore, step.kept);
      turn.journal.answer(step.id, { ok: true, kind: 'done', body: { nodes } });
      return;
    }
    case 'forgotten':
      turn.state.forgetting.delete(step.name);
      return;
    case 'wake':
      return;
    default:
      step satisfies never;
  }
}

function receiveControl(
  turn: Turn,
  route: Route,
  frame: ToOrchestrator,
  faults: readonly MessageFault[],
): void {
  for (const fault of faults) {
    const code = fault.code in REFUSALS ? (fault.code as RefusalCode) : 'bad_frame';
    refuse(turn, route, frame.incarnation, code, fault.message, {
      ...(fault.executionId !== undefined && { executionId: fault.executionId }),
      ...(fault.commandId !== undefined && { commandId: fault.commandId }),
      ...(fault.transactionId !== undefined && { transactionId: fault.transactionId }),
    });
  }
  const hello = frame.messages.find((message) => message.kind === 'hello');
  if (hello) receiveHello(turn, { route, nodeId: frame.nodeId, incarnation: frame.incarnation }, hello);
  const rest = frame.messages.filter((message) => message.kind !== 'hello');
  if (rest.length === 0 && (hello || frame.nodeId === '')) return;
  const node = hello ? turn.state.nodesByRoute.get(route) : turn.state.nodes.get(frame.nodeId);
  if (node?.route === undefined || frame.incarnation > node.incarnation) {
    if (!hello) refuse(turn, route, frame.incarnation, 'say_hello', 'this node is not registered here');
    return;
  }
  if (!hello && frame.incarnation < node.incarnation) {
    const message = `incarnation ${frame.incarnation} is not the newest, ${node.incarnation} is`;
    refuse(turn, route, frame.incarnation, 'stale_incarnation', message);
    return;
  }
  if (node.route !== route && turn.house.token !== undefined) {
    // Whoever is on that connection has not shown that they may be: names of nodes are no secret.
    refuse(turn, route, frame.incarnation, 'say_hello', 'this connection has not registered here');
    return;
  }
  turn.state.setRoute(node, route);
  see(turn, node);
  for (const message of rest) receive(turn, node, message);
}

function receive(turn: Turn, node: FleetNode, message: Exclude<NodeMessage, { kind: 'hello' }>): void {
  switch (message.kind) {
    case 'heartbeat':
      receiveHeartbeat(turn, node, message);
      return;
    case 'node_report':
      receiveNodeReport(turn, node, message);
      return;
    case 'execution_report':
      receiveReport(turn, node, message);
      return;
    case 'command_ack':
      receiveAck(turn, node, message);
      if (node.hearing === 'told to reset') tryAgain(turn, node);
      return;
    case 'config_reply':
      receiveConfigReply(turn, node, message);
      return;
    case 'log':
      receiveLog(turn, node, message);
      return;
    case 'goodbye':
      receiveGoodbye(turn, node);
      return;
    default:
      message satisfies never;
  }
}

/** Adds every row that the batch changed, once, as it is now. Nothing is decided into a sealed journal. */
export function seal(state: State, journal: Journal, onError: OnError): void {
  let isWhole = true;
  const add = (write: () => void): void => {
    try {
      write();
    } catch (thrown) {
      isWhole = false;
      onError(thrown, 'seal');
    }
  };
  for (const task of journal.tasks) {
    add(() => journal.putRow('iterations', [task.id.problemId, task.id.iterationId], taskToRow(task)));
  }
  for (const node of journal.nodes) add(() => journal.putRow('nodes', [node.nodeId], nodeToRow(node)));
  for (const command of journal.commands) {
    add(() => journal.putRow('commands', [command.commandId], commandToRow(command)));
    const open = state.commands.has(command.commandId);
    if (open) journal.put('commands_pending', [command.commandId], EMPTY);
    else journal.delete('commands_pending', [command.commandId]);
  }
  add(() => journal.writeEvents());
  if (!isWhole) journal.fail(FAILED);
}
