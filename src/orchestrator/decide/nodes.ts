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

import type { Route } from '../../bus/bus.js';
import { hasEnded } from '../../model/execution.js';
import { type Liveness, livenessMayBecome, type NodeStatus, nodeMayBecome } from '../../model/node.js';
import type { Heartbeat, Hello, NodeReport, ReportedError } from '../../model/protocol.js';
import type { Execution } from '../../model/task.js';
import type { BootRow } from '../records.js';
import { aboutNode } from './about.js';
import { type Greeter, objectionTo } from './admission.js';
import { isStopUnheard, issue, noteGone, noteProcessGone } from './commands.js';
import { contest, isHere } from './conflict.js';
import { tryAgain } from './deaf.js';
import {
  acceptByReport,
  answerEnded,
  endExecution,
  endedByNode,
  findExecution,
  noteDeath,
  tellEnded,
} from './executions.js';
import { noteTold } from './module-types.js';
import { sendAssignment } from './planner.js';
import { refuse, refuseAt } from './refusals.js';
import { FleetNode, instanceKey } from './state.js';
import { type Turn, touch } from './turn.js';
import { welcomeOf } from './welcome.js';

/** Heartbeats in a row without an accepted execution: one may have been overtaken on another connection. */
const MISSED_BEATS_LIMIT = 2;
/** Made-up executions that a node names, beside those that it can have: each is kept until it does not name it any more. */
const STRANGE_EXECUTIONS_LIMIT = 1000;
/** An acknowledgement that a node has not acted upon after this long was lost. */
const SETTLED_AGAIN_MS = 1000;

export function receiveHello(turn: Turn, greeter: Greeter, hello: Hello): void {
  const { route, incarnation } = greeter;
  const refused = objectionTo(turn, greeter, hello);
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
    if (refused.code === 'unauthorized') turn.journal.ended.push(route);
    return;
  }
  const node = admit(turn, hello);
  turn.state.setRoute(node, route);
  turn.journal.admitted.push(route);
  node.version = hello.version;
  node.capacity = hello.capacity;
  node.labels = hello.labels;
  node.declaredOutput = hello.outputType;
  node.schemas = hello.schemas ?? [];
  node.typesByAssignment = hello.typesByAssignment ?? false;
  noteTold(turn.state, node);
  node.load = undefined;
  setStatus(turn, node, hello.status, undefined);
  see(turn, node);
  tryAgain(turn, node);
  turn.journal.nodes.add(node);
  const drop = reconcileHeld(turn, node, hello);
  turn.journal.tell(node, welcomeOf(turn, node, drop));
  remindOfDesired(turn, node);
  turn.state.freed.add(node.module);
}

/** The node that says hello: known or new, of the same boot or of a new one. */
function admit(turn: Turn, hello: Hello): FleetNode {
  const { state, journal } = turn;
  const known = state.nodesByInstance.get(instanceKey(hello.module, hello.instance));
  if (known?.bootId === hello.bootId) return known;
  // Its labels and its version are in the node's row, where they replace what was there.
  const joined = { instance: hello.instance, capacity: hello.capacity };
  if (!known) {
    const start = state.moduleSpec(hello.module)?.spec.start ?? 'auto';
    const node = new FleetNode({
      nodeId: turn.ids.uuid(),
      module: hello.module,
      instance: hello.instance,
      bootId: hello.bootId,
      incarnation: 1,
      desired: start === 'auto' ? 'started' : 'stopped',
      lastSeenAt: turn.wallMs,
    });
    state.addNode(node);
    journal.fact({
      type: 'node.joined',
      ...aboutNode(node),
      ...joined,
      incarnation: 1,
    });
    return node;
  }
  if (isHere(known)) contest(turn, known);
  if (known.route !== undefined) {
    const message = `a newer process of instance ${known.instance} has taken this one’s place`;
    refuse(turn, known.route, known.incarnation, 'replaced', message);
  }
  state.replacedBoots.add(known.bootId);
  const row: BootRow = { node_id: known.nodeId, replaced_at: turn.wallMs };
  journal.putRow('boots', [known.bootId], row);
  loseAll(turn, known);
  noteProcessGone(turn, known);
  known.bootId = hello.bootId;
  known.incarnation += 1;
  known.status = 'INACTIVE';
  known.hearing = 'good';
  known.stopping.clear();
  known.settled.clear();
  // Ending a process ends it, not its successor.
  if (known.desired === 'terminated') known.desired = 'started';
  journal.fact({
    type: 'node.joined',
    ...aboutNode(known),
    ...joined,
    incarnation: known.incarnation,
  });
  return known;
}

