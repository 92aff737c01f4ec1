/**
 * Events into a page of the list of problems. A list may be long and busy: a batch of events is gathered first, and the page is gone
 * through once.
 */
import { taskHasEnded } from '../../../../src/model/task-state.js';
import type { EventJson, ProblemChangeJson, ProblemJson, TaskState } from '../api/shapes.js';
import { remarksIn, taskStateOf, text } from './event-fields.js';
import type { ListFilter } from './selection.js';
import { NONE_STANDS, reduceStandings } from './task-reducer.js';
import type { ProblemsView, Reduced } from './views.js';

/** A first page that has grown beyond this is read again, short, so that a page left open for days holds no more. */
export const HEAD_LIMIT = 1000;

interface Change {
  readonly state: TaskState;
  readonly iteration: number | undefined;
}

export function reduceProblems(view: ProblemsView, events: readonly EventJson[]): Reduced<ProblemsView> {
  const changes = new Map<string, Change>();
  const created: EventJson[] = [];
  const said = new Map<string, ProblemChangeJson>();
  const told = new Map<string, EventJson[]>();
  for (const event of events) {
    const id = event.problem_id;
    if (id === undefined) continue;
    if (event.type === 'problem.created') created.push(event);
    if (event.type === 'problem.changed') said.set(id, { ...said.get(id), ...remarksIn(event) });
    if (saysHowItStands(event)) {
      const earlierOnes = told.get(id);
      if (earlierOnes) earlierOnes.push(event);
      else told.set(id, [event]);
    }
    const state = taskStateOf(event);
    const earlier = changes.get(id)?.iteration ?? 0;
    if (state !== undefined && (event.iteration_id ?? earlier) >= earlier)
      changes.set(id, { state, iteration: event.iteration_id });
  }
  if (changes.size === 0 && created.length === 0 && said.size === 0 && told.size === 0)
    return { view, complete: true };

  let complete = true;
  const known = new Set<string>();
  let items: readonly ProblemJson[] = view.items;
  if (view.isHead && created.length > 0) {
    for (const problem of items) known.add(problem.problem_id);
    for (const event of created) {
      if (known.has(event.problem_id ?? '')) continue;
      const problem = readCreated(event);
      const verdict = belongs(view.filter, problem);
      complete &&= verdict !== 'perhaps' && problem.graph !== '';
      if (verdict === 'yes') items = [problem, ...items];
    }
  }
  const changed = items
    .map((problem) => withRemarks(problem, said.get(problem.problem_id)))
    .filter((problem) => said.get(problem.problem_id) === undefined || isMarkedAs(view.filter, problem))
    .flatMap((problem) => applyChange(problem, changes, view.filter.state))
    .map((problem) => {
      const stood = withStandings(problem, told.get(problem.problem_id));
      complete &&= stood.complete;
      return stood.problem;
    });
  const isSame = items === view.items && changed.every((problem, index) => problem === items[index]);
  if (view.isHead && view.filter.state !== undefined) {
    // One that comes into the state that is asked for may have any place in the list.
    for (const problem of items) changes.delete(problem.problem_id);
    complete &&= ![...changes.values()].some(({ state }) => state === view.filter.state);
  }
  if (view.isHead) {
    // So may one that is marked as it is asked for from now on: what else it is, is not said.
    for (const problem of items) said.delete(problem.problem_id);
    complete &&= ![...said.values()].some((change) => mayComeIn(view.filter, change));
  }
  complete &&= items.length <= HEAD_LIMIT || !view.isHead;
  if (isSame && changed.length === view.items.length) return { view, complete };
  return { view: { ...view, items: changed }, complete };
}

function applyChange(
  problem: ProblemJson,
  changes: ReadonlyMap<string, Change>,
  wanted: TaskState | undefined,
): ProblemJson[] {
  const change = changes.get(problem.problem_id);
  const newest = problem.newest_iteration_id;
  const iteration = change?.iteration ?? newest;
  if (change === undefined || iteration < newest) return [problem];
  if (wanted !== undefined && change.state !== wanted) return [];
  if (change.state === problem.state && iteration === newest) return [problem];
  const begunAnew = iteration !== newest || taskHasEnded(change.state);
  const standing = begunAnew ? NONE_STANDS : (problem.standing ?? NONE_STANDS);
  return [{ ...problem, state: change.state, standing, newest_iteration_id: iteration }];
}

/** Lines of a log are most of what is told, and say nothing about it. */
function saysHowItStands({ type, module }: EventJson): boolean {
  return module !== undefined && type !== 'execution.log';
}

function withStandings(
  problem: ProblemJson,
  events: readonly EventJson[] = [],
): { readonly problem: ProblemJson; readonly complete: boolean } {
  const { standing: known = NONE_STANDS, state, newest_iteration_id: newest } = problem;
  let standing = known;
  let complete = true;
  for (const event of taskHasEnded(state) ? [] : events) {
    if (event.iteration_id !== newest) continue;
    const reduced = reduceStandings(standing, event);
    standing = reduced.standing;
    complete &&= reduced.complete;
  }
  return { problem: standing === known ? problem : { ...problem, standing }, complete };
}

function withRemarks(problem: ProblemJson, change: ProblemChangeJson | undefined): ProblemJson {
  if (change === undefined) return problem;
  const { notes: _, ...shown } = change;
  return { ...problem, ...shown };
}

function isMarkedAs(
  { tag, starred, archived }: ListFilter,
  problem: Pick<ProblemJson, 'tags' | 'starred' | 'archived'>,
): boolean {
  return (
    (tag === undefined || problem.tags.includes(tag)) &&
    (starred === undefined || problem.starred) &&
    (archived !== undefined || !problem.archived)
  );
}

/** Whether a change is one by which a problem that is not in the list may come into it. */
function mayComeIn({ tag, starred, archived, q }: ListFilter, change: ProblemChangeJson): boolean {
  return (
    (tag !== undefined && (change.tags?.includes(tag) ?? false)) ||
    (starred !== undefined && change.starred === true) ||
    (archived === undefined && change.archived === false) ||
    (q !== undefined && (change.title ?? change.notes ?? change.tags) !== undefined)
  );
}

function readCreated(event: EventJson): ProblemJson {
  return {
    problem_id: event.problem_id ?? '',
    ...{ title: null, tags: [], starred: false, archived: false, ...shownIn(event) },
    graph: text(event, 'graph') ?? '',
    state: 'waiting',
    created_at: event.at,
    newest_iteration_id: event.iteration_id ?? 1,
  };
}

function shownIn(event: EventJson): Omit<ProblemChangeJson, 'notes'> {
  const { notes: _, ...shown } = remarksIn(event);
  return shown;
}

/** Whether a new problem is one of those that are asked for. */
function belongs(filter: ListFilter, problem: ProblemJson): 'yes' | 'no' | 'perhaps' {
  const at = Date.parse(problem.created_at);
  if (filter.state !== undefined && filter.state !== 'waiting') return 'no';
  if (!isMarkedAs(filter, problem)) return 'no';
  if (filter.graph !== undefined && problem.graph !== filter.graph) return 'no';
  if (filter.after !== undefined && at <= Date.parse(filter.after)) return 'no';
  if (filter.before !== undefined && at >= Date.parse(filter.before)) return 'no';
  if (filter.q === undefined || problem.title?.toLowerCase().includes(filter.q.toLowerCase())) return 'yes';
  // The server looks into the tags, the notes and the input's text too, of which the event does not carry all.
  return 'perhaps';
}
