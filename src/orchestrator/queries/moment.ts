/** One moment of the store, and what every question needs to look at it. */

import type { ExpressionParser } from '../../base/expression/grammar.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';
import type { Refusal } from '../port.js';
import type { ProjectReader } from '../projects/reader.js';
import { refusal } from '../refusal.js';
import type { ProblemRow } from '../tables/problem-row.js';
import { iterations, problemIds, problems } from '../tables/tables.js';
import type { TaskRow } from '../tables/task-row.js';
import type { GraphsThen } from './graph-versions.js';
import { Payloads } from './payloads.js';
import type { Slices } from './slices.js';

export interface Moment {
  /** Has nothing but what the asker may see. */
  readonly reader: ProjectReader;
  readonly graphs: GraphsThen;
  readonly payloads: Payloads;
  readonly slices: Slices;
  readonly parseFilter: ExpressionParser;
}

export type MomentDeps = Omit<Moment, 'payloads'>;

export function momentOf(deps: MomentDeps): Moment {
  return { ...deps, payloads: new Payloads(deps.graphs) };
}

export function notFound(code: string, message: string): Refusal {
  return refusal('not_found', code, message);
}

export async function taskOf({ reader }: Moment, id: TaskId): Promise<TaskRow | Refusal> {
  const row = await iterations.get(reader, [id.problemId, id.iterationId]);
  return row ?? notFound('unknown_iteration', `no iteration ${formatTaskId(id)}`);
}

export async function problemOf({ reader }: Moment, problemId: string): Promise<ProblemRow | Refusal> {
  const seq = await problemIds.get(reader, [problemId]);
  const row = seq === undefined ? undefined : await problems.get(reader, [seq]);
  return row ?? notFound('unknown_problem', `no problem ${problemId}`);
}
