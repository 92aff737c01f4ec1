/**
 * Nodes: registration, what they hold, heartbeats, liveness.
 *
 * 1. (module, instance) keeps its node_id for ever; the same boot resumes its incarnation, a new boot gets the next one and its
 *    predecessor is told `replaced`, now and ever after; see `conflict.ts` for several that are alive.
 * 2. `held` and `running` are complete. An execution that a node never accepted is assigned again under its id; one that it
 *    accepted and no longer names is lost.
 * 3. An output has no order with heartbeats, so only an acceptance over the control plane makes a missing name mean something,
 *    and only twice in a row.
 */

import type { Route } from '../../../bus/bus.js';
import { hasEnded } from '../../../model/execution.js';
import { type Liveness, livenessMayBecome, type NodeStatus, nodeMayBecome } from '../../../model/node.js';
import type { Heartbeat, Hello, NodeReport, ReportedError } from '../../../model/protocol.js';
import { AGENT_MODULE } from '../../../model/run.js';
import type { Execution } from '../../../model/task.js';
import { aboutNode } from '../about.js';
import { describeAgent, noteAgent } from '../clusters/clusters.js';
import { emit } from '../emit.js';
import { isStopUnheard, issue, noteGone, noteProcessGone } from '../executions/commands.js';
import {
  acceptByReport,
  answerEnded,
  endExecution,
  endedByNode,
  findExecution,
  noteDeath,
  start,
  tellEnded,
} from '../executions/executions.js';
import { refuse, refuseAt } from '../refusals.js';
import { outlivesSilence } from '../schedule/fleet.js';
import { sendAssignment } from '../schedule/planner.js';
import { type FleetNode, instanceKey } from '../state.js';
import type { Turn } from '../turn.js';
import { type HelloSender, objectionTo } from './admission.js';
import { endBlobTokens, renewBlobToken } from './blob-tokens.js';
import { contest, isHere } from './conflict.js';
import { tryAgain } from './deaf.js';
import { noteTold } from './module-types.js';
import { welcomeOf } from './welcome.js';

/** Heartbeats in a row without an accepted execution: one may have been overtaken on another connection. */
const MISSED_BEATS_LIMIT = 2;
/** Made-up executions that a node names, beside those that it can have: each is kept until it no longer names it. */
const STRANGE_EXECUTIONS_LIMIT = 1000;
/** An acknowledgement that a node has not acted upon after this long was lost. */
const SETTLED_AGAIN_MS = 1000;

export function receiveHello(turn: Turn, sender: HelloSender, hello: Hello): void {
  const { route, incarnation } = sender;
  const refused = objectionTo(turn, sender, hello);
  if (refused) {
    refuse(
      turn,
      route,
      incarnation,
      refused.code,
      refused.message,
      refused.hint === undefined ? {} : { hint: refused.hint },
    );
    // One guess at the token for each connection.
    if (refused.code === 'unauthorized') turn.journal.close(route);
    return;
  }
  const { state } = turn;
  const { undo } = state;
  const node = admit(turn, hello);
  state.setRoute(node, route);
  undo.set(node, 'key', sender.key);
  turn.journal.admit(route);
  undo.set(node, 'declaredOutput', hello.outputType);
  undo.set(node, 'schemas', hello.schemas ?? []);
  undo.set(node, 'typesByAssignment', hello.typesByAssignment ?? false);
  noteTold(state, node);
  undo.set(node, 'load', undefined);
  undo.set(node, 'resources', hello.resources);
  undo.set(node, 'heardAt', turn.wallMs);
  const cluster = hello.module === AGENT_MODULE ? state.clusters.get(hello.instance) : undefined;
  if (cluster) describeAgent(turn, cluster, node, hello.version);
  else {
    emit(turn, {
      type: 'node.described',
      node_id: node.nodeId,
      version: hello.version,
      capacity: hello.capacity,
      labels: hello.labels,
      last_seen_at: node.heardAt,
    });
  }
  setStatus(turn, node, hello.status, undefined);
  see(turn, node);
  tryAgain(turn, node);
  const drop = reconcileHeld(turn, node, hello);
  turn.journal.tell(node, welcomeOf(turn, node, drop));
  remindOfDesired(turn, node);
  state.free(node.module);
}

