/**
 * Old iterations of graphs that say how many, or which, are to be kept.
 *
 * 1. Nothing goes that another iteration which stays was made from: a parent's outputs, those that it reuses, an inherited input. What was made from
 *    others goes before them.
 * 2. A problem goes with its newest iteration, and that one last: iteration ids are never given out again.
 * 3. A problem that has begun to go as a whole goes on, also after a restart: it is no longer found by its id.
 * 4. Unfinished tasks, and what they refer to, are never touched.
 */

import type { IndexEntry } from '../../model/facts.js';
import type { Retention as Policy } from '../../model/graph.js';
import { taskHasEnded } from '../../model/task-state.js';
import { entriesOf } from '../../store/pages.js';
import type { State } from '../core/state.js';
import { indexEntriesOf } from '../indexes.js';
import { Payloads } from '../queries/payloads.js';
import { everIndexed } from '../tables/declared-indexes.js';
import type { ProblemRow } from '../tables/problem-row.js';
import * as tables from '../tables/tables.js';
import { refsOf } from '../tables/task-payloads.js';
import type { TaskRow } from '../tables/task-row.js';
import { type Pass, remove } from './pass.js';

/** How many iterations, and how many problems, are gone. */
export interface Gone {
  readonly iterations: number;
  readonly problems: number;
}

/** From the newest problem on: those that came first go first. */
export async function forgetIterations(
  pass: Pass,
  graphs: Pick<State, 'graph' | 'graphs'>,
  graph: string,
  policy: Policy,
): Promise<Gone> {
  let iterations = 0;
  let problems = 0;
  let counted = 0;
  for await (const { value } of entriesOf(pass.store, 'problems', { reverse: true })) {
    if (pass.signal.aborted) break;
    const problem = tables.problems.decode(value);
    if (problem.graph !== graph) continue;
    const { problem_id } = problem;
    const rows = (await pass.store.range('iterations', { prefix: [problem_id], reverse: true })).map(
      ({ value }) => tables.iterations.decode(value),
    );
    const before = counted;
    counted += rows.length;
    const isHidden = (await pass.store.get('problem_ids', [problem_id])) === undefined;
    const old = isHidden ? [...rows] : removable(rows, policy, before, pass.wallMs());
    const isWhole = old.length === rows.length;
    // It stands for the problem as long as there is any other.
    if (isWhole) old.push(...old.splice(0, 1));
    for (const row of old) {
      const { last } = await forgetIteration(pass, graphs, { problem, row, isWhole });
      if (last !== 'done') break;
      iterations += 1;
      if (row === rows[0]) problems += 1;
    }
  }
  return { iterations, problems };
}

/** Of a problem's iterations, the newest first: those that may go, in the same order. */
function removable(rows: readonly TaskRow[], policy: Policy, before: number, nowMs: number): TaskRow[] {
  const { maxAgeMs, maxIterations, keepLast } = policy;
  const isWanted = (row: TaskRow, index: number): boolean => {
    if (!taskHasEnded(row.state) || index < keepLast) return true;
    const isOld = maxAgeMs !== undefined && nowMs - (row.finished_at ?? row.created_at) > maxAgeMs;
    const isTooMany = maxIterations !== undefined && before + index >= maxIterations;
    return !isOld && !isTooMany;
  };
  const kept = new Set<number>();
  const reach = (row: TaskRow): void => {
    if (kept.has(row.iteration_id)) return;
    kept.add(row.iteration_id);
    const refs = refsOf(row).map(({ iteration_id }) => iteration_id);
    for (const other of rows) if (refs.includes(other.iteration_id)) reach(other);
  };
  rows.forEach((row, index) => {
    if (isWanted(row, index)) reach(row);
  });
  // The newest stands for the problem: it stays as long as any other does.
  if (kept.size > 0 && rows[0]) reach(rows[0]);
  return rows.filter((row) => !kept.has(row.iteration_id));
}

async function forgetIteration(
  pass: Pass,
  graphs: Pick<State, 'graph' | 'graphs'>,
  {
    problem,
    row,
    isWhole,
  }: { readonly problem: ProblemRow; readonly row: TaskRow; readonly isWhole: boolean },
): ReturnType<typeof remove> {
  const fields = everIndexed(graphs.graphs.get(row.graph));
  // An index that was declared later has it, too, and only the outputs tell where.
  const later = await indexEntriesOf(pass.store, new Payloads(graphs), row, fields);
  return remove(pass, {
    kind: 'remove iteration',
    task: { problemId: row.problem_id, iterationId: row.iteration_id },
    problemSeq: problem.created_seq,
    isWhole,
    newest: problem.newest_iteration_id,
    fields,
    index: distinct([...notedIn(row), ...later]),
  });
}

/** Where an iteration stands in the indexes, as far as its own row knows. */
function notedIn({ modules }: TaskRow): IndexEntry[] {
  const noted = Object.values(modules).flatMap(({ executions, indexed }) => [
    indexed,
    ...executions.map((execution) => execution.indexed),
  ]);
  return noted.flatMap((indexed = {}) => Object.entries(indexed));
}

function distinct(entries: readonly IndexEntry[]): IndexEntry[] {
  return [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
}
