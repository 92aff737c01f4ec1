import type { Changes, DurableState } from '../../../model/durable.js';
import type { Problem } from '../../../model/problem.js';

/** One that is in memory, or that the batch in hand is about. */
export function problemIn(
  state: Pick<DurableState, 'problems'>,
  changed: Pick<Changes, 'problems'>,
  problemId: string,
): Problem | undefined {
  const problem = state.problems.get(problemId);
  if (problem) return problem;
  for (const one of changed.problems) if (one.problemId === problemId) return one;
  return undefined;
}