/** The node that says hello: known or new, of the same boot or of a new one. */
function admit(turn: Turn, hello: Hello): FleetNode {
  const { state } = turn;
  const { module, instance, capacity, bootId } = hello;
  const known = state.nodesByInstance.get(instanceKey(module, instance));
  if (known?.bootId === bootId) return known;
  if (!known) {
    const start = state.moduleSpec(module)?.spec.start ?? 'auto';
    const nodeId = turn.ids.uuid();
    emit(turn, {
      type: 'node.joined',
      module,
      node_id: nodeId,
      instance,
      capacity,
      incarnation: 1,
      boot_id: bootId,
      desired_status: start === 'auto' ? 'started' : 'stopped',
    });
    const node = state.nodes.get(nodeId)!;
    noteAgent(turn, node, 'online', 'it has registered');
    return node;
  }
  if (isHere(known)) contest(turn, known);
  if (known.route !== undefined) {
    const message = `a newer process of instance ${known.instance} has taken this one’s place`;
    refuse(turn, known.route, known.incarnation, 'replaced', message);
  }
  state.replacedBoots.add(known.bootId);
  loseAll(turn, known);
  noteProcessGone(turn, known);
  emit(turn, {
    type: 'node.joined',
    ...aboutNode(known),
    instance,
    capacity,
    incarnation: known.incarnation + 1,
    boot_id: bootId,
    // Ending a process ends it, not its successor.
    desired_status: known.desired === 'terminated' ? 'started' : known.desired,
    replaces: known.bootId,
  });
  state.undo.set(known, 'responsiveness', 'good');
  endBlobTokens(turn, known);
  state.undo.clear(known.stopping);
  forgetSettled(turn, known);
  return known;
}

function forgetSettled({ state }: Turn, node: FleetNode): void {
  for (const id of [...node.settled.keys()]) state.undo.remove(node.settled, id);
}

/**
 * The process that had them is replaced. What it never accepted is lost, too: it may have it all the same, and its outputs under a
 * lease that is still good would mix with its successor's.
 */
function loseAll(turn: Turn, node: FleetNode): void {
  for (const execution of [...node.executions]) {
    // One that was replaced while it was here has not died.
    if (node.connectionEnded) noteDeath(turn, node, execution);
    const how = node.connectionEnded ? 'was restarted' : 'was replaced by another process of its instance';
    loseExecution(turn, node, execution, `its node ${how}`);
  }
}

/** The node has it no more, unasked. */
export function loseExecution(turn: Turn, node: FleetNode, execution: Execution, why: string): void {
  if (execution.desired === 'stopped') {
    endExecution(turn, execution, execution.stopCause === 'preempt' ? 'preempted' : 'cancelled', {
      by: 'gone',
    });
    return;
  }
  endExecution(turn, execution, 'lost', {
    by: 'gone',
    error: { code: 'node_lost', message: `node ${node.instance}: ${why}`, retryable: true },
  });
}

/** Compares the executions that the node reports with those that it should hold. Returns those that it must abandon. */
function reconcileHeld(turn: Turn, node: FleetNode, hello: Hello): string[] {
  const drop: string[] = [];
  const named = new Set<string>();
  const { undo } = turn.state;
  const isCut = (hello.heldInAll ?? 0) > hello.held.length;
  for (const id of [...node.stopping])
    if (!isCut && !isStopUnheard(turn, node, id)) undo.drop(node.stopping, id);
  for (const held of hello.held) {
    named.add(held.executionId);
    const execution = findExecution(turn, held.executionId, held.lease);
    if (execution && node.executions.has(execution)) {
      acceptByReport(turn, execution);
      if (execution.desired === 'running') {
        // Its word that it has begun is said once, and may have been lost.
        if (held.state === 'RUNNING' || held.state === 'PROGRESS') start(turn, execution);
        continue;
      }
      // It is being stopped: there is nothing more to say about it.
    } else if (execution && hasEnded(execution.observed) && endedByNode(execution)) {
      const { id, lease, committed: seq } = execution;
      undo.put(node.settled, id, { lease, seq, sinceMs: turn.nowMs });
      tellEnded(turn, node, execution.id, execution.committed);
      continue;
    } else {
      // It ended while the node was away, or is of a time that a restored backup does not know.
      const message = `execution ${held.executionId} is not asked for: the node is told to stop it`;
      turn.journal.refused('control', `${node.module}/${node.instance}`, 'not_asked_for', message);
      addStopping(turn, node, held.executionId);
    }
    drop.push(held.executionId);
  }
  for (const execution of [...node.executions]) {
    if (named.has(execution.id)) continue;
    // Whether it has the others is told by the heartbeats that follow, and by the answer to an assignment that is repeated.
    if (isCut && (execution.acceptedByReport || execution.desired !== 'running')) continue;
    if (execution.acceptedByReport) loseExecution(turn, node, execution, 'it no longer has the execution');
    else if (execution.desired === 'running') sendAssignment(turn, execution);
    else if (!isStopUnheard(turn, node, execution.id))
      loseExecution(turn, node, execution, 'it never had the execution');
  }
  if (!isCut) noteGone(turn, node, (id) => !named.has(id) && !isStopUnheard(turn, node, id));
  return drop;
}

