/** The items of a module with `map`: those that are done by their rows, those that are open by their task's. */
import { JsonText } from '../../base/json/json-text.js';
import type { Open } from '../../contract/answer.js';
import type { ItemAnswerJson, ItemJson, ItemStatesJson } from '../../contract/iteration.js';
import type { ModuleState } from '../../model/execution.js';
import { itemRef } from '../../model/map.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';
import type { ItemsWanted, Page, Refusal } from '../port.js';
import type { ExecutionRow } from '../tables/execution-row.js';
import type { ItemRow } from '../tables/item-row.js';
import type { ModuleRow } from '../tables/module-row.js';
import { refToRow } from '../tables/payload-ref.js';
import * as tables from '../tables/tables.js';
import { type Moment, notFound, taskOf } from './moment.js';
import { badCursor, isRefusal, limitOf, readCursor, writeCursor } from './pages.js';
import { executionView, time } from './views.js';

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
  wanted: ItemsWanted,
): Promise<Page<Open<ItemJson>> | Refusal> {
  const after = readCursor(wanted.cursor);
  if (isRefusal(after)) return after;
  const before = after?.[0] ?? -1;
  if (typeof before !== 'number') return badCursor(wanted.cursor!);
  const mapping = await mappingOf(moment, id, module);
  if (isRefusal(mapping)) return mapping;
  const limit = limitOf(wanted);
  const items: Open<ItemJson>[] = [];
  const first = Math.max(before + 1, wanted.from ?? 0);
  for await (const { item, done } of itemsFrom(moment, id, mapping, first, wanted.state)) {
    const view = itemView(mapping, item, done);
    if (wanted.state !== undefined && view.state !== wanted.state) continue;
    if (items.length === limit) return { items, next_cursor: writeCursor([Number(items.at(-1)!.item)]) };
    items.push(view);
  }
  return { items, next_cursor: null };
}

export async function itemStates(
  moment: Moment,
  id: TaskId,
  module: string,
): Promise<Open<ItemStatesJson> | Refusal> {
  const mapping = await mappingOf(moment, id, module);
  if (isRefusal(mapping)) return mapping;
  const counts: Partial<Record<ModuleState, number>> = {};
  const runs: [ModuleState, number][] = [];
  for await (const { item, done } of itemsFrom(moment, id, mapping, 0, undefined)) {
    const state = stateAt(mapping, item, done);
    counts[state] = (counts[state] ?? 0) + 1;
    const last = runs.at(-1);
    if (last?.[0] === state) last[1] += 1;
    else runs.push([state, 1]);
  }
  return { total: mapping.row?.items?.total ?? 0, counts, runs };
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
    executions: (done?.executions ?? executionsOf(row, item)).map((one) => executionView(one, module)),
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

/** An item with its row, if it is done. */
interface Known {
  readonly item: number;
  readonly done: ItemRow | undefined;
}

const HAS_ROW: readonly ModuleState[] = ['succeeded', 'reused'];

/** Those from `first` on that may be in this state: while the module is at work on them, the others are not looked at. */
async function* itemsFrom(
  moment: Moment,
  id: TaskId,
  mapping: Mapping,
  first: number,
  state: ModuleState | undefined,
): AsyncGenerator<Known> {
  const { row } = mapping;
  const total = row?.items?.total ?? 0;
  if (state && HAS_ROW.includes(state)) {
    for await (const done of doneFrom(moment, id, mapping, first)) {
      yield { item: done.item, done };
      await moment.slices.rest();
    }
  } else if (state && row?.map) {
    const { open, begun } = row.map;
    for (const item of Object.keys(open).map(Number)) if (item >= first) yield { item, done: undefined };
    for (let item = Math.max(begun, first); item < total; item += 1) yield { item, done: undefined };
  } else {
    const walk = doneFrom(moment, id, mapping, first);
    let next = await walk.next();
    for (let item = first; item < total; item += 1) {
      const done = !next.done && next.value.item === item ? next.value : undefined;
      if (done) next = await walk.next();
      yield { item, done };
      await moment.slices.rest();
    }
  }
}

async function* doneFrom(
  { reader }: Moment,
  { problemId, iterationId }: TaskId,
  { module, row }: Mapping,
  first: number,
): AsyncGenerator<ItemRow> {
  if (!row) return;
  const prefix = [problemId, iterationId, module, row.generation];
  const range = { prefix, ...(first > 0 && { after: [...prefix, first - 1] }) };
  for await (const { row: done } of tables.items.walk(reader, range)) yield done;
}

function executionsOf(row: ModuleRow, item: number): readonly ExecutionRow[] {
  return row.executions.filter((one) => one.item === item && one.generation === row.generation);
}

function itemView(mapping: Mapping, item: number, done: ItemRow | undefined): Open<ItemJson> {
  const { row, newest } = mapping;
  const execution = done?.executions.at(-1) ?? newest.get(item);
  const open = row?.map?.open[String(item)];
  return {
    item,
    state: stateAt(mapping, item, done),
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

function stateAt({ row, newest }: Mapping, item: number, done: ItemRow | undefined): ModuleState {
  if (done) return done.cached_from ? 'reused' : 'succeeded';
  if (row?.map?.open[String(item)]?.waits) return 'waiting';
  return newest.get(item)?.state ?? (row?.phase === 'mapping' ? 'waiting' : 'skipped');
}
