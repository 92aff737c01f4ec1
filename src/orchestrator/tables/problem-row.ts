/** A problem in memory, and as a row. */

import type { Problem, Remarks } from '../../model/problem.js';
import { projectOfRow, storedProject } from './row.js';

export interface ProblemRow {
  readonly problem_id: string;
  readonly created_seq: number;
  readonly graph: string;
  /** @default default */
  readonly project?: string;
  readonly title: string;
  /** @default none */
  readonly tags?: readonly string[];
  /** @default none */
  readonly notes?: string;
  /** @default false */
  readonly starred?: boolean;
  /** @default false */
  readonly archived?: boolean;
  /** The newest `problem.changed`. @default none */
  readonly changed_seq?: number;
  readonly priority: number;
  readonly created_at: number;
  readonly newest_iteration_id: number;
}

/** The descriptive fields of a problem that lists show and compare. */
export interface MarksRow
  extends Pick<ProblemRow, 'title' | 'tags' | 'starred' | 'archived' | 'changed_seq'> {
  /** Its row has notes. */
  readonly noted?: boolean;
}

export function marksRowOf({ title, tags, starred, archived, changed_seq, notes }: ProblemRow): MarksRow {
  return {
    title,
    ...(tags && { tags }),
    ...(starred && { starred }),
    ...(archived && { archived }),
    ...(changed_seq !== undefined && { changed_seq }),
    ...(notes !== undefined && { noted: true }),
  };
}

/** As it stands in the store: the caller counts its unfinished iterations. */
export function problemFromRow(row: ProblemRow): Problem {
  return {
    problemId: row.problem_id,
    createdSeq: row.created_seq,
    changedSeq: row.changed_seq,
    graph: row.graph,
    project: projectOfRow(row),
    priority: row.priority,
    ...remarksOf(row),
    createdAt: row.created_at,
    newestIterationId: row.newest_iteration_id,
    unfinished: 0,
  };
}

/** Rows of before there was more than a title have nothing else. */
export function remarksOf(row: ProblemRow): Remarks {
  const { title, tags = [], notes = '', starred = false, archived = false } = row;
  return { title, tags, notes, starred, archived };
}

export function problemToRow(problem: Problem): ProblemRow {
  const { tags, notes, starred, archived, changedSeq } = problem;
  const project = storedProject(problem.project);
  return {
    problem_id: problem.problemId,
    created_seq: problem.createdSeq,
    graph: problem.graph,
    ...(project !== undefined && { project }),
    title: problem.title,
    ...(tags.length > 0 && { tags }),
    ...(notes !== '' && { notes }),
    ...(starred && { starred }),
    ...(archived && { archived }),
    ...(changedSeq !== undefined && { changed_seq: changedSeq }),
    priority: problem.priority,
    created_at: problem.createdAt,
    newest_iteration_id: problem.newestIterationId,
  };
}