function addStopping({ state }: Turn, node: FleetNode, executionId: string): void {
  if (node.stopping.size < node.capacity + STRANGE_EXECUTIONS_LIMIT)
    state.undo.add(node.stopping, executionId);
}

/** A frame of the node has come: whatever was thought of it, it is alive. */
export function see(turn: Turn, node: FleetNode): void {
  const { undo } = turn.state;
  if (node.connectionEnded) undo.set(node, 'connectionEnded', false);
  undo.set(node, 'heardMs', turn.nowMs);
  undo.set(node, 'heardAt', turn.wallMs);
  if (node.liveness !== 'alive') setLiveness(turn, node, 'alive', 'it responds again');
  if (!turn.state.timers.has({ kind: 'judge', nodeId: node.nodeId })) judgeLater(turn, node);
}

export function receiveHeartbeat(turn: Turn, node: FleetNode, heartbeat: Heartbeat): void {
  setStatus(turn, node, heartbeat.status, undefined);
  renewBlobToken(turn, node);
  const { state } = turn;
  const { undo } = state;
  undo.set(node, 'load', heartbeat.load);
  const named = new Set(heartbeat.running);
  for (const id of [...node.stopping]) {
    if (named.has(id) || isStopUnheard(turn, node, id)) continue;
    undo.drop(node.stopping, id);
    noteGone(turn, node, (gone) => gone === id);
    state.free(node.module);
  }
  for (const [id, settled] of [...node.settled]) {
    if (!named.has(id)) undo.remove(node.settled, id);
    else if (turn.nowMs - settled.sinceMs >= SETTLED_AGAIN_MS) tellEnded(turn, node, id, settled.seq);
  }
  for (const execution of [...node.executions]) {
    if (named.has(execution.id) || !execution.acceptedByReport) {
      if (execution.missedBeats > 0) undo.set(execution, 'missedBeats', 0);
      continue;
    }
    undo.set(execution, 'missedBeats', execution.missedBeats + 1);
    if (execution.missedBeats >= MISSED_BEATS_LIMIT) {
      loseExecution(turn, node, execution, 'it no longer has the execution');
    }
  }
  for (const id of named) {
    if (node.settled.has(id)) continue;
    const execution = turn.state.executions.get(id);
    if (execution && node.executions.has(execution)) continue;
    addStopping(turn, node, id);
    if (execution?.nodeId === node.nodeId) answerEnded(turn, node, execution);
    else
      refuseAt(turn, node, 'unknown_execution', `execution ${id} is not one of this node's`, {
        executionId: id,
      });
  }
}

export function receiveNodeReport(turn: Turn, node: FleetNode, report: NodeReport): void {
  setStatus(turn, node, report.status, report.error);
}

/** The latest word of the node about itself counts, also where the table does not foresee it: the node knows. */
function setStatus(turn: Turn, node: FleetNode, status: NodeStatus, error: ReportedError | undefined): void {
  if (node.status === status && (error === undefined || node.error?.message === error.message)) return;
  if (node.status !== status && !nodeMayBecome(node.status, status))
    turn.state.counters.add('node_status_jumps');
  const wasPlaceable = node.isPlaceable;
  const from = node.status;
  const left = status === 'ERROR' ? (error ?? node.error) : undefined;
  // IDLE and RUNNING alternate with every execution, and the events of the executions show the same.
  const isWork = (from === 'IDLE' && status === 'RUNNING') || (from === 'RUNNING' && status === 'IDLE');
  // The status counts all the same; a node that flickers fills no disk.
  const isShown = !isWork && turn.state.statusEvents.admits(node.nodeId, turn.nowMs);
  if (isShown) {
    emit(turn, {
      type: 'node.status',
      ...aboutNode(node),
      status,
      desired_status: node.desired,
      ...(left && { error: left }),
      last_seen_at: node.heardAt,
    });
  } else emit(turn, { type: 'node.turned', node_id: node.nodeId, status, ...(left && { error: left }) });
  if (!isShown && !isWork) turn.state.counters.add('node_status_unrecorded');
  // Those who wait for a cluster say what is in the way.
  const isAgent = node.module === AGENT_MODULE && !isWork;
  if (isAgent || (!wasPlaceable && node.isPlaceable)) turn.state.free(node.module);
}

