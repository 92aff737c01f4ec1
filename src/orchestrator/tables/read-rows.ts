/** Single rows, each by the name that the rest of the code knows it by. */

import type { TaskId } from '../../model/task-id.js';
import type { Reader } from '../../store/store.js';
import type { ExecutionRow } from './execution-row.js';
import type { ProblemRow } from './problem-row.js';
import * as tables from './tables.js';
import type { TaskRow } from './task-row.js';

export async function readProblem(store: Reader, problemId: string): Promise<ProblemRow | undefined> {
  const seq = await store.get('problem_ids', [problemId]);
  return seq && readProblemAt(store, tables.problemIds.decode(seq));
}

export async function readProblemAt(store: Reader, createdSeq: number): Promise<ProblemRow | undefined> {
  return tables.problems.get(store, [createdSeq]);
}

export async function readTask(store: Reader, id: TaskId): Promise<TaskRow | undefined> {
  return tables.iterations.get(store, [id.problemId, id.iterationId]);
}

/** The execution of an item that is done. */
export async function findInItems(
  store: Reader,
  { problemId, iterationId }: TaskId,
  executionId: string,
): Promise<{ readonly module: string; readonly execution: ExecutionRow } | undefined> {
  const place = await tables.itemExecutions.get(store, [problemId, iterationId, executionId]);
  const row = place && (await tables.items.get(store, [problemId, iterationId, ...place]));
  const execution = row?.executions.find(({ execution_id }) => execution_id === executionId);
  return row && execution && { module: row.module, execution };
}
