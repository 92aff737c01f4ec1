/** The unfinished tasks of a state that was recovered, as `WorkInView` holds them. */

import { hasEnded } from '../../model/execution.js';
import { shownGraph } from '../../model/private-graph.js';
import type { Execution, Task } from '../../model/task.js';
import { awaitedApproval, moduleName } from '../../model/task.js';
import { UNFINISHED_STATES, type WorkExecution, type WorkTask } from './work-in-view.js';

/** `now`: what waits for a slot is said to have waited since then, since nothing is stored about it. */
export function* recoveredWork(tasks: Iterable<Task>, now: number): Generator<WorkTask> {
  for (const task of tasks) {
    const state = UNFINISHED_STATES.find((unfinished) => unfinished === task.state);
    if (state === undefined) continue;
    const waiting = new Map<string, number>();
    const executions = new Map<string, WorkExecution>();
    const approvals = new Set<string>();
    for (const [position, run] of task.runs.entries()) {
      if (run === undefined) continue;
      const { phase } = run;
      if (awaitedApproval(phase)) approvals.add(moduleName(task, position));
      else if (phase.kind === 'waiting' && phase.reason !== undefined && !phase.retry)
        waiting.set(moduleName(task, position), now);
      for (const execution of run.executions)
        if (!hasEnded(execution.observed)) executions.set(execution.id, workExecution(task, execution));
    }
    const { id, project, traceparent, createdAt: submittedAt } = task;
    const graph = shownGraph(task.graph.key.name);
    yield { id, graph, project, traceparent, submittedAt, state, ...held(waiting, executions, approvals) };
  }
}

/** W2: no empty maps. */
function held(
  waiting: Map<string, number>,
  executions: Map<string, WorkExecution>,
  approvals: Set<string>,
): Pick<WorkTask, 'waiting' | 'executions' | 'approvals'> {
  return {
    waiting: waiting.size > 0 ? waiting : undefined,
    executions: executions.size > 0 ? executions : undefined,
    approvals: approvals.size > 0 ? approvals : undefined,
  };
}

function workExecution(task: Task, execution: Execution): WorkExecution {
  const { id, attempt, nodeId, assignedAt, startedAt } = execution;
  const module = moduleName(task, execution.position);
  return { id, module, attempt, nodeId, assignedAt, queuedAt: assignedAt, startedAt };
}
