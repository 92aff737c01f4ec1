/** Commands as they are stored. */
import type { Command } from '../../../model/command.js';
import { formatTaskId } from '../../../model/task-id.js';
import { type CommandRow, storedProject } from '../../tables/records.js';

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
