/**
 * Events into a page of the list of problems. A list may be long and busy: a batch of events is gathered first, and the page is gone
 * through once.
 */

import type { EventJson } from '../../../../src/contract/event.js';
import type { ProblemChangeJson, ProblemJson } from '../../../../src/contract/problem.js';
import type { TaskState } from '../../../../src/model/task-state.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { remarksIn, taskStateOf, text } from './event-fields.js';
import type { ListFilter } from './selection.js';
import { NONE_STANDS, reduceStandings, withStandings } from './task-reducer.js';
import type { ProblemsView, Reduced } from './views.js';

/** A first page that has grown beyond this is read again, short, so that a page left open for days holds no more. */
export const HEAD_LIMIT = 1000;

export function reduceProblems(view: ProblemsView, events: readonly EventJson[]): Reduced<ProblemsView> {
  const created: EventJson[] = [];
  const said = new Map<string, ProblemChangeJson>();
  const told = new Map<string, EventJson[]>();
  for (const event of events) {
    const id = event.problem_id;
    if (id === undefined) continue;
    if (event.type === 'problem.created') created.push(event);
    if (event.type === 'problem.changed') said.set(id, { ...said.get(id), ...remarksIn(event) });
    if (tellsOfItsTasks(event)) {
      const earlierOnes = told.get(id);
      if (earlierOnes) earlierOnes.push(event);
      else told.set(id, [event]);
    }
  }
  if (created.length === 0 && said.size === 0 && told.size === 0) return { view, complete: true };

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
    .map((problem) => {
      const followed = followTasks(problem, told.get(problem.problem_id));
      complete &&= followed.complete;
      return followed.problem;
    })
    .filter(({ state }) => view.filter.state === undefined || state === view.filter.state);
  const isSame = items === view.items && changed.every((problem, index) => problem === items[index]);
  if (view.isHead && view.filter.state !== undefined) {
    // One that comes into the state that is asked for may have any place in the list.
    for (const problem of items) told.delete(problem.problem_id);
    complete &&= ![...told.values()].some((own) => lastStateIn(own) === view.filter.state);
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

/** Lines of a log are most of what is told, and say nothing about how a task stands. */
function tellsOfItsTasks(event: EventJson): boolean {
  return taskStateOf(event) !== undefined || (event.module !== undefined && event.type !== 'execution.log');
}

function lastStateIn(events: readonly EventJson[]): TaskState | undefined {
  return events.map(taskStateOf).findLast((state) => state !== undefined);
}

function followTasks(
  problem: ProblemJson,
  events: readonly EventJson[] = [],
): { readonly problem: ProblemJson; readonly complete: boolean } {
  let complete = true;
  let followed = problem;
  for (const event of events) {
    const reduced = followNewest(followed, event);
    followed = reduced.problem;
    complete &&= reduced.complete;
  }
  return { problem: followed, complete };
}

/** A problem in a list shows its newest iteration: an older one's events change nothing, and a newer one's first event begins anew. */
function followNewest(
  problem: ProblemJson,
  event: EventJson,
): { readonly problem: ProblemJson; readonly complete: boolean } {
  const { standing: known = NONE_STANDS, state: before, newest_iteration_id: newest } = problem;
  const iteration = event.iteration_id ?? newest;
  const state = taskStateOf(event);
  if (iteration > newest && state !== undefined)
    return {
      problem: { ...withStandings(problem, NONE_STANDS), state, newest_iteration_id: iteration },
      complete: true,
    };
  if (iteration !== newest || (state === undefined && taskHasEnded(before)))
    return { problem, complete: true };
  const { standing, complete } = reduceStandings(known, event);
  const isSame = standing === known && (state ?? before) === before;
  return {
    problem: isSame ? problem : { ...withStandings(problem, standing), state: state ?? before },
    complete,
  };
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
