/** Whether a filter holds for one problem, by its newest iteration, as `GET /v1/problems` has it. */
import { holds } from '../../base/expression/expression.js';
import type { Refusal, View } from '../port.js';
import { problemIds } from '../tables/tables.js';
import { readCandidate } from './candidates.js';
import { compileSearch } from './filter/compile.js';
import { PROBLEM_FIELDS, readField } from './filter/fields.js';
import type { Moment } from './moment.js';
import { isRefusal } from './pages.js';
import { fieldReads } from './payloads.js';

/** A problem that was removed fits nothing. Without one, the filter is only checked. */
export async function problemFits(
  { reader, graphs, payloads, parseFilter }: Moment,
  filter: string,
  problemId?: string,
): Promise<View | Refusal> {
  const modules = await graphs.moduleNames();
  const compiled = compileSearch({ filter }, { stored: PROBLEM_FIELDS, modules }, parseFilter);
  if (isRefusal(compiled)) return compiled;
  const seq = problemId === undefined ? undefined : await problemIds.get(reader, [problemId]);
  const candidate = seq === undefined ? undefined : await readCandidate(reader, seq);
  if (!candidate) return { fits: false };
  const read = fieldReads(payloads, reader);
  const fits = await holds(compiled.filter!, (name) =>
    readField(compiled.fields.get(name)!, candidate, read, false),
  );
  return { fits };
}
