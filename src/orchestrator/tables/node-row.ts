/** Nodes as they are stored. */

import type { DesiredStatus, Liveness, NodeStatus } from '../../model/node.js';
import type { NodeRecord } from '../../model/node-record.js';
import type { ReportedError } from '../../model/protocol.js';

export interface NodeRow {
  readonly node_id: string;
  readonly module: string;
  readonly instance: string;
  readonly boot_id: string;
  readonly incarnation: number;
  readonly version: string;
  readonly capacity: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: NodeStatus;
  readonly desired: DesiredStatus;
  readonly liveness: Liveness;
  readonly error?: ReportedError;
  readonly last_seen_at: number;
}

export function nodeToRow(node: NodeRecord): NodeRow {
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
export function nodeFromRow(row: NodeRow): NodeRecord {
  return {
    nodeId: row.node_id,
    module: row.module,
    instance: row.instance,
    bootId: row.boot_id,
    incarnation: row.incarnation,
    version: row.version,
    capacity: row.capacity,
    labels: row.labels,
    status: row.status,
    error: row.error,
    desired: row.desired,
    liveness: row.liveness,
    lastSeenAt: row.last_seen_at,
    executions: new Set(),
  };
}
