/** What somebody who is bound to a project is told of what is of another: that it is not there. */
import { maySee } from '../../../model/access.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { Refusal } from '../../port.js';
import { projectOfRow } from '../../records.js';
import { refusal } from '../answers.js';
import { projectOfProblem } from '../tasks/project.js';
import type { PreparedRequest, Turn } from '../turn.js';

/** Where a request is about the problem of another project. */
export function hiddenFrom(turn: Turn, bound: string, request: PreparedRequest): Refusal | undefined {
  switch (request.kind) {
    case 'iterate':
    case 'change_problem': {
      const { problemId } = request;
      if (maySee(bound, projectOfProblem(turn, problemId))) return undefined;
      return refusal('not_found', 'unknown_problem', `no problem ${problemId}`);
    }
    case 'task_command':
    case 'decide_approval': {
      const key = formatTaskId(request.taskId);
      const ended = turn.loaded.parents.get(key);
      const project = turn.state.tasks.get(key)?.project ?? (ended && projectOfRow(ended));
      return maySee(bound, project) ? undefined : refusal('not_found', 'unknown_task', `no task ${key}`);
    }
    case 'remove_webhook':
    case 'test_webhook': {
      const { name } = request;
      if (maySee(bound, turn.state.webhooks.get(name)?.project)) return undefined;
      return refusal('not_found', 'unknown_webhook', `no webhook ${name}`);
    }
    default:
      return undefined;
  }
}
