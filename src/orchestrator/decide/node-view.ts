/** Nodes as they are stored, and as they are shown. */

import { moduleName } from '../../model/task.js';
import { formatTaskId } from '../../model/task-id.js';
import type { View } from '../port.js';
import type { NodeRow } from '../records.js';
import { warningOf } from './conflict.js';
import { FleetNode } from './state.js';

export function nodeToRow(node: FleetNode): NodeRow {
  return {
    node_id: node.nodeId,
    module: node.module,
    instance: node.instance,
    boot_id: node.bootId,
    incarnation: node.incarnation,
    version: node.version,
    capacity: node.capacity,
    labels: node.labels,
    status: node.status,
    desired: node.desired,
    liveness: node.liveness,
    ...(node.error && { error: node.error }),
    last_seen_at: node.lastSeenAt,
  };
}

/** As it was stored; whether it still is there shows when it says hello, or does not. */
export function nodeFromRow(row: NodeRow, nowMs: number): FleetNode {
  const node = new FleetNode({
    nodeId: row.node_id,
    module: row.module,
    instance: row.instance,
    bootId: row.boot_id,
    incarnation: row.incarnation,
    desired: row.desired,
    lastSeenAt: row.last_seen_at,
  });
  node.version = row.version;
  node.capacity = row.capacity;
  node.labels = row.labels;
  node.status = row.status;
  node.error = row.error;
  node.liveness = row.liveness;
  node.lastSeenMs = nowMs;
  return node;
}

export function nodeView(node: FleetNode, nowMs: number): View {
  return {
    node_id: node.nodeId,
    module: node.module,
    instance: node.instance,
    incarnation: node.incarnation,
    status: node.status,
    desired_status: node.desired,
    liveness: node.liveness,
    deaf: node.hearing === 'told to reset' || node.hearing === 'left out',
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
    last_seen_at: new Date(node.lastSeenAt).toISOString(),
    error: node.error ?? null,
    warning: warningOf(node, nowMs),
  };
}
