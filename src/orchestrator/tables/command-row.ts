/** Commands as they are stored. */

import type { Command } from '../../model/command.js';
import type { ReportedError } from '../../model/protocol.js';
import { formatTaskId } from '../../model/task-id.js';
import { storedProject } from './row.js';

export interface CommandPartRow {
  readonly node_id: string;
  readonly execution_id?: string;
  readonly acked_at?: number;
  readonly stopped_at?: number;
  readonly error?: ReportedError;
}

export interface CommandRow {
  readonly command_id: string;
  readonly target: { readonly node_id?: string; readonly task_id?: string; readonly module?: string };
  /** Of the task. @default default */
  readonly project?: string;
  readonly command: string;
  readonly reason?: string;
  readonly issued_at: number;
  readonly state: 'pending' | 'acked' | 'refused' | 'expired';
  readonly parts: readonly CommandPartRow[];
}

export function commandToRow(command: Command): CommandRow {
  const { target } = command;
  const project = target.kind === 'task' ? storedProject(target.project) : undefined;
  return {
    command_id: command.commandId,
    target:
      target.kind === 'node'
        ? { node_id: target.nodeId }
        : {
            task_id: formatTaskId(target.taskId),
            ...(target.module !== undefined && { module: target.module }),
          },
    ...(project !== undefined && { project }),
    command: target.cmd.toLowerCase(),
    ...(command.reason !== '' && { reason: command.reason }),
    issued_at: command.issuedAt,
    state: command.state,
    parts: command.parts.map((part) => ({
      node_id: part.nodeId,
      ...(part.executionId !== undefined && { execution_id: part.executionId }),
      ...(part.ackedAt !== undefined && { acked_at: part.ackedAt }),
      ...(part.stoppedAt !== undefined && { stopped_at: part.stoppedAt }),
      ...(part.error && { error: part.error }),
    })),
  };
}
