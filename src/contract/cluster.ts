/** A cluster, as `/v1/clusters` shows it. */
import type { AgentKind, AgentState, ClusterStatus, ClusterType } from '../model/cluster.js';
import type { ErrorJson } from './answer.js';

export interface ResourcesJson {
  readonly cpus?: number | null | undefined;
  /** Bytes. */
  readonly memory?: number | null | undefined;
  readonly gpus?: number | null | undefined;
}

/** A place where commands run. */
export interface ClusterJson {
  readonly name: string;
  readonly type: ClusterType;
  readonly status: ClusterStatus;
  readonly host?: string | null | undefined;
  readonly user?: string | null | undefined;
  readonly workdir?: string | null | undefined;
  readonly slots: number;
  readonly resources?: ResourcesJson | null | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly agent: AgentKind;
  readonly agent_state: AgentState;
  /** The problem that prevents its agent from working. */
  readonly agent_error?: ErrorJson | null;
  readonly running: number;
}
