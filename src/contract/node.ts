/** A node, as `/v1/nodes` shows it. */
import type { DesiredStatus, Liveness, NodeStatus } from '../model/node.js';
import type { ErrorJson } from './answer.js';

/** An execution that a node works on. */
export interface RunningJson {
  readonly execution_id: string;
  readonly task_id: string;
  readonly module: string;
  /** When it was assigned. */
  readonly since?: string;
}

export interface NodeJson {
  readonly node_id: string;
  readonly module: string;
  readonly instance: string;
  readonly incarnation: number;
  readonly status: NodeStatus;
  readonly desired_status: DesiredStatus;
  readonly liveness: Liveness;
  readonly capacity: number;
  readonly running: readonly RunningJson[];
  readonly labels: Readonly<Record<string, string>>;
  /** From its last heartbeat: cores in use, resident memory. */
  readonly load?: { readonly cpu: number; readonly memory_bytes: number; readonly executing?: number } | null;
  readonly version: string;
  readonly last_seen_at: string | null;
  readonly error: ErrorJson | null;
  /** A condition that needs attention. */
  readonly warning?: WarningJson | null;
}

/** A condition of a node that needs attention. */
export interface WarningJson {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly since?: string;
}
