/** The topics of the outputs and the events plane. All end in `/`, so that no module's or node's name is a prefix of another's. */
import { formatTaskId, type TaskId } from '../model/task-id.js';

/** The prefix that the orchestrator subscribes to on the outputs plane. */
export const OUTPUTS_PREFIX = 'output/';

export function outputTopic(module: string): string {
  return `${OUTPUTS_PREFIX}${module}/`;
}

/** The module that an output topic names; nothing when it is not of the form `output/<module>/`. */
export function parseOutputTopic(topic: string): string | undefined {
  return /^output\/([^/]+)\/$/.exec(topic)?.[1];
}

export function nodeTopic(nodeId: string): string {
  return `node/${nodeId}/`;
}

/** The topic of a problem as a whole: a prefix of the topics of all its tasks. */
export function problemTopic(problemId: string): string {
  return `task/${problemId}/`;
}

export function taskTopic(taskId: TaskId): string {
  return `task/${formatTaskId(taskId)}/`;
}
