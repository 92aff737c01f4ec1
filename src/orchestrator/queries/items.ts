/** The items of a module with `map`: those that are done by their rows, those that are open by their task's. */
import { JsonText } from '../../base/json/json-text.js';
import type { Open } from '../../contract/answer.js';
import type { ItemAnswerJson, ItemJson } from '../../contract/iteration.js';
import type { ModuleState } from '../../model/execution.js';
import { itemRef } from '../../model/map.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';
import type { Page, PageRequest, Refusal } from '../port.js';
import { type ExecutionRow, type ItemRow, type ModuleRow, refToRow } from '../records.js';
import * as tables from '../tables.js';
import { type Moment, notFound, taskOf } from './moment.js';
import { badCursor, isRefusal, limitOf, readCursor, writeCursor } from './pages.js';
import { time } from './views.js';

/** A run of a module over its items. */
interface Mapping {
  readonly module: string;
  /** Nothing where it has not begun. */
  readonly row: ModuleRow | undefined;
  /** Executions of items that are not done, by their numbers: the newest of each. */
  readonly newest: ReadonlyMap<number, ExecutionRow>;
}

export async function listItems(
  moment: Moment,
  id: TaskId,
  module: string,
  page: PageRequest & { readonly state?: ModuleState | undefined },
): Promise<Page<Open<ItemJson>> | Refusal> {
  const after = readCursor(page.cursor);
  if (isRefusal(after)) return after;
  const before = after?.[0] ?? -1;
  if (typeof before !== 'number') return badCursor(page.cursor!);
  const mapping = await mappingOf(moment, id, module);
  if (isRefusal(mapping)) return mapping;
  const total = mapping.row?.items?.total ?? 0;
  const limit = limitOf(page);
  const items: Open<ItemJson>[] = [];
  const done = doneAfter(moment, id, mapping, before);
  let next = await done.next();
  for (let item = before + 1; item < total; item += 1) {
    const row = !next.done && next.value.item === item ? next.value : undefined;
    if (row) next = await done.next();
    const view = itemView(mapping, item, row);
    if (page.state !== undefined && view.state !== page.state) continue;
    if (items.length === limit) return { items, next_cursor: writeCursor([Number(items.at(-1)!.item)]) };
    items.push(view);
    await moment.slices.rest();
  }
  return { items, next_cursor: null };
}

export async function oneItem(
  moment: Moment,
  id: TaskId,
  module: string,
  item: number,
): Promise<Open<ItemAnswerJson> | Refusal> {
  const mapping = await mappingOf(moment, id, module);
  if (isRefusal(mapping)) return mapping;
  const { row } = mapping;
  if (!row?.items || item >= row.items.total)
    return notFound('unknown_item', `${module} has no item ${item} in ${formatTaskId(id)}`);
  const key = [id.problemId, id.iterationId, module, row.generation, item];
  const done = await tables.items.get(moment.reader, key);
  const value = refToRow(itemRef(id, { module, generation: row.generation }, item));
  return {
    ...itemView(mapping, item, done),
    value: await jsonAt(moment, value),
    result: done ? await jsonAt(moment, done.output) : null,
  };
}

async function jsonAt({ reader }: Moment, ref: ReturnType<typeof refToRow>): Promise<unknown> {
  if (ref.blob) return { blob: ref.blob };
  const bytes = await tables.payloads.get(reader, [ref.problem_id, ref.iteration_id, ref.owner, ref.seq]);
  return bytes ? new JsonText(Buffer.from(bytes).toString()) : null;
}

async function mappingOf(moment: Moment, id: TaskId, module: string): Promise<Mapping | Refusal> {
  const task = await taskOf(moment, id);
  if (isRefusal(task)) return task;
  const { compiled } = await moment.payloads.graphOf(task);
  const position = compiled.index.get(module);
  if (position === undefined)
    return notFound('unknown_module', `graph ${task.graph} has no module ${module}`);
  if (!compiled.modules[position]!.spec.map)
    return notFound('no_items', `${module} runs once: it has no map in graph ${task.graph}`);
  const row = Object.hasOwn(task.modules, module) ? task.modules[module] : undefined;
  const newest = new Map<number, ExecutionRow>();
  for (const execution of row?.executions ?? [])
    if (execution.item !== undefined && execution.generation === row?.generation)
      newest.set(execution.item, execution);
  return { module, row, newest };
}

async function* doneAfter(
  { reader }: Moment,
  { problemId, iterationId }: TaskId,
  { module, row }: Mapping,
  item: number,
): AsyncGenerator<ItemRow> {
  if (!row) return;
  const prefix = [problemId, iterationId, module, row.generation];
  const range = { prefix, ...(item >= 0 && { after: [...prefix, item] }) };
  for await (const { row: done } of tables.items.walk(reader, range)) yield done;
}

function itemView({ row, newest }: Mapping, item: number, done: ItemRow | undefined): Open<ItemJson> {
  const execution = done?.executions.at(-1) ?? newest.get(item);
  const open = row?.map?.open[String(item)];
  return {
    item,
    state: stateOf(row, done, open?.waits === true, execution),
    execution_id: execution?.execution_id ?? null,
    attempt: execution?.attempt ?? null,
    node_id: execution?.node_id ?? null,
    cached_from: done?.cached_from ?? null,
    waiting_reason: open?.reason ?? null,
    retry_at: time(open?.retry_at),
    error: done ? null : (execution?.error ?? null),
    assigned_at: time(execution?.assigned_at),
    started_at: time(execution?.started_at ?? execution?.accepted_at),
    finished_at: time(execution?.finished_at),
  };
}

function stateOf(
  row: ModuleRow | undefined,
  done: ItemRow | undefined,
  waits: boolean,
  execution: ExecutionRow | undefined,
): ModuleState {
  if (done) return done.cached_from ? 'reused' : 'succeeded';
  if (waits) return 'waiting';
  return execution?.state ?? (row?.phase === 'mapping' ? 'waiting' : 'skipped');
}
