/**
 * A lifecycle command to a node, or to the executions of a task.
 *
 * Those of users are stored. Those of the orchestrator (START after a welcome, the stop of an execution that timed out) belong to this process
 * only: they follow again from the state after a restart.
 */
import type { NodeCmd } from './node.js';
import type { ReportedError } from './protocol.js';
import type { TaskId } from './task-id.js';
import type { TaskCmd } from './task-state.js';

export type CommandState = 'pending' | 'acked' | 'refused' | 'expired';

export interface CommandPart {
  readonly nodeId: string;
  /** By its id: a command may outlive the task. */
  readonly executionId: string | undefined;
  /** The node had not accepted the execution: its assignment may arrive yet, before the command does. */
  readonly overtakes: boolean;
  readonly ackedAt: number | undefined;
  readonly stoppedAt: number | undefined;
  readonly error: ReportedError | undefined;
}

export type CommandTarget =
  | { readonly kind: 'node'; readonly nodeId: string; readonly cmd: NodeCmd }
  | {
      readonly kind: 'task';
      readonly taskId: TaskId;
      readonly project: string;
      readonly module: string | undefined;
      readonly cmd: TaskCmd;
    };

export interface Command {
  readonly commandId: string;
  readonly by: 'user' | 'orchestrator';
  readonly target: CommandTarget;
  readonly reason: string;
  readonly graceMs: number;
  readonly issuedAt: number;
  readonly deadlineMs: number;
  readonly parts: readonly CommandPart[];
  readonly state: CommandState;
}

const TRANSITIONS: Readonly<Record<CommandState, readonly CommandState[]>> = {
  pending: ['acked', 'refused', 'expired'],
  acked: [],
  refused: [],
  expired: [],
};

/** Whether a command may go from one state to the other in one step. */
export function commandMayBecome(from: CommandState, to: CommandState): boolean {
  return TRANSITIONS[from].includes(to);
}
