/** Questions with a filter, an order or fields, made ready for the search. */
import type { Page, PageRequest, ProblemFilter, Refusal, SearchQuery, View } from '../port.js';
import { projectOfRow } from '../tables/row.js';
import { compileSearch } from './filter/compile.js';
import { ITERATION_FIELDS, PROBLEM_FIELDS } from './filter/fields.js';
import { listIterations } from './iterations.js';
import { type Moment, problemOf } from './moment.js';
import { isRefusal } from './pages.js';
import { fieldReads } from './payloads.js';
import { listProblems, markOf, problemAcceptor } from './problems.js';
import { type Scope, type SearchDeps, search } from './search.js';
import { iterationView, marksView, problemView } from './views.js';

export function isSearch({ filter, order_by, fields }: SearchQuery): boolean {
  return filter !== undefined || order_by !== undefined || fields !== undefined;
}

export async function problemsFound(
  moment: Moment,
  filter: ProblemFilter,
  page: PageRequest,
): Promise<Page<View> | Refusal> {
  if (!isSearch(filter)) return listProblems(moment, filter, page);
  const accepts = problemAcceptor(moment.reader, filter);
  if (isRefusal(accepts)) return accepts;
  return found(moment, { kind: 'problems' }, filter, page, {
    accepts,
    state: filter.state,
    mark: markOf(filter),
  });
}

/** Of one problem: by their number, unless the query says otherwise. */
export async function iterationsFound(
  moment: Moment,
  problemId: string,
  page: PageRequest,
  query: SearchQuery = {},
): Promise<Page<View> | Refusal> {
  if (!isSearch(query)) return listIterations(moment, problemId, page);
  const problem = await problemOf(moment, problemId);
  return isRefusal(problem) ? problem : found(moment, { kind: 'problem', problem }, query, page);
}

/** Of all problems: those of the newest problem first, and of each the newest first. */
export function searchIterations(
  moment: Moment,
  query: SearchQuery,
  page: PageRequest,
): Promise<Page<View> | Refusal> {
  return found(moment, { kind: 'iterations' }, query, page);
}

/** One page of what a query finds. */
async function found(
  { reader, graphs, payloads, slices, parseFilter }: Moment,
  scope: Scope,
  query: SearchQuery,
  page: PageRequest,
  more: Partial<Pick<SearchDeps, 'accepts' | 'state' | 'mark'>> = {},
): Promise<Page<View> | Refusal> {
  const ofProblems = scope.kind === 'problems';
  const modules = await graphs.moduleNames();
  const stored = ofProblems ? PROBLEM_FIELDS : ITERATION_FIELDS;
  const compiled = compileSearch(query, { stored, modules }, parseFilter);
  if (isRefusal(compiled)) return compiled;
  const deps: SearchDeps = {
    reader,
    slices,
    ...fieldReads(payloads, reader),
    covers: (field, graph) => graphs.cover(field, graph),
    view: (summary) =>
      ofProblems
        ? problemView(summary)
        : {
            ...iterationView(summary),
            ...{ project: projectOfRow(summary), title: summary.title },
            ...marksView(summary),
          },
    accepts: () => true,
    ...more,
  };
  return search(deps, scope, compiled, page);
}
