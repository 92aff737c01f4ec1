/**
 * Deaf nodes: they send heartbeats and leave assignments unanswered.
 *
 * 1. Only time counts during which the node was there; a silent one is judged by its silence.
 * 2. A node that is found deaf gives its unanswered work back, is told to reset, and gets new work once it has answered anything.
 * 3. If it leaves that unanswered, too, it is left out until it registers again or somebody starts or resets it.
 */
import type { Execution } from '../../../model/task.js';
import { aboutNode } from '../about.js';
import { emit } from '../emit.js';
import { issue } from '../executions/commands.js';
import { endExecution } from '../executions/executions.js';
import type { FleetNode } from '../state.js';
import type { Turn } from '../turn.js';

/** Whether the node has left the assignment unanswered for too long, so that it was given up. */
export function giveUpUnanswered(turn: Turn, execution: Execution, sinceMs: number): boolean {
  const node = turn.state.nodes.get(execution.nodeId);
  if (node?.liveness !== 'alive' || node.route === undefined) return false;
  const unansweredMs = turn.nowMs - Math.max(sinceMs, node.aliveSinceMs);
  if (unansweredMs < turn.state.livenessOf(node).deadAfterMs) return false;
  findDeaf(turn, node, `assignments unanswered for ${Math.round(unansweredMs)} ms`);
  return true;
}

function findDeaf(turn: Turn, node: FleetNode, reason: string): void {
  const leftOut = node.responsiveness === 'on probation';
  turn.state.undo.set(node, 'responsiveness', leftOut ? 'left out' : 'told to reset');
  emit(turn, {
    type: 'node.deaf',
    ...aboutNode(node),
    reason,
    left_out: leftOut,
  });
  for (const execution of [...node.executions]) {
    if (execution.observed !== 'assigned' || execution.desired !== 'running') continue;
    const error = { code: 'node_deaf', message: `node ${node.instance}: ${reason}`, retryable: true };
    endExecution(turn, execution, 'lost', { by: 'orchestrator', error });
  }
  if (leftOut) return;
  const { nodeId } = node;
  const target = { kind: 'node', nodeId, cmd: 'RESET' } as const;
  issue(turn, { by: 'orchestrator', target, reason, parts: [{ nodeId }] });
}

/** It has answered something, or registered, or somebody vouches for it: it gets work again. */
export function tryAgain(turn: Turn, node: FleetNode): void {
  if (node.responsiveness === 'good') return;
  turn.state.undo.set(node, 'responsiveness', 'on probation');
  if (node.isPlaceable) turn.state.free(node.module);
}
