/** A service, its replicas and where another one would be placed. */
import type { ReplicaState, ServiceDesire, ServiceType } from '../model/service.js';

/** Something that is kept running, as far as the page shows it. */
export interface ServiceJson {
  readonly name: string;
  readonly type: ServiceType;
  /** `null`: as many as there are clusters that fit. */
  readonly count: number | null;
  /** That its replicas play as nodes. */
  readonly module: string | null;
  /** The deployment that it is a component of. */
  readonly deployment_id: string | null;
  readonly desired: ServiceDesire;
  readonly generation: number;
  readonly health: 'ok' | 'degraded';
  readonly reasons: readonly string[];
  readonly replicas: readonly ReplicaJson[];
}

export interface ReplicaJson {
  readonly replica_id: string;
  readonly cluster: string | null;
  readonly desired: 'running' | 'stopped';
  readonly observed: ReplicaState;
  readonly node_id: string | null;
  readonly restarts: number;
  readonly reason: string | null;
  /** Its newest run. */
  readonly task_id: string;
  readonly since: string;
  readonly retry_at: string | null;
}

/** A cluster as one more replica would find it. */
export interface PlacementJson {
  readonly cluster: string;
  /** The free share of its slots; `null` where it is ruled out. */
  readonly score: number | null;
  readonly reason: string | null;
}
