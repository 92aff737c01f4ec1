/** What a person may ask for. Each call carries the caller's idempotency key: sent again, it is still done once. */
import { postJson } from './http.js';
import { taskPath } from './queries.js';

export interface Created {
  readonly problem_id: string;
  readonly iteration_id: number;
}

export interface NewProblem {
  readonly graph: string;
  readonly input: unknown;
  readonly title?: string;
}

export function submitProblem(problem: NewProblem, key: string): Promise<Created> {
  return postJson('problems', problem, key);
}

export interface NewIteration {
  readonly input?: unknown;
  readonly parent_iteration_id?: number;
}

export function iterate(problemId: string, iteration: NewIteration, key: string): Promise<Created> {
  return postJson(`problems/${encodeURIComponent(problemId)}/iterations`, iteration, key);
}

export function stopTask(
  problemId: string,
  iterationId: number,
  key: string,
): Promise<{ command_id: string }> {
  return postJson(`${taskPath(problemId, iterationId)}/commands`, { command: 'stop' }, key);
}
