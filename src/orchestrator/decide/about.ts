/** The fields that identify an execution in its events. */
import { type Execution, moduleName } from '../../model/task.js';

export function aboutExecution(execution: Execution): {
  taskId: Execution['task']['id'];
  module: string;
  executionId: string;
  attempt: number;
  nodeId: string;
} {
  return {
    taskId: execution.task.id,
    module: moduleName(execution.task, execution.position),
    executionId: execution.id,
    attempt: execution.attempt,
    nodeId: execution.nodeId,
  };
}
