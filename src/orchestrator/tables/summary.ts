/**
 * Summaries: what lists show of an iteration and its problem, in one row.
 *
 * They stand as values in the indexes of what has ended (`problems_by_state`, `iteration_index`), so that a page in the order of an index
 * is read from there alone, however large the store: the rows that it stands for lie anywhere on the disk. What has ended never changes,
 * so neither does its summary. What people say about a problem does: of one that was changed, `problem_marks`, a small table, knows better.
 */

import { moduleState } from '../../model/module-state.js';
import type { Problem } from '../../model/problem.js';
import type { Task } from '../../model/task.js';
import { type Standing, standingOf } from '../../model/waiting.js';
import { newestOf } from './module-row.js';
import { type MarksRow, marksRowOf, type ProblemRow, problemToRow } from './problem-row.js';
import { decodeRow } from './row.js';
import { type TaskRow, taskToRow } from './task-row.js';

/** The modules whose outputs an iteration has taken over from another. */
export function reusedModules({ modules }: TaskRow): string[] {
  return Object.keys(modules).filter((module) => modules[module]!.phase === 'reused');
}

/** An iteration by itself, without its modules and payloads. */
export interface IterationSummary
  extends Pick<
    TaskRow,
    | 'problem_id'
    | 'iteration_id'
    | 'graph'
    | 'graph_version'
    | 'parent_iteration_id'
    | 'client'
    | 'state'
    | 'created_at'
    | 'started_at'
    | 'finished_at'
    | 'reason'
    | 'error'
  > {
  /** The modules whose outputs it has taken over from another. @default none */
  readonly reused?: readonly string[];
  /** By module, the inputs that are not what the graph would give it. @default none */
  readonly overridden?: Readonly<Record<string, readonly string[]>>;
  /** Of one that is not over, by module: those at work, and those that wait for something from outside of the task. */
  readonly standing?: Readonly<Record<string, Standing>>;
}

/** An iteration and what its problem adds. */
export interface Summary extends IterationSummary, MarksRow {
  readonly priority: number;
  /** @default default */
  readonly project?: string;
  readonly problem_seq: number;
  readonly problem_created_at: number;
}

export function iterationSummary(row: TaskRow): IterationSummary {
  const { overrides = {} } = row;
  const reused = reusedModules(row);
  const overridden = Object.entries(overrides).map(([module, inputs]) => [module, Object.keys(inputs)]);
  return {
    problem_id: row.problem_id,
    iteration_id: row.iteration_id,
    graph: row.graph,
    graph_version: row.graph_version,
    ...(row.parent_iteration_id !== undefined && { parent_iteration_id: row.parent_iteration_id }),
    ...(row.client !== undefined && { client: row.client }),
    state: row.state,
    created_at: row.created_at,
    ...(row.started_at !== undefined && { started_at: row.started_at }),
    ...(row.finished_at !== undefined && { finished_at: row.finished_at }),
    ...(row.reason !== undefined && { reason: row.reason }),
    ...(row.error !== undefined && { error: row.error }),
    ...(reused.length > 0 && { reused }),
    ...(overridden.length > 0 && { overridden: Object.fromEntries(overridden) }),
    ...(row.finished_at === undefined && { standing: standings(row) }),
  };
}

function standings({ modules }: TaskRow): Record<string, Standing> {
  return Object.fromEntries(
    Object.entries(modules).flatMap(([name, row]) => {
      const { phase, waiting = null } = row;
      const newest = newestOf(row);
      const state = moduleState(phase, newest?.state, false);
      const standing = standingOf({ state, execution_id: newest?.execution_id ?? null, waiting });
      return standing ? [[name, standing]] : [];
    }),
  );
}

export function summaryOf(problem: ProblemRow, task: TaskRow): Summary {
  return {
    ...marksRowOf(problem),
    priority: problem.priority,
    ...(problem.project !== undefined && { project: problem.project }),
    problem_seq: problem.created_seq,
    problem_created_at: problem.created_at,
    ...iterationSummary(task),
  };
}

/** As it is now that its problem was changed. */
export function remarked(summary: Summary, marks: MarksRow): Summary {
  const {
    title: _,
    tags: __,
    starred: ___,
    archived: ____,
    changed_seq: _____,
    noted: ______,
    ...rest
  } = summary;
  return { ...rest, ...marks };
}

/** The same of what is in memory. */
export function summaryNow(problem: Problem, task: Task): Summary {
  return summaryOf(problemToRow(problem), taskToRow(task) as TaskRow);
}

/** The summary in an index entry; absent in entries that are older than summaries. */
export function decodeSummary(value: Uint8Array): Summary | undefined {
  return value.length === 0 ? undefined : decodeRow<Summary>(value);
}
