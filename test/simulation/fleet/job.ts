/** What an agent holds: an execution of a run module, with its process. */
import type { Assign, ExecutionReport } from '../../../src/model/protocol.js';
import type { NodeProcess } from '../node.js';

/** `waiting`: its command has not begun. `dropped`: the orchestrator does not want it; it ends. */
export type JobPhase = 'waiting' | 'running' | 'stopping' | 'dropped' | 'published' | 'reported';

/** One execution of a run module, and its process. */
export interface Job {
  readonly executionId: string;
  readonly lease: string;
  readonly taskId: Assign['taskId'];
  /** A replica; of an operation of a deployment, the module. */
  readonly replica: string;
  readonly isStep: boolean;
  /** Of a replica that is a node. */
  readonly module: string | undefined;
  phase: JobPhase;
  hasBegun: boolean;
  /** Whether its process is there. */
  isAlive: boolean;
  /** How it ended by itself; the agent takes it in when it next looks. */
  exit: 'completed' | 'failed' | undefined;
  node: NodeProcess | undefined;
}

/** What a hello says of it. */
export function heldState(
  phase: Job['phase'],
  exit: Job['exit'],
): 'ACCEPTED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' {
  switch (phase) {
    case 'waiting':
      return 'ACCEPTED';
    case 'running':
    case 'stopping':
      return 'RUNNING';
    case 'published':
      return 'SUCCEEDED';
    case 'dropped':
      return 'CANCELLED';
    case 'reported':
      return exit === 'failed' ? 'FAILED' : 'CANCELLED';
    default:
      return phase satisfies never;
  }
}

export function reportOf({ executionId, lease }: Job, state: ExecutionReport['state']): ExecutionReport {
  return { kind: 'execution_report', executionId, lease, state, lastSeq: 0, progress: 0, message: '' };
}
