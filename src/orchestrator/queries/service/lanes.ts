/** Which questions may look at very many rows. */
import type { PageRequest, ProblemFilter, SearchQuery } from '../../port.js';
import { isSearch } from '../searches.js';
import type { LaneName } from './lane.js';
import type { Question } from './messages.js';

export function laneOf({ name, args }: Pick<Question, 'name' | 'args'>): LaneName {
  switch (name) {
    case 'jobs':
    case 'problems':
      return passesOver(args[0] as ProblemFilter) ? 'long' : 'short';
    case 'iterations': {
      const [, , query = {}] = args as [string, PageRequest, SearchQuery?];
      return isSearch(query) ? 'long' : 'short';
    }
    case 'audit':
    case 'searchIterations':
    case 'diff':
    case 'exportOf':
      return 'long';
    default:
      return 'short';
  }
}

/** Whether a list leaves out problems that it has to look at. A state has an index. */
function passesOver(filter: ProblemFilter): boolean {
  const { graph, q, created_after, created_before } = filter;
  return isSearch(filter) || [graph, q, created_after, created_before].some((one) => one !== undefined);
}
