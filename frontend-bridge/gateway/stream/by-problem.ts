import type { StreamEvent } from '../../../src/orchestrator/port.js';

/** The events of a batch by their problem, in order; those that belong to none are in no group. */
export function groupByProblem(batch: readonly StreamEvent[]): Map<string, StreamEvent[]> {
  const groups = new Map<string, StreamEvent[]>();
  for (const event of batch) {
    if (event.problemId === undefined) continue;
    const group = groups.get(event.problemId);
    if (group === undefined) groups.set(event.problemId, [event]);
    else group.push(event);
  }
  return groups;
}
