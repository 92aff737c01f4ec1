/** A problem in memory, and as a row. */
import type { Problem } from '../../model/problem.js';
import type { ProblemRow } from '../records.js';

/** As it stands in the store: whoever finds unfinished iterations of it counts them. */
export function problemFromRow(row: ProblemRow): Problem {
  return {
    problemId: row.problem_id,
    createdSeq: row.created_seq,
    graph: row.graph,
    priority: row.priority,
    title: row.title,
    createdAt: row.created_at,
    newestIterationId: row.newest_iteration_id,
    unfinished: 0,
  };
}

export function problemToRow(problem: Problem): ProblemRow {
  return {
    problem_id: problem.problemId,
    created_seq: problem.createdSeq,
    graph: problem.graph,
    title: problem.title,
    priority: problem.priority,
    created_at: problem.createdAt,
    newest_iteration_id: problem.newestIterationId,
  };
}