/** The desired status of the instance may have changed while it was disconnected. */
function remindOfDesired(turn: Turn, node: FleetNode): void {
  const { desired, status, nodeId } = node;
  const isUp = status === 'INITIALIZING' || status === 'IDLE' || status === 'RUNNING';
  if (desired === 'stopped' && !isUp) return;
  if (desired === 'terminated' && status === 'TERMINATING') return;
  const cmd = ({ started: 'START', stopped: 'STOP', terminated: 'TERMINATE' } as const)[desired];
  issue(turn, { by: 'orchestrator', target: { kind: 'node', nodeId, cmd }, reason: '', parts: [{ nodeId }] });
}

/** It said goodbye: nothing more will come of this process. */
export function receiveGoodbye(turn: Turn, node: FleetNode): void {
  const { state } = turn;
  state.setRoute(node, undefined);
  endBlobTokens(turn, node);
  state.undo.clear(node.stopping);
  forgetSettled(turn, node);
  state.timers.clear({ kind: 'judge', nodeId: node.nodeId });
  if (node.liveness === 'alive') noteAgent(turn, node, 'offline', 'it left');
  emit(turn, { type: 'node.left', ...aboutNode(node), last_seen_at: node.heardAt });
  for (const execution of [...node.executions]) {
    if (!outlivesSilence(node, execution)) loseExecution(turn, node, execution, 'it left');
  }
  if (node.module === AGENT_MODULE) state.free(AGENT_MODULE);
  noteProcessGone(turn, node);
}

/** This connection has ended, or takes no more frames. */
export function receiveUnreachable(turn: Turn, route: Route): void {
  const node = turn.state.nodesByRoute.get(route);
  if (node) turn.state.undo.set(node, 'connectionEnded', true);
  if (node?.liveness === 'alive') setLiveness(turn, node, 'unresponsive', 'its connection is gone');
}

/** How the node stands by its silence; asked again when that may change. */
export function judge(turn: Turn, node: FleetNode, isHeard: boolean): void {
  const { unresponsiveAfterMs, deadAfterMs } = turn.state.livenessOf(node);
  const silentMs = turn.nowMs - node.heardMs;
  if (!isHeard && silentMs >= unresponsiveAfterMs) {
    // Its word may lie in the socket: a busy process gets to read it before the next timer.
    judgeAt(turn, node, turn.nowMs + 1, true);
    return;
  }
  if (silentMs >= deadAfterMs) {
    setLiveness(turn, node, 'dead', `silent for ${Math.round(silentMs)} ms`);
    return;
  }
  if (silentMs >= unresponsiveAfterMs && node.liveness === 'alive') {
    setLiveness(turn, node, 'unresponsive', `silent for ${Math.round(silentMs)} ms`);
  }
  judgeLater(turn, node);
}

function judgeLater(turn: Turn, node: FleetNode): void {
  const { unresponsiveAfterMs, deadAfterMs } = turn.state.livenessOf(node);
  const after = node.liveness === 'alive' ? unresponsiveAfterMs : deadAfterMs;
  judgeAt(turn, node, node.heardMs + after, false);
}

function judgeAt({ state }: Turn, { nodeId }: FleetNode, atMs: number, isHeard: boolean): void {
  state.timers.set({ kind: 'judge', nodeId, isHeard }, atMs);
}

function setLiveness(turn: Turn, node: FleetNode, liveness: Liveness, why: string): void {
  if (!livenessMayBecome(node.liveness, liveness)) return;
  const wasAlive = node.liveness === 'alive';
  const { state } = turn;
  emit(turn, {
    type: `node.${liveness}`,
    ...aboutNode(node),
    reason: why,
    last_seen_at: node.heardAt,
  });
  if (wasAlive || liveness === 'alive')
    noteAgent(turn, node, liveness === 'alive' ? 'online' : 'offline', why);
  switch (liveness) {
    case 'alive':
      state.undo.set(node, 'aliveSinceMs', turn.nowMs);
      state.free(node.module);
      break;
    case 'unresponsive':
      judgeLater(turn, node);
      break;
    case 'dead':
      endBlobTokens(turn, node);
      state.undo.clear(node.stopping);
      forgetSettled(turn, node);
      noteGone(turn, node, (id) => isOver(turn, id));
      for (const execution of [...node.executions]) {
        noteDeath(turn, node, execution);
        if (outlivesSilence(node, execution) && execution.desired === 'running') continue;
        if (execution.desired === 'stopped') loseExecution(turn, node, execution, 'it is dead');
        else state.broker.enqueue(execution.task);
      }
      break;
    default:
      liveness satisfies never;
  }
  if (node.module === AGENT_MODULE) state.free(AGENT_MODULE);
}

function isOver(turn: Turn, executionId: string): boolean {
  const execution = turn.state.executions.get(executionId);
  return execution === undefined || hasEnded(execution.observed);
}
