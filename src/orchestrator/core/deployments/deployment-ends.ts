/** The consequences of an operation's end for its deployment. */
import type { Fact } from '../../../model/facts.js';
import type { Task } from '../../../model/task.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { Turn } from '../turn.js';

/** The fact that goes with this one, if it is the end of an operation. */
export function endOfOperation({ state, journal }: Turn, fact: Fact): Fact | undefined {
  switch (fact.type) {
    case 'iteration.succeeded':
    case 'iteration.failed':
    case 'iteration.cancelled':
    case 'iteration.aborted': {
      const { problem_id, iteration_id } = fact;
      const deployment = state.deployments.get(problem_id);
      const ended = journal.ended.get(formatTaskId({ problemId: problem_id, iterationId: iteration_id }));
      if (deployment?.operationId !== iteration_id || !ended) return undefined;
      const about = {
        problem_id,
        iteration_id,
        deployment: deployment.name,
        operation: deployment.operation,
      };
      return fact.type === 'iteration.succeeded'
        ? { type: 'deployment.succeeded', ...about }
        : { type: 'deployment.failed', ...about, message: messageOf(ended.task) };
    }
    default:
      return undefined;
  }
}

/** Of what failed first; one that was cancelled says so and nothing else. */
function messageOf({ state, error }: Task): string {
  if (state !== 'failed' || !error) return 'cancelled';
  return error.module === undefined ? error.message : `${error.module}: ${error.message}`;
}
