/** Nodes as they are shown. */

import type { Open } from '../../../contract/answer.js';
import type { NodeJson } from '../../../contract/node.js';
import { ALL_PROJECTS, maySee } from '../../../model/access.js';
import { moduleName } from '../../../model/task.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { FleetNode } from '../state.js';
import type { Turn } from '../turn.js';
import { warningOf } from './conflict.js';

/** Of the work of other projects on it, only how much there is. */
export function nodeView(
  node: FleetNode,
  { state, nowMs }: Pick<Turn, 'state' | 'nowMs'>,
  bound: string,
): Open<NodeJson> {
  const running = [...node.executions];
  const shown = running.filter(({ task }) => maySee(bound, task.project));
  const stopping = [...node.stopping];
  const shownStopping =
    bound === ALL_PROJECTS
      ? stopping
      : stopping.filter((id) => state.executions.get(id)?.task.project === bound);
  return {
    node_id: node.nodeId,
    module: node.module,
    instance: node.instance,
    incarnation: node.incarnation,
    status: node.status,
    desired_status: node.desired,
    liveness: node.liveness,
    deaf: node.responsiveness === 'told to reset' || node.responsiveness === 'left out',
    connected: node.route !== undefined,
    capacity: node.capacity,
    running: shown.map((execution) => ({
      task_id: formatTaskId(execution.task.id),
      module: moduleName(execution.task, execution.position),
      execution_id: execution.id,
      state: execution.observed,
      since: new Date(execution.assignedAt).toISOString(),
    })),
    stopping: shownStopping,
    of_other_projects: running.length - shown.length + stopping.length - shownStopping.length,
    load:
      node.load && node.liveness !== 'dead'
        ? { cpu: node.load.cpu, memory_bytes: node.load.memoryBytes, executing: node.load.executing }
        : null,
    labels: node.labels,
    version: node.version,
    last_seen_at: new Date(node.heardAt).toISOString(),
    error: node.error ?? null,
    warning: warningOf(node, nowMs),
  };
}
