/** Modules that wait for a person's decision, each with what the person needs for it: read from a table that has nothing else. */

import { printJson } from '../../base/json/json-text.js';
import type { Open } from '../../contract/answer.js';
import type { ApprovalJson } from '../../contract/iteration.js';
import { DEFAULT_PROJECT } from '../../model/access.js';
import { formatTaskId } from '../../model/task-id.js';
import type { Waiting } from '../../model/waiting.js';
import type { Key } from '../../store/store.js';
import type { ApprovalsWanted, Page, Refusal } from '../port.js';
import { approvals, iterations, problems } from '../tables/tables.js';
import type { Moment } from './moment.js';
import { badCursor, isRefusal, limitOf, MAX_PAGE_CHARACTERS, readCursor, writeCursor } from './pages.js';

/** A larger value is left out: a person reads it where the task is. */
const MAX_INPUT_CHARACTERS = 16 * 1024;
const KEY_PARTS = 4;

/** Those of the oldest problem first. */
export async function listApprovals(
  moment: Moment,
  wanted: ApprovalsWanted,
): Promise<Page<Open<ApprovalJson>> | Refusal> {
  const after = readCursor(wanted.cursor);
  if (isRefusal(after)) return after;
  if (after && after.length !== KEY_PARTS) return badCursor(wanted.cursor!);
  const limit = limitOf(wanted);
  const walk = { prefix: [], ...(after && { after }), page: limit + 1 };
  const items: Open<ApprovalJson>[] = [];
  let last: Key = [];
  let characters = 0;
  for await (const key of approvals.walkKeys(moment.reader, walk)) {
    if (items.length === limit || characters > MAX_PAGE_CHARACTERS)
      return { items, next_cursor: writeCursor(last) };
    await moment.slices.rest();
    const item = await approvalOf(moment, key);
    if (wanted.role !== undefined && item.view.role !== wanted.role) continue;
    items.push(item.view);
    characters += item.characters;
    last = key;
  }
  return { items, next_cursor: null };
}

async function approvalOf(
  { reader, payloads }: Moment,
  [seq, problem, iteration, name]: Key,
): Promise<{ readonly view: Open<ApprovalJson>; readonly characters: number }> {
  const id = { problemId: String(problem), iterationId: Number(iteration) };
  const module = String(name);
  // One snapshot has the key and what it stands for.
  const row = (await iterations.get(reader, [id.problemId, id.iterationId]))!;
  const { title, tags = [], project = DEFAULT_PROJECT } = (await problems.get(reader, [Number(seq)]))!;
  const inputs: Record<string, unknown> = {};
  const leftOut: string[] = [];
  let characters = 0;
  for (const [input, value] of await payloads.moduleInputs(reader, row, module)) {
    const size = printJson(value).length;
    if (size > MAX_INPUT_CHARACTERS) leftOut.push(input);
    else {
      inputs[input] = value;
      characters += size;
    }
  }
  const { role, message, requested_at } = row.modules[module]!.waiting as Extract<
    Waiting,
    { code: 'approval' }
  >;
  const view = {
    ...{ task_id: formatTaskId(id), problem_id: id.problemId, iteration_id: id.iterationId, module },
    ...{ graph: row.graph, graph_version: row.graph_version, project, title, tags },
    ...{ role, message, requested_at, inputs, left_out: leftOut },
  };
  return { view, characters };
}
