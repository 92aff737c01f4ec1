/** Nodes as they are shown. */

import { moduleName } from '../../model/task.js';
import { formatTaskId } from '../../model/task-id.js';
import type { View } from '../port.js';
import { warningOf } from './conflict.js';
import type { FleetNode } from './state.js';

export function nodeView(node: FleetNode, nowMs: number): View {
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
    running: [...node.executions].map((execution) => ({
      task_id: formatTaskId(execution.task.id),
      module: moduleName(execution.task, execution.position),
      execution_id: execution.id,
      state: execution.observed,
      since: new Date(execution.assignedAt).toISOString(),
    })),
    stopping: [...node.stopping],
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
