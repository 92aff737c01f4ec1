/**
 * Several processes under one instance name: a Deployment whose template names the instance, a copied unit file, a node started twice.
 *
 * C1. A newer process takes the older one's place, at once. A process that was restarted waits for nothing.
 * C2. Where that happens to a process that is here and alive, the instance is contested. While it is, a process that is here and alive keeps
 *     it, and another one is refused as `instance_in_use`, which it repeats: otherwise two supervised processes would replace each other
 *     for ever, and no work that takes longer would get done. It is let in as soon as the other one is gone or falls silent.
 * C3. Each such refusal prolongs it: patience is not a reason to get the instance.
 * C4. A process that was replaced did not die: only one whose connection has ended did.
 */
import type { WarningJson } from '../../../contract/node.js';
import { aboutNode } from '../about.js';
import { emit } from '../emit.js';
import type { FleetNode } from '../state.js';
import type { Turn } from '../turn.js';

/** Longer than the pause that a supervisor makes before it starts a process again: five minutes for Kubernetes. */
export const CONTESTED_MS: number = 10 * 60 * 1000;

/** C4. Whether its process is here, and alive for all that is known. */
export function isHere({ route, liveness, connectionEnded }: FleetNode): boolean {
  return route !== undefined && liveness === 'alive' && !connectionEnded;
}

/** C2. Why another process does not get this instance now, if so. Also records the conflict for operators. */
export function objectionToTwin(turn: Turn, node: FleetNode): string | undefined {
  // C1.
  if (!isHere(node) || turn.nowMs >= node.contestedUntilMs) return undefined;
  // C3.
  contest(turn, node);
  const { instance } = node;
  const message = `several processes use the instance name ${instance}: one works, the others wait`;
  if (!node.conflict) {
    turn.state.undo.set(node, 'conflict', { sinceAt: turn.wallMs, message });
    emit(turn, {
      type: 'node.conflict',
      ...aboutNode(node),
      instance,
      code: 'instance_conflict',
      message,
    });
  }
  return `another process of instance ${instance} is at work, and they have replaced each other before`;
}

/** One process has taken the place of another one that was here, or would have. */
export function contest(turn: Turn, node: FleetNode): void {
  const { undo } = turn.state;
  if (turn.nowMs >= node.contestedUntilMs) undo.set(node, 'conflict', undefined);
  undo.set(node, 'contestedUntilMs', turn.nowMs + CONTESTED_MS);
}

/** The warning at the node while the conflict lasts. */
export function warningOf(node: FleetNode, nowMs: number): WarningJson | null {
  if (!node.conflict || nowMs >= node.contestedUntilMs) return null;
  const { sinceAt, message } = node.conflict;
  return {
    code: 'instance_conflict',
    message,
    hint: 'give each process its own name, or none (TUTTI_INSTANCE)',
    since: new Date(sinceAt).toISOString(),
  };
}
