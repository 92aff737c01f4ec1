/** A node as it is stored: what survives a restart of the orchestrator. */
import type { DesiredStatus, Liveness, NodeStatus } from './node.js';
import type { ReportedError } from './protocol.js';
import type { Execution } from './task.js';

export interface NodeRecord {
  readonly nodeId: string;
  readonly module: string;
  readonly instance: string;
  readonly bootId: string;
  /** Grows with each new boot of the instance. */
  readonly incarnation: number;
  readonly version: string;
  readonly capacity: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: NodeStatus;
  readonly error: ReportedError | undefined;
  readonly desired: DesiredStatus;
  readonly liveness: Liveness;
  /** Unix milliseconds: when it was last heard, as of the last fact about it. */
  readonly lastSeenAt: number;
  /** Placed on it and not ended: those that say so themselves. */
  readonly executions: ReadonlySet<Execution>;
}
