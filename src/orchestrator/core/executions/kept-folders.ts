/**
 * The working folders that agents keep: each goes with its task.
 *
 * K1. An agent that is here hears of it when the task is removed. That is a hint, which may be lost.
 * K2. After each welcome an agent names what it keeps, and hears what of it is to go: also what it has missed while it was away.
 */
import type { Kept } from '../../../model/protocol.js';
import { AGENT_MODULE } from '../../../model/run.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { TaskRow } from '../../tables/task-row.js';
import type { FleetNode } from '../state.js';
import { type Turn, taskOfLease } from '../turn.js';

/** K2. */
export function receiveKept(turn: Turn, node: FleetNode, { executions }: Kept): void {
  const executionIds = executions
    .filter(({ lease }) => !isThere(turn, lease))
    .map(({ executionId }) => executionId);
  if (executionIds.length > 0) turn.journal.tell(node, { kind: 'forget', executionIds });
}

function isThere({ state, loaded }: Turn, lease: string): boolean {
  const id = taskOfLease(lease);
  const key = id && formatTaskId(id);
  return key !== undefined && (state.tasks.has(key) || loaded.parents.has(key));
}

/** K1. The task is removed. */
export function forgetFolders({ state, journal }: Turn, { modules }: TaskRow): void {
  const byAgent = new Map<FleetNode, string[]>();
  for (const { executions } of Object.values(modules)) {
    for (const { execution_id, node_id } of executions) {
      const node = state.nodes.get(node_id);
      if (node?.module !== AGENT_MODULE) continue;
      byAgent.set(node, [...(byAgent.get(node) ?? []), execution_id]);
    }
  }
  for (const [node, executionIds] of byAgent) journal.tell(node, { kind: 'forget', executionIds });
}
