import { useQuery } from '@tanstack/react-query';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import { iterationsQuery, taskQuery } from '../api/queries.js';
import type { Selection } from '../state/selection.js';

/** The task that the task view shows, from what it has read; this reads nothing itself. */
export function useShownTask({ problem = '', iteration }: Selection): TaskJson | undefined {
  const iterations = useQuery({ ...iterationsQuery(problem), enabled: false });
  const shown = iteration ?? iterations.data?.view.items.at(-1)?.iteration_id ?? 0;
  return useQuery({ ...taskQuery(problem, shown), enabled: false }).data?.view.task;
}