/**
 * The process that had them is replaced. What it never accepted is lost, too: it may have it all the same, and its outputs under a
 * lease that is still good would mix with its successor's.
 */
function loseAll(turn: Turn, node: FleetNode): void {
  for (const execution of [...node.executions]) {
    // One that was replaced while it was here has not died.
    if (node.connectionEnded) noteDeath(node, execution);
    const how = node.connectionEnded ? 'was started anew' : 'was replaced by another process of its instance';
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

/** What the node says that it holds, against what it should hold. Returns what it is to abandon. */
function reconcileHeld(turn: Turn, node: FleetNode, hello: Hello): string[] {
  const drop: string[] = [];
  const named = new Set<string>();
  for (const id of node.stopping) if (!isStopUnheard(turn, node, id)) node.stopping.delete(id);
  for (const held of hello.held) {
    named.add(held.executionId);
    const execution = findExecution(turn, held.executionId, held.lease);
    if (execution && node.executions.has(execution)) {
      acceptByReport(turn, execution);
      if (execution.desired === 'running') continue;
      // It is being stopped: there is nothing more to say about it.
    } else if (execution && hasEnded(execution.observed) && endedByNode(execution)) {
      node.settled.set(execution.id, {
        lease: execution.lease,
        seq: execution.committed,
        sinceMs: turn.nowMs,
      });
      tellEnded(turn, node, execution.id, execution.committed);
      continue;
    } else {
      addStopping(node, held.executionId);
    }
    drop.push(held.executionId);
  }
  for (const execution of [...node.executions]) {
    if (named.has(execution.id)) continue;
    if (execution.acceptedByReport)
      loseExecution(turn, node, execution, 'it does not have the execution any more');
    else if (execution.desired === 'running') sendAssignment(turn, execution);
    else if (!isStopUnheard(turn, node, execution.id))
      loseExecution(turn, node, execution, 'it never had the execution');
  }
  noteGone(turn, node, (id) => !named.has(id) && !isStopUnheard(turn, node, id));
  return drop;
}

function addStopping(node: FleetNode, executionId: string): void {
  if (node.stopping.size < node.capacity + STRANGE_EXECUTIONS_LIMIT) node.stopping.add(executionId);
}

/** A frame of the node has come: whatever was thought of it, it is alive. */
export function see(turn: Turn, node: FleetNode): void {
  node.connectionEnded = false;
  node.lastSeenMs = turn.nowMs;
  node.lastSeenAt = turn.wallMs;
  if (node.liveness !== 'alive') setLiveness(turn, node, 'alive', 'it is heard again');
  if (!turn.state.timers.has(`judge ${node.nodeId}`)) judgeLater(turn, node);
}

export function receiveHeartbeat(turn: Turn, node: FleetNode, heartbeat: Heartbeat): void {
  setStatus(turn, node, heartbeat.status, undefined);
  node.load = heartbeat.load;
  const named = new Set(heartbeat.running);
  for (const id of node.stopping) {
    if (named.has(id) || isStopUnheard(turn, node, id)) continue;
    node.stopping.delete(id);
    noteGone(turn, node, (gone) => gone === id);
    turn.state.freed.add(node.module);
  }
  for (const [id, settled] of node.settled) {
    if (!named.has(id)) node.settled.delete(id);
    else if (turn.nowMs - settled.sinceMs >= SETTLED_AGAIN_MS) tellEnded(turn, node, id, settled.seq);
  }
  for (const execution of [...node.executions]) {
    if (named.has(execution.id) || !execution.acceptedByReport) {
      execution.missedBeats = 0;
      continue;
    }
    execution.missedBeats += 1;
    if (execution.missedBeats >= MISSED_BEATS_LIMIT) {
      loseExecution(turn, node, execution, 'it does not have the execution any more');
    }
  }
  for (const id of named) {
    if (node.settled.has(id)) continue;
    const execution = turn.state.executions.get(id);
    if (execution && node.executions.has(execution)) continue;
    addStopping(node, id);
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
  node.status = status;
  node.error = status === 'ERROR' ? (error ?? node.error) : undefined;
  // IDLE and RUNNING follow each other with every execution; whoever wants to know sees the executions.
  if ((from === 'IDLE' && status === 'RUNNING') || (from === 'RUNNING' && status === 'IDLE')) return;
  turn.journal.nodes.add(node);
  // The status counts all the same; a node that flickers fills no disk.
  if (turn.state.statusEvents.admits(node.nodeId, turn.nowMs)) {
    turn.journal.fact({
      type: 'node.status',
      ...aboutNode(node),
      status,
      desired_status: node.desired,
      ...(node.error && { error: node.error }),
    });
  } else turn.state.counters.add('node_status_unrecorded');
  if (!wasPlaceable && node.isPlaceable) turn.state.freed.add(node.module);
}

/** What the operators want of the instance may have changed while it was not here. */
function remindOfDesired(turn: Turn, node: FleetNode): void {
  const { desired, status, nodeId } = node;
  const isUp = status === 'INITIALIZING' || status === 'IDLE' || status === 'RUNNING';
  if (desired === 'stopped' && !isUp) return;
  if (desired === 'terminated' && status === 'TERMINATING') return;
  const cmd = ({ started: 'START', stopped: 'STOP', terminated: 'TERMINATE' } as const)[desired];
  issue(turn, { by: 'house', target: { kind: 'node', nodeId, cmd }, reason: '', parts: [{ nodeId }] });
}

/** It said goodbye: nothing more will come of this process. */
export function receiveGoodbye(turn: Turn, node: FleetNode): void {
  turn.state.setRoute(node, undefined);
  node.status = 'INACTIVE';
  node.stopping.clear();
  node.settled.clear();
  turn.state.timers.clear(`judge ${node.nodeId}`);
  if (livenessMayBecome(node.liveness, 'dead')) node.liveness = 'dead';
  turn.journal.nodes.add(node);
  turn.journal.fact({ type: 'node.left', ...aboutNode(node) });
  for (const execution of [...node.executions]) loseExecution(turn, node, execution, 'it left');
  noteProcessGone(turn, node);
}

/** This connection has ended, or takes no more frames. */
export function receiveUnreachable(turn: Turn, route: Route): void {
  const node = turn.state.nodesByRoute.get(route);
  if (node) node.connectionEnded = true;
  if (node?.liveness === 'alive') setLiveness(turn, node, 'unresponsive', 'its connection is gone');
}

/** How the node stands by its silence; asked again when that may change. */
export function judge(turn: Turn, node: FleetNode, isHeard: boolean): void {
  const { unresponsiveAfterMs, deadAfterMs } = turn.state.livenessOf(node);
  const silentMs = turn.nowMs - node.lastSeenMs;
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
  judgeAt(turn, node, node.lastSeenMs + after, false);
}

function judgeAt({ state }: Turn, { nodeId }: FleetNode, atMs: number, isHeard: boolean): void {
  state.timers.set(`judge ${nodeId}`, atMs, { kind: 'judge', nodeId, isHeard });
}

function setLiveness(turn: Turn, node: FleetNode, liveness: Liveness, why: string): void {
  if (!livenessMayBecome(node.liveness, liveness)) return;
  node.liveness = liveness;
  turn.journal.nodes.add(node);
  turn.journal.fact({
    type: `node.${liveness}`,
    ...aboutNode(node),
    reason: why,
  });
  switch (liveness) {
    case 'alive':
      node.aliveSinceMs = turn.nowMs;
      turn.state.freed.add(node.module);
      break;
    case 'unresponsive':
      judgeLater(turn, node);
      break;
    case 'dead':
      node.stopping.clear();
      node.settled.clear();
      noteGone(turn, node, (id) => isOver(turn, id));
      for (const execution of [...node.executions]) {
        noteDeath(node, execution);
        touch(turn, execution.task);
        if (execution.desired === 'stopped') loseExecution(turn, node, execution, 'it is dead');
        else turn.state.broker.enqueue(execution.task);
      }
      break;
    default:
      liveness satisfies never;
  }
}

function isOver(turn: Turn, executionId: string): boolean {
  const execution = turn.state.executions.get(executionId);
  return execution === undefined || hasEnded(execution.observed);
}
