/** What has become of an iteration of a campaign. */
import { holds } from '../../base/expression/expression.js';
import { parseExpression } from '../../base/expression/parse-expression.js';
import type { CampaignSpec, Judgement } from '../../model/campaign.js';
import { candidateOf } from '../queries/candidates.js';
import { compileSearch } from '../queries/filter/compile.js';
import { ITERATION_FIELDS, readField } from '../queries/filter/fields.js';
import { isRefusal } from '../queries/pages.js';
import { fieldReads, Payloads } from '../queries/payloads.js';
import type { ProblemRow } from '../tables/problem-row.js';
import type { TaskRow } from '../tables/task-row.js';
import type { CampaignLookUpDeps } from './inputs.js';

export async function judge(
  { store, state }: CampaignLookUpDeps,
  { until: filter, objective, graph, graphVersion }: CampaignSpec,
  problem: ProblemRow,
  row: TaskRow,
): Promise<Judgement> {
  const modules = new Set(state.graph(graph, graphVersion)!.compiled.index.keys());
  const words = { stored: ITERATION_FIELDS, modules };
  const query = { ...(filter !== undefined && { filter }), ...(objective && { fields: objective.field }) };
  const search = compileSearch(query, words, parseExpression);
  if (isRefusal(search)) throw new Error(search.message);
  const candidate = candidateOf(problem, row);
  const read = fieldReads(new Payloads(state), store);
  const look = (name: string): Promise<unknown> =>
    readField(search.fields.get(name)!, candidate, read, false);
  const value = objective && (await look(objective.field));
  const { state: end, error } = row;
  return {
    state: end as Judgement['state'],
    ...(typeof value === 'number' && Number.isFinite(value) && { value }),
    holds: search.filter !== undefined && (await holds(search.filter, look)),
    ...(error && {
      message: error.module === undefined ? error.message : `${error.module}: ${error.message}`,
    }),
  };
}
