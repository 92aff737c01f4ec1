/**
 * The decision: a batch of steps in, a journal out. Deterministic: no I/O, no clock, no random; time and ids come with the turn.
 *
 * 1. What nodes and people said comes before what time says: nobody is judged by a clock while their word lies in the mailbox.
 * 2. A step takes effect completely or not at all: one that throws leaves nothing behind, and its caller is told `internal`. So it is with
 *    each message of a frame, each timer and each evaluation.
 * 3. A batch of which a row cannot be encoded is undone as a whole.
 */
import { keyIdOf } from '../../model/connection-key.js';
import { BLOB_LEASE_MS } from '../../model/limits.js';
import type { NodeMessage, RefusalCode } from '../../model/protocol.js';
import { REFUSALS } from '../../model/protocol.js';
import { refusal } from '../refusal.js';
import { noteAudit } from './access/audit.js';
import { grantViews } from './access/grants.js';
import { secretViews } from './access/secrets.js';
import { attempt } from './attempt.js';
import { scheduleCampaigns } from './campaigns/campaign-planner.js';
import { campaignViews } from './campaigns/campaign-view.js';
import { clusterViews } from './clusters/clusters.js';
import { deploymentsWithin, listedDeployment } from './deployments/deployment-view.js';
import { emit } from './emit.js';
import { receiveAck } from './executions/commands.js';
import { receiveConfigReply } from './executions/configuration.js';
import { receiveLog, receiveOutput, receiveReport } from './executions/executions.js';
import { receiveKept } from './executions/kept-folders.js';
import type { Journal } from './journal.js';
import { tryAgain } from './nodes/deaf.js';
import { nodeView } from './nodes/node-view.js';
import {
  receiveGoodbye,
  receiveHeartbeat,
  receiveHello,
  receiveNodeReport,
  receiveUnreachable,
  see,
} from './nodes/nodes.js';
import { refuse } from './refusals.js';
import { tryRows, writeRows } from './rows.js';
import { schedule, sendAssignment } from './schedule/planner.js';
import { queueOfTask, queuesOf } from './schedule/queue-view.js';
import { scheduleServices } from './services/service-planner.js';
import { placementViews, serviceViews } from './services/services.js';
import type { FleetNode, State } from './state.js';
import { receiveRequest } from './tasks/requests.js';
import { fireDueTimers } from './timers.js';
import type { Step, Turn } from './turn.js';
import { webhookViews } from './webhooks/webhooks.js';

const FAILED = refusal(
  'internal',
  'internal',
  'the orchestrator failed to handle this request; its log says why',
);

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
  const { state, journal } = turn;
  let taken = 0;
  for (const step of steps) {
    if (taken > 0 && journal.isFull) break;
    taken += 1;
    const decided = attempt(turn, () => {
      take(turn, step, onError);
      if (state.isCareful) tryRows(journal);
    });
    if (decided.ok) continue;
    onError(decided.thrown, step.kind);
    if ('id' in step) journal.answer(step.id, FAILED);
  }
  const onTimer = (thrown: unknown): void => onError(thrown, 'wake');
  fireDueTimers(turn, onTimer);
  const scheduled = attempt(turn, () => {
    do schedule(turn, onTimer);
    while (scheduleServices(turn, onTimer) || scheduleCampaigns(turn, onTimer));
  });
  if (!scheduled.ok) onTimer(scheduled.thrown);
  state.undo.set(state, 'cursor', journal.cursor);
  return taken;
}

