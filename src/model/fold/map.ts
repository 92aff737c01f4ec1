/** What facts make of modules with `map` and their items. */
import type { DurableState, Moment } from '../durable.js';
import { hasEnded } from '../execution.js';
import type { FactOf } from '../facts.js';
import { mappedRef, takenRef } from '../map.js';
import { type DoneItem, executionsOfItem, outputOf } from '../task.js';
import { beginItem, mappingOf, openItem } from './items.js';
import { runFor, setPhase } from './task.js';

export function startMap(state: DurableState, fact: FactOf<'map.started'>, moment: Moment): void {
  const { task, run } = runFor(state, fact);
  state.undo.set(run, 'items', { total: fact.items, done: 0 });
  setPhase(state, moment.changed, task, run, {
    kind: 'mapping',
    begun: 0,
    open: new Map(),
    waiting: undefined,
    reason: undefined,
  });
}

export function waitItem(state: DurableState, fact: FactOf<'item.waiting'>, moment: Moment): void {
  const { task, run } = runFor(state, fact);
  const at = fact.retry_at === undefined ? undefined : Date.parse(fact.retry_at);
  const retry = at === undefined ? undefined : { at, dueMs: moment.nowMs + at - moment.at };
  state.undo.set(openItem(run, fact.item), 'phase', { kind: 'waiting', reason: fact.reason, retry });
  state.undo.add(moment.changed.tasks, task);
}

export function succeedItem(state: DurableState, fact: FactOf<'item.succeeded'>, moment: Moment): void {
  const { run } = runFor(state, fact);
  const execution = executionsOfItem(run, fact.item).find(({ id }) => id === fact.execution_id);
  const output = execution && outputOf(execution, execution.committed);
  if (!output) throw new Error(`item ${fact.item} succeeds by an execution that is not there`);
  endItem(state, fact, moment, { output });
}

export function reuseItem(state: DurableState, fact: FactOf<'item.reused'>, moment: Moment): void {
  const { task, run } = runFor(state, fact);
  const { module, item, blob, cached_from: cachedFrom } = fact;
  beginItem(state, mappingOf(run), item);
  const output = takenRef(task.id, { module, generation: run.generation }, item, blob);
  endItem(state, fact, moment, { output, cachedFrom });
}

export function mapModule(state: DurableState, fact: FactOf<'module.mapped'>, moment: Moment): void {
  const { task, run } = runFor(state, fact);
  const { module, blob, indexed } = fact;
  const ref = mappedRef(task.id, { module, generation: run.generation }, blob);
  setPhase(state, moment.changed, task, run, { kind: 'mapped', ref, ...(indexed && { indexed }) });
}

/** I2 of `map.ts`. */
function endItem(
  state: DurableState,
  fact: FactOf<'item.succeeded'> | FactOf<'item.reused'>,
  moment: Moment,
  made: Pick<DoneItem, 'output' | 'cachedFrom'>,
): void {
  const { undo } = state;
  const { task, run, position } = runFor(state, fact);
  const { item } = fact;
  const { generation } = run;
  const executions = executionsOfItem(run, item);
  if (executions.some(({ observed }) => !hasEnded(observed)))
    throw new Error(`item ${item} is done and has an execution that is not over`);
  undo.remove(mappingOf(run).open, item);
  undo.set(run, 'items', { total: run.items!.total, done: run.items!.done + 1 });
  undo.set(
    run,
    'executions',
    run.executions.filter((execution) => !executions.includes(execution)),
  );
  for (const { id } of executions) undo.remove(state.executions, id);
  const done: DoneItem = { ...{ task, position, generation, pass: fact.pass, item, executions }, ...made };
  undo.append(moment.changed.items, done);
  undo.add(moment.changed.tasks, task);
}
