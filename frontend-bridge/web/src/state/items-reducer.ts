/**
 * The items of a module with `map`, kept up to date by events: the rules are those of `reducer.ts`.
 *
 * I1. All of a module's items stand in one list of bytes, which a batch of events copies once: ten thousand items cost as much as ten.
 * I2. An item that is not under way is told nothing by an execution that ends: the execution was of an earlier run.
 */
import type { EventJson } from '../../../../src/contract/event.js';
import type { ItemJson } from '../../../../src/contract/iteration.js';
import { hasEnded, MODULE_STATES, type ModuleState } from '../../../../src/model/execution.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { cachedFrom, errorOf, number, observedStateOf, taskStateOf, text } from './event-fields.js';
import type { ItemPageView, ItemStatesView, ItemView, Reduced } from './views.js';

/** I1. As a byte. */
export function codeOf(state: ModuleState): number {
  return MODULE_STATES.indexOf(state);
}

export function stateAt(states: Uint8Array, item: number): ModuleState {
  return MODULE_STATES[states[item] ?? WAITING] ?? 'waiting';
}

const WAITING = codeOf('waiting');

/** An item that nothing has happened to. */
export function notBegun(item: number): ItemJson {
  return {
    item,
    state: 'waiting',
    ...{ execution_id: null, attempt: null, node_id: null, cached_from: null, waiting_reason: null },
    ...{ retry_at: null, error: null, assigned_at: null, started_at: null, finished_at: null },
  };
}

/** I1. */
export function reduceItemStates(
  view: ItemStatesView,
  events: readonly EventJson[],
): Reduced<ItemStatesView> {
  let states: Uint8Array | undefined;
  let complete = true;
  for (const event of events) {
    if (!isOfTask(view, event)) continue;
    complete &&= !changesMore(view, event);
    const item = itemOf(view, event);
    if (item === undefined || item >= view.states.length) continue;
    const before = stateAt(states ?? view.states, item);
    const after = stateAfter(before, event);
    if (after === before) continue;
    states ??= view.states.slice();
    states[item] = codeOf(after);
  }
  return { view: states ? { ...view, states } : view, complete };
}

export function reduceItemPage(view: ItemPageView, event: EventJson): Reduced<ItemPageView> {
  if (!isOfTask(view, event)) return { view, complete: true };
  if (changesMore(view, event)) return { view, complete: false };
  const item = itemOf(view, event);
  if (item === undefined || item < view.from || item > view.to) return { view, complete: true };
  const index = view.items.findIndex((one) => one.item === item);
  const known = view.items[index];
  if (known === undefined) return { view, complete: false };
  const next = itemAfter(known, event);
  return { view: next === known ? view : { ...view, items: view.items.with(index, next) }, complete: true };
}

/** Its value, result and attempts are read anew. */
export function reduceItem(view: ItemView, event: EventJson): Reduced<ItemView> {
  const concerns =
    isOfTask(view, event) && (changesMore(view, event) || itemOf(view, event) === view.item.item);
  return { view, complete: !concerns || event.type === 'execution.log' };
}

/** The item after an event that is about it. */
export function itemAfter(item: ItemJson, event: EventJson): ItemJson {
  const state = stateAfter(item.state, event);
  switch (event.type) {
    case 'item.waiting':
      return {
        ...item,
        state,
        waiting_reason: text(event, 'reason') ?? null,
        retry_at: text(event, 'retry_at') ?? null,
      };
    case 'item.reused':
      return { ...notBegun(item.item), state, cached_from: cachedFrom(event) };
    case 'item.succeeded':
      return { ...item, state, error: null };
    case 'execution.assigned':
      return {
        ...notBegun(item.item),
        state,
        execution_id: event.execution_id ?? null,
        attempt: event.attempt ?? null,
        node_id: event.node_id ?? null,
        assigned_at: event.at,
      };
    default:
      break;
  }
  const observed = observedStateOf(event);
  if (observed === undefined || state === item.state || event.execution_id !== item.execution_id) return item;
  if (!hasEnded(observed)) {
    const started = observed === 'running' ? event.at : (item.started_at ?? event.at);
    return { ...item, state, started_at: started };
  }
  return { ...item, state, error: errorOf(event) ?? null, finished_at: event.at };
}

function stateAfter(state: ModuleState, event: EventJson): ModuleState {
  if (event.type === 'item.waiting') return 'waiting';
  if (event.type === 'item.reused') return 'reused';
  if (event.type === 'item.succeeded') return 'succeeded';
  const observed = observedStateOf(event);
  if (observed === undefined || observed === 'assigned') return observed ?? state;
  // I2.
  return isUnderWay(state) ? observed : state;
}

function isUnderWay(state: ModuleState): boolean {
  return state === 'assigned' || state === 'accepted' || state === 'running';
}

type OfMap = Pick<ItemStatesView, 'problem_id' | 'iteration_id' | 'module'>;

function isOfTask(view: OfMap, event: EventJson): boolean {
  return event.problem_id === view.problem_id && event.iteration_id === view.iteration_id;
}

function itemOf(view: OfMap, event: EventJson): number | undefined {
  return event.module === view.module ? number(event, 'item') : undefined;
}

/** What begins all items anew, or ends those that have not begun, is told of none of them. */
function changesMore(view: OfMap, event: EventJson): boolean {
  const state = taskStateOf(event);
  if (state !== undefined) return taskHasEnded(state);
  if (event.type === 'loop.passed' || event.type === 'map.started' || event.type === 'module.reset')
    return true;
  if (event.type === 'command.issued') return text(event, 'command') === 'reset';
  // The last attempt of an item fails its module, and no event says that it was the last.
  return event.type === 'execution.failed' && event.module === view.module;
}

/** The items of a module after the first `count` events of its task; nothing where it had none. */
export function itemsAfter(
  events: readonly EventJson[],
  count: number,
  module: string,
): readonly ItemJson[] | undefined {
  let items: ItemJson[] | undefined;
  for (const event of events.slice(0, count)) {
    const state = taskStateOf(event);
    if (state !== undefined && taskHasEnded(state)) items = items?.map(endItem);
    if (event.module !== module) continue;
    if (event.type === 'map.started')
      items = Array.from({ length: number(event, 'items') ?? 0 }, (_, item) => notBegun(item));
    const item = number(event, 'item');
    const known = item === undefined ? undefined : items?.[item];
    if (items && known) items[known.item] = itemAfter(known, event);
  }
  return items;
}

function endItem(item: ItemJson): ItemJson {
  return item.state === 'waiting' && item.execution_id === null ? { ...item, state: 'skipped' } : item;
}