/** When something may have to be decided although nobody says anything. */
export function nextDueMs(state: State): number | undefined {
  const { timers, broker, serviceBroker, campaignBroker } = state;
  if (state.lookUps.size > 0 || state.campaignLookUps.size > 0) return 0;
  const brokers = [broker, serviceBroker, campaignBroker];
  const due = [timers.nextMs(), ...brokers.map((one) => one.nextDueMs())].filter((at) => at !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one case for each kind of step, and the compiler checks that none is missing.
function take(turn: Turn, step: Step, onError: OnError): void {
  switch (step.kind) {
    case 'control':
      receiveControl(turn, step, onError);
      return;
    case 'bad control':
      refuse(
        turn,
        step.route,
        step.incarnation ?? turn.state.nodesByRoute.get(step.route)?.incarnation ?? 0,
        step.code,
        step.message,
      );
      if (step.code === 'unauthorized') turn.journal.close(step.route);
      return;
    case 'outputs':
      for (const output of step.outputs)
        attemptPart(turn, step, onError, () => receiveOutput(turn, output, step.peer));
      return;
    case 'unreachable':
      receiveUnreachable(turn, step.route);
      return;
    case 'request':
      receiveRequest(turn, step);
      return;
    case 'audit': {
      const audit_id = noteAudit(turn, step.note);
      turn.journal.answer(step.id, { ok: true, kind: 'done', body: { audit_id, at: turn.wallMs } });
      return;
    }
    case 'keep keys':
      for (const entry of step.changes.kept) emit(turn, { type: 'key.kept', key_id: keyIdOf(entry), entry });
      for (const key_id of step.changes.dropped) emit(turn, { type: 'key.dropped', key_id });
      turn.journal.answer(step.id, { ok: true, kind: 'done', body: {} });
      return;
    case 'assign now': {
      const execution = turn.state.executions.get(step.executionId);
      if (execution && execution.desired === 'running' && execution.observed === 'assigned')
        sendAssignment(turn, execution);
      return;
    }
    case 'blob': {
      const { sha256, size, projects } = step;
      const lease_until = turn.wallMs + BLOB_LEASE_MS;
      emit(turn, { type: 'blob.stored', sha256, size, lease_until, ...(projects && { projects }) });
      turn.journal.answer(step.id, {
        ok: true,
        kind: 'done',
        body: { sha256, size },
      });
      return;
    }
    case 'inspect nodes': {
      const nodes =
        step.nodeId === undefined
          ? [...turn.state.nodes.values()]
          : [turn.state.nodes.get(step.nodeId)].filter((node) => node !== undefined);
      turn.journal.reply({
        kind: 'view',
        request: step.id,
        value: nodes.map((node) => nodeView(node, turn, step.bound)),
      });
      return;
    }
    case 'inspect clusters':
      turn.journal.reply({ kind: 'view', request: step.id, value: clusterViews(turn, step.name) });
      return;
    case 'inspect deployments': {
      const value = deploymentsWithin(turn.state, step.bound).map(listedDeployment);
      turn.journal.reply({ kind: 'view', request: step.id, value });
      return;
    }
    case 'inspect campaigns': {
      const value = campaignViews(turn.state, step.bound);
      turn.journal.reply({ kind: 'view', request: step.id, value });
      return;
    }
    case 'inspect services':
      turn.journal.reply({ kind: 'view', request: step.id, value: serviceViews(turn.state, step.name) });
      return;
    case 'inspect placement':
      turn.journal.reply({ kind: 'view', request: step.id, value: placementViews(turn.state, step.service) });
      return;
    case 'inspect secrets':
      turn.journal.reply({ kind: 'view', request: step.id, value: secretViews(turn.state) });
      return;
    case 'inspect webhooks':
      turn.journal.reply({ kind: 'view', request: step.id, value: webhookViews(turn.state, step.bound) });
      return;
    case 'inspect grants':
      turn.journal.reply({ kind: 'view', request: step.id, value: grantViews(turn.state) });
      return;
    case 'inspect queue': {
      const { state } = turn;
      const task = step.task === undefined ? undefined : state.tasks.get(step.task);
      // A task that is not in memory is over: it waits for nothing.
      const value = step.task === undefined ? queuesOf(state) : task ? queueOfTask(state, task) : [];
      turn.journal.reply({ kind: 'view', request: step.id, value });
      return;
    }
    case 'wake':
      return;
    default:
      step satisfies never;
  }
}

/** The messages of a frame are handled one by one: a failure of one does not affect the others. */
function attemptPart(turn: Turn, step: Step, onError: OnError, work: () => void): void {
  const decided = attempt(turn, work);
  if (!decided.ok) onError(decided.thrown, step.kind);
}

function receiveControl(turn: Turn, step: Extract<Step, { kind: 'control' }>, onError: OnError): void {
  const { route, key, frame, faults } = step;
  for (const fault of faults) {
    const code = fault.code in REFUSALS ? (fault.code as RefusalCode) : 'bad_frame';
    refuse(turn, route, frame.incarnation, code, fault.message, {
      ...(fault.executionId !== undefined && { executionId: fault.executionId }),
      ...(fault.commandId !== undefined && { commandId: fault.commandId }),
      ...(fault.transactionId !== undefined && { transactionId: fault.transactionId }),
    });
  }
  const hello = frame.messages.find((message) => message.kind === 'hello');
  if (hello) receiveHello(turn, { route, key, nodeId: frame.nodeId, incarnation: frame.incarnation }, hello);
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
  if (node.route !== route && (turn.settings.token !== undefined || node.key !== undefined)) {
    // The peer on that connection has not authenticated: names of nodes are not secret.
    refuse(turn, route, frame.incarnation, 'say_hello', 'this connection has not registered here');
    return;
  }
  turn.state.setRoute(node, route);
  see(turn, node);
  for (const message of rest) attemptPart(turn, step, onError, () => receive(turn, node, message));
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
      if (node.responsiveness === 'told to reset') tryAgain(turn, node);
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
    case 'kept':
      receiveKept(turn, node, message);
      return;
    default:
      message satisfies never;
  }
}

/**
 * Adds what the batch writes. Nothing is decided into a sealed journal. Where a row cannot be encoded, the whole batch is undone: its callers are told,
 * nodes say all of it again, and the batches that follow find out which step it is.
 */
export function seal(state: State, journal: Journal, onError: OnError): void {
  try {
    if (!journal.isEmpty) {
      writeRows(state, journal);
      journal.writeEvents();
    }
    state.isCareful = false;
  } catch (thrown) {
    const replies = [...journal.replies];
    state.undo.back(0);
    journal.withoutWrites();
    for (const reply of replies)
      journal.reply(reply.kind === 'answer' ? { ...reply, answer: FAILED } : reply);
    state.isCareful = true;
    onError(thrown, 'seal');
  }
  state.undo.keep();
}
