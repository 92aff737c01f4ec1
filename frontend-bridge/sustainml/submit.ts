/** `POST /user_input`: a new problem, or a further iteration of one. */
import type { JsonText } from '../../src/base/json/json-text.js';
import type { View, Workspace } from '../../src/orchestrator/port.js';
import type { Chains } from './chains.js';
import { isOptimized, type Optimizations } from './optimizations.js';
import { Refused, refusedBy } from './refused.js';
import type { Known, Tasks } from './tasks.js';
import { readSubmission } from './user-input.js';
import { CLIENT, GRAPH, type TaskName } from './words.js';

export interface SubmitDeps {
  readonly coordinator: Pick<Workspace, 'request' | 'queries'>;
  readonly tasks: Tasks;
  readonly chains: Chains;
  readonly optimizations: Optimizations;
}

/** Throws `Refused`. */
export async function submit(
  deps: SubmitDeps,
  body: { readonly json: JsonText; readonly fields: View },
): Promise<TaskName> {
  const { coordinator, tasks, chains, optimizations } = deps;
  const { input, title, parent } = readSubmission(body);
  if (isOptimized(input) && !parent)
    return (await tasks.submitted(await optimizations.begin(input, title), 1)).name;
  const request = parent
    ? ({ kind: 'iterate', ...(await parentOf(deps, parent)), input, client: CLIENT } as const)
    : ({ kind: 'submit', graph: GRAPH, input, title, client: CLIENT } as const);
  const answer = await coordinator.request(request);
  if (!answer.ok) throw refusedBy(answer);
  const task = await tasks.submitted(String(answer.body.problem_id), Number(answer.body.iteration_id));
  chains.follow(task);
  return task.name;
}

interface Parent {
  readonly problemId: string;
  readonly parentIterationId: number;
  readonly reuse?: readonly string[];
}

/** An iteration may follow on one that has failed, too: then none of its outputs is taken over. */
async function parentOf({ coordinator, tasks }: SubmitDeps, name: TaskName): Promise<Parent> {
  const parent: Known | undefined = await tasks.find(name);
  if (!parent) {
    const message = `There is no iteration ${name.iteration_id} of a problem ${name.problem_id}.`;
    throw new Refused(404, 'unknown_task', message);
  }
  const { problemId, iterationId } = parent.id;
  const found = await coordinator.queries.iteration(parent.id);
  const hasSucceeded = !('ok' in found) && found.value.state === 'succeeded';
  return { problemId, parentIterationId: iterationId, ...(!hasSucceeded && { reuse: [] }) };
}
