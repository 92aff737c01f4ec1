/** `POST /cancel`: what the body names, else everything unfinished that came through here, chains included. */
import { formatTaskId } from '../../src/model/task-id.js';
import type { View, Workspace } from '../../src/orchestrator/port.js';
import type { Chains } from './chains.js';
import type { Optimizations } from './optimizations.js';
import { bad, refusedBy } from './refused.js';
import { type Known, knownAs, readTaskName, type Tasks } from './tasks.js';

export interface CancelDeps {
  readonly coordinator: Pick<Workspace, 'request'>;
  readonly tasks: Tasks;
  readonly chains: Chains;
  readonly optimizations: Optimizations;
}

export async function cancel(deps: CancelDeps, body: View): Promise<{ status: number; body: View }> {
  const named =
    body.task_id ?? (body.problem_id === undefined && body.iteration_id === undefined ? undefined : body);
  const wanted = named === undefined ? await allOf(deps) : await namedBy(deps, named as View);
  const stopped: Known[] = [];
  for (const task of wanted) if (await stop(deps, task)) stopped.push(task);
  if (stopped.length > 0)
    return { status: 200, body: { status: 'cancelled', tasks: stopped.map(({ name }) => name) } };
  const error = named === undefined ? 'No task is running.' : 'No such task is running.';
  return { status: 404, body: { status: 'not_found', error } };
}

/** An iteration that a footprint has just made due is registered first, so that it is stopped, too. */
async function allOf({ tasks, chains }: CancelDeps): Promise<Known[]> {
  await chains.settled(await tasks.unfinished());
  return tasks.unfinished();
}

async function namedBy({ tasks }: CancelDeps, named: View): Promise<Known[]> {
  if (named.iteration_id === undefined) {
    const { problem_id } = readTaskName({ ...named, iteration_id: 0 })!;
    const problem = await tasks.problem(problem_id);
    const iterations = problem ? (problem.newest_iterations as readonly View[]) : [];
    return iterations.map(({ iteration_id }) => knownAs(problem!, Number(iteration_id)));
  }
  if (named.problem_id === undefined)
    throw bad('invalid_body', 'problem_id must say which problem is meant.');
  const task = await tasks.find(readTaskName(named)!);
  return task ? [task] : [];
}

/** Whether it was under way. A campaign ends with it, or it would begin another one. */
async function stop({ coordinator, tasks, optimizations }: CancelDeps, { id }: Known): Promise<boolean> {
  const answer = await coordinator.request({
    kind: 'task_command',
    taskId: id,
    command: 'stop',
    reason: 'stopped by the user',
  });
  if (answer.ok) {
    await optimizations.abort(id.problemId);
    return true;
  }
  switch (answer.code) {
    case 'task_stopping':
      return true;
    case 'task_ended':
    case 'unknown_task':
      tasks.ended(id);
      return false;
    default:
      throw Object.assign(refusedBy(answer), { task: formatTaskId(id) });
  }
}
