/** The fields that a search of iterations shows where nobody has chosen any, as the page does. */

import type { TaskAnswerJson } from '../../contract/iteration.js';
import { columnNames, lookedAt, MOST_GRAPHS, SAMPLE, varyingColumns } from '../../model/columns.js';
import type { Client, Json } from '../client.js';
import { taskPath } from './task.js';

interface Found {
  readonly items: readonly (Json & { readonly fields?: Json })[];
}

type Search = Readonly<Record<string, string | undefined>>;

/** Of what the search finds first. `path`: the iterations of all problems, or of one. */
export async function varyingFields(client: Client, path: string, search: Search): Promise<string[]> {
  const first = (await client.get<Found>(path, { ...search, limit: SAMPLE })).value.items;
  const examples = new Map<unknown, Json>();
  // The newest that has succeeded has an output of each module; any other has some.
  for (const one of [...first.filter(({ state }) => state === 'succeeded'), ...first])
    if (!examples.has(one.graph)) examples.set(one.graph, one);
  const names: string[] = [];
  for (const { problem_id: problemId, iteration_id: iterationId } of [...examples.values()].slice(
    0,
    MOST_GRAPHS,
  )) {
    const task = { problemId: String(problemId), iterationId: Number(iterationId) };
    names.push(...columnNames((await client.get<TaskAnswerJson>(taskPath(task))).value));
  }
  const asked = lookedAt(names);
  if (asked.length === 0) return [];
  const { value } = await client.get<Found>(path, { ...search, fields: asked.join(','), limit: SAMPLE });
  return varyingColumns(value.items, asked);
}
