/** Services and their replicas as they are stored. */

import type {
  Ending,
  Replica,
  ReplicaState,
  Service,
  ServiceDesire,
  ServiceSpec,
} from '../../model/service.js';
import type { Clocks } from './module-from-row.js';
import { projectOfRow, storedProject } from './row.js';

export interface ServiceRow {
  readonly name: string;
  /** Of its runs. */
  readonly project?: string | undefined;
  readonly spec: ServiceSpec;
  readonly desired: ServiceDesire;
  readonly graph_version: number;
  readonly generation: number;
  readonly reasons: readonly string[];
  readonly created_at: number;
  readonly updated_at: number;
}

export interface ReplicaRow {
  readonly replica_id: string;
  readonly service: string;
  readonly number: number;
  readonly pinned?: string | undefined;
  readonly desired: Replica['desired'];
  readonly observed: ReplicaState;
  readonly task_id: string;
  readonly open: boolean;
  readonly generation: number;
  readonly cluster?: string | undefined;
  readonly node_id?: string | undefined;
  readonly restarts: number;
  readonly failures: number;
  readonly reason?: string | undefined;
  readonly ending?: Ending | undefined;
  readonly retry_at?: number | undefined;
  readonly since: number;
}

export function serviceToRow(service: Service): ServiceRow {
  const { spec, project, desired, version, generation, reasons, createdAt, updatedAt } = service;
  return {
    ...{
      name: spec.name,
      project: storedProject(project),
      spec,
      desired,
      graph_version: version,
      generation,
      reasons,
    },
    ...{ created_at: createdAt, updated_at: updatedAt },
  };
}

export function serviceFromRow(row: ServiceRow): Service {
  const { spec, desired, graph_version: version, generation, reasons } = row;
  return {
    spec,
    project: projectOfRow(row),
    desired,
    version,
    generation,
    reasons,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Absent fields are left out by `JSON.stringify`. */
export function replicaToRow(replica: Replica): ReplicaRow {
  return {
    replica_id: replica.id,
    service: replica.service,
    number: replica.number,
    pinned: replica.pinned,
    desired: replica.desired,
    observed: replica.observed,
    task_id: replica.taskKey,
    open: replica.isOpen,
    generation: replica.generation,
    cluster: replica.cluster,
    node_id: replica.nodeId,
    restarts: replica.restarts,
    failures: replica.failures,
    reason: replica.reason,
    ending: replica.ending,
    retry_at: replica.retry?.at,
    since: replica.sinceAt,
  };
}

/** Times measured by the clock of the previous process start again; a pause has the time left that it had at the last record. */
export function replicaFromRow(row: ReplicaRow, spec: ServiceSpec, clocks: Clocks): Replica {
  const { nowMs, wallMs, lastMs = wallMs } = clocks;
  const { pinned, cluster, node_id: nodeId, reason, ending, retry_at: at } = row;
  const leftMs = (due: number): number =>
    Math.max(0, Math.min(due - wallMs, due - lastMs, spec.restart.maxBackoffMs));
  return {
    ...{ id: row.replica_id, service: row.service, number: row.number, desired: row.desired },
    ...{ observed: row.observed, taskKey: row.task_id, isOpen: row.open, generation: row.generation },
    ...{ restarts: row.restarts, failures: row.failures, sinceAt: row.since },
    ...{ sinceMs: nowMs, startedMs: nowMs },
    ...(pinned !== undefined && { pinned }),
    ...(cluster !== undefined && { cluster }),
    ...(nodeId !== undefined && { nodeId }),
    ...(reason !== undefined && { reason }),
    ...(ending && { ending }),
    ...(at !== undefined && { retry: { at, dueMs: nowMs + leftMs(at) } }),
  };
}
