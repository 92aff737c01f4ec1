/** The events of one task into its view: the rules are those of `reducer.ts`. */
import { partAt } from '../../../../src/base/json/exact.js';
import type { EventJson } from '../../../../src/contract/event.js';
import type { ItemCountsJson, ModuleJson, StandingsJson } from '../../../../src/contract/iteration.js';
import { denial } from '../../../../src/model/approval.js';
import type { ObservedState } from '../../../../src/model/execution.js';
import { countsAsAttempt, hasEnded } from '../../../../src/model/execution.js';
import { begunAt } from '../../../../src/model/run.js';
import type { TaskState } from '../../../../src/model/task-state.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { standingOf } from '../../../../src/model/waiting.js';
import {
  cachedFrom,
  commandOf,
  decisionIn,
  errorOf,
  flag,
  loopEndIn,
  number,
  observedStateOf,
  requestedIn,
  reusedFrom,
  taskStateOf,
  text,
  waitingIn,
  wordsIn,
} from './event-fields.js';
import type { Reduced, TaskView } from './views.js';

export function reduceTask(view: TaskView, event: EventJson): Reduced<TaskView> {
  const { task } = view;
  if (event.problem_id !== task.problem_id || event.iteration_id !== task.iteration_id) {
    return { view, complete: true };
  }
  const state = taskStateOf(event);
  if (state !== undefined) {
    if (taskHasEnded(task.state)) return { view, complete: true };
    return taskHasEnded(state)
      ? endTask(view, event, state)
      : { view: { ...view, task: { ...task, state } }, complete: true };
  }
  if (event.type === 'loop.passed') return { view: passLoop(view, event), complete: true };
  if (event.type === 'loop.ended') return reduceModuleOf(view, event, text(event, 'from') ?? '');
  if (event.module === undefined) return { view, complete: true };
  if (event.type === 'command.issued') {
    return text(event, 'command') === 'reset' ? resetFrom(view, event.module) : { view, complete: true };
  }
  return reduceModuleOf(view, event, event.module);
}

/**
 * How the modules of a task in a list stand after one of its events, by the rules for a task that is shown. Not complete after a
 * reset: which modules follow from the one that is reset, a list does not know.
 */
export function reduceStandings(
  standing: StandingsJson,
  event: EventJson,
): { readonly standing: StandingsJson; readonly complete: boolean } {
  const state = taskStateOf(event);
  if (state !== undefined) return { standing: taskHasEnded(state) ? NONE_STANDS : standing, complete: true };
  const { module: name } = event;
  if (name === undefined) return { standing, complete: true };
  const known = Object.hasOwn(standing, name) ? standing[name] : undefined;
  const { [name]: _, ...others } = standing;
  if (event.type === 'command.issued' && text(event, 'command') === 'reset')
    return { standing: known ? others : standing, complete: Object.keys(others).length === 0 };
  const before: ModuleJson = { ...NOT_BEGUN, ...known };
  const after = reduceModule(before, event);
  const isSame = (['state', 'execution_id', 'waiting'] as const).every(
    (field) => after[field] === before[field],
  );
  if (isSame) return { standing, complete: true };
  const now = standingOf(after);
  return { standing: now ? { ...others, [name]: now } : others, complete: true };
}

export const NONE_STANDS: StandingsJson = {};

/** A task in a list says how its modules stand only where one of them does. */
export function withStandings<Task extends { readonly standing?: StandingsJson }>(
  { standing: _, ...task }: Task,
  standing: StandingsJson,
): Omit<Task, 'standing'> & { readonly standing?: StandingsJson } {
  return Object.keys(standing).length > 0 ? { ...task, standing } : task;
}

/** A reset takes back what the module and all that follows from it did; there is no event for each of them. */
function resetFrom(view: TaskView, name: string): Reduced<TaskView> {
  const { inputs } = view;
  if (inputs === undefined) return { view, complete: false };
  const reset = new Set([name]);
  // The modules stand in no particular order: round after round, until no more are found.
  for (let found = 0; found < reset.size; ) {
    found = reset.size;
    for (const [other, needs] of Object.entries(inputs))
      if (needs.some((need) => reset.has(need))) reset.add(other);
  }
  const modules = Object.entries(view.task.modules).map(([module, standing]): [string, ModuleJson] => [
    module,
    reset.has(module) ? anew(standing, standing.pass) : standing,
  ]);
  const task = { ...view.task, error: null, modules: Object.fromEntries(modules) };
  return { view: { ...view, task }, complete: true };
}

/** The modules of a loop begin again. */
function passLoop(view: TaskView, event: EventJson): TaskView {
  const modules = Object.entries(view.task.modules).map(([name, module]): [string, ModuleJson] => [
    name,
    wordsIn(event, 'modules').includes(name) ? anew(module, number(event, 'pass') ?? module.pass) : module,
  ]);
  return { ...view, task: { ...view.task, modules: Object.fromEntries(modules) } };
}

/** Its earlier work no longer counts. */
function anew({ overridden, output_names }: ModuleJson, pass: number | null): ModuleJson {
  return { ...NOT_BEGUN, overridden, pass, ...(output_names && { output_names }) };
}

/** A module that nothing has happened to. */
export const NOT_BEGUN: ModuleJson = {
  state: 'waiting',
  attempts: 0,
  pass: null,
  items: null,
  loop_end: null,
  execution_id: null,
  node_id: null,
  waiting_reason: null,
  waiting: null,
  progress: null,
  progress_message: null,
  reused_from: null,
  cached_from: null,
  overridden: [],
  retry_at: null,
  output: null,
  error: null,
  command: null,
  assigned_at: null,
  started_at: null,
  finished_at: null,
};

/** In an ended task, a module that waits is called by its newest execution's state; one that never ran is `skipped`. */
function endTask(view: TaskView, event: EventJson, state: TaskState): Reduced<TaskView> {
  let complete = true;
  const modules = Object.entries(view.task.modules).map(([name, standing]): [string, ModuleJson] => {
    const items = standing.items && { ...standing.items, retrying: 0 };
    const module = { ...standing, items };
    if (module.state !== 'waiting') return [name, module];
    const observed = view.observed?.[name];
    complete &&= module.execution_id === null || observed !== undefined;
    return [
      name,
      { ...module, state: observed ?? 'skipped', waiting_reason: null, waiting: null, retry_at: null },
    ];
  });
  const error = errorOf(event) ?? null;
  const reason = text(event, 'reason') ?? null;
  const task = { ...view.task, state, error, reason, modules: Object.fromEntries(modules) };
  return { view: { ...view, task }, complete };
}

function reduceModuleOf(view: TaskView, event: EventJson, name: string): Reduced<TaskView> {
  const module = Object.hasOwn(view.task.modules, name) ? view.task.modules[name] : undefined;
  if (module === undefined) return { view, complete: false };
  const next = reduceModule(module, event);
  const observed = observe(view, module, event, name);
  if (next === module && observed === view.observed) return { view, complete: true };
  const task =
    next === module ? view.task : { ...view.task, modules: { ...view.task.modules, [name]: next } };
  const changed: TaskView = { ...view, task, ...(observed && { observed }) };
  const isOutput =
    event.type === 'module.mapped' ||
    event.type === 'module.reused' ||
    (event.type === 'output.recorded' && number(event, 'item') === undefined);
  if (!isOutput) return { view: changed, complete: !isGuess(event) };
  const passed = { ...view.passed, [name]: event.seq };
  return { view: { ...changed, passed }, complete: isComplete(event) };
}

/** No event says that an attempt was the last of its item, nor that an item begins again because its node is silent. */
function isGuess(event: EventJson): boolean {
  if (number(event, 'item') === undefined) return false;
  return event.type === 'execution.failed' || (event.type === 'execution.assigned' && event.attempt !== 1);
}

/** Whether the event says all that the task shows of it. Several outputs are shown together, and no event has all of them. */
function isComplete(event: EventJson): boolean {
  if (event.type === 'module.reused') {
    const names = Object.keys((event.outputs ?? {}) as object);
    return names.length > 0
      ? names.every((name) => partAt(event.output, [name]) !== undefined)
      : event.output !== undefined;
  }
  if (text(event, 'name') !== undefined) return flag(event, 'last') === false;
  return event.output !== undefined;
}

function observe(view: TaskView, module: ModuleJson, event: EventJson, name: string): TaskView['observed'] {
  const state = observedStateOf(event);
  const isNewest = state === 'assigned' || module.execution_id === null || isCurrent(module, event);
  if (state === undefined || !isNewest || view.observed?.[name] === state) return view.observed;
  return { ...view.observed, [name]: state };
}

function reduceModule(module: ModuleJson, event: EventJson): ModuleJson {
  if (number(event, 'item') !== undefined) return reduceItem(module, event);
  const state = observedStateOf(event);
  if (state !== undefined) return reduceExecution(module, event, state);
  switch (event.type) {
    case 'module.waiting':
      return {
        ...module,
        state: 'waiting',
        waiting_reason: text(event, 'reason') ?? null,
        waiting: waitingIn(event),
        retry_at: text(event, 'retry_at') ?? null,
        node_id: null,
        progress: null,
        progress_message: null,
      };
    case 'map.started':
      return {
        ...module,
        items: { total: number(event, 'items') ?? 0, done: 0, running: 0, retrying: 0 },
      };
    case 'module.mapped':
      return { ...settled(module), state: 'succeeded', output: event.output ?? null, error: null };
    case 'approval.requested': {
      const wait = requestedIn(event);
      return {
        ...NOT_BEGUN,
        overridden: module.overridden,
        pass: module.pass,
        waiting_reason: wait?.reason ?? null,
        waiting: wait?.waiting ?? null,
      };
    }
    case 'approval.decided':
      return decided(module, event);
    case 'module.reset':
      return anew(module, number(event, 'pass') ?? null);
    case 'loop.ended': {
      const error = errorOf(event);
      return { ...module, loop_end: loopEndIn(event), ...(error && { state: 'failed', error }) };
    }
    case 'module.served':
      return { ...module, state: 'succeeded', waiting_reason: null, waiting: null, retry_at: null };
    case 'module.skipped':
      return {
        ...module,
        state: 'skipped',
        waiting_reason: text(event, 'reason') ?? null,
        waiting: null,
        retry_at: null,
      };
    case 'module.reused':
      return {
        ...module,
        state: 'reused',
        reused_from: reusedFrom(event),
        cached_from: cachedFrom(event),
        waiting_reason: null,
        waiting: null,
        output: event.output ?? null,
      };
    case 'execution.command':
      return isCurrent(module, event) ? withCommand(module, event) : module;
    case 'execution.progress': {
      const progress = number(event, 'progress');
      const current = isCurrent(module, event) && !isOver(module);
      if (!current || progress === undefined) return module;
      return { ...atWork(module, event), progress, progress_message: text(event, 'message') || null };
    }
    case 'output.recorded':
      if (!isCurrent(module, event)) return module;
      return flag(event, 'last') === false || event.output === undefined || text(event, 'name') !== undefined
        ? { ...atWork(module, event) }
        : { ...atWork(module, event), output: event.output };
    default:
      return module;
  }
}

/** Of a module with `map`: it runs while any of its items does, and its output is that of all. */
function reduceItem(module: ModuleJson, event: EventJson): ModuleJson {
  const { items } = module;
  if (event.type === 'item.succeeded' || event.type === 'item.reused')
    return { ...module, items: items && { ...items, done: items.done + 1 } };
  if (event.type === 'item.waiting')
    return { ...module, items: items && { ...items, retrying: items.retrying + 1 } };
  const state = observedStateOf(event);
  if (state === 'assigned') {
    return {
      ...module,
      items: items && begunAgain(items, event),
      state: 'running',
      execution_id: event.execution_id ?? null,
      node_id: event.node_id ?? null,
      waiting_reason: null,
      waiting: null,
      assigned_at: event.at,
    };
  }
  if (state === undefined || !hasEnded(state)) return module;
  if (items === null) return module;
  const running = Math.max(0, items.running - 1);
  const error = errorOf(event);
  const isIdle = running === 0 && module.state === 'running';
  return {
    ...module,
    items: { ...items, running },
    ...(isIdle && { state: 'waiting' }),
    ...(error && { error }),
  };
}

/** What has begun before was to be tried again, unless its node has fallen silent: see `isGuess`. */
function begunAgain(items: ItemCountsJson, { attempt = 1 }: EventJson): ItemCountsJson {
  const retrying = attempt > 1 ? Math.max(0, items.retrying - 1) : items.retrying;
  return { ...items, running: items.running + 1, retrying };
}

/** It no longer waits. */
function settled(module: ModuleJson): ModuleJson {
  return { ...module, waiting_reason: null, waiting: null };
}

/** A decision is the output of its module, or its failure. */
function decided(module: ModuleJson, event: EventJson): ModuleJson {
  const record = decisionIn(event);
  if (record?.decision === 'approve') return { ...settled(module), state: 'succeeded', output: record };
  return { ...settled(module), state: 'failed', error: denial(record?.reason ?? undefined) };
}

/** As the orchestrator has it: it began when its command did, also where that was told late. */
function withCommand(module: ModuleJson, event: EventJson): ModuleJson {
  const command = { ...module.command, ...commandOf(event) };
  const begun = Date.parse(text(event, 'started_at') ?? '');
  if (Number.isNaN(begun)) return { ...module, command };
  const isOnTheWay = module.state === 'assigned' || module.state === 'accepted';
  const told = Date.parse(isOnTheWay ? event.at : (module.started_at ?? event.at));
  const started = begunAt(begun, Date.parse(module.assigned_at ?? event.at), told);
  return { ...module, command, started_at: new Date(started).toISOString() };
}

function reduceExecution(module: ModuleJson, event: EventJson, state: ObservedState): ModuleJson {
  if (state === 'assigned') {
    return {
      ...module,
      state,
      execution_id: event.execution_id ?? null,
      node_id: event.node_id ?? null,
      waiting_reason: null,
      waiting: null,
      retry_at: null,
      progress: null,
      progress_message: null,
      output: null,
      error: null,
      command: null,
      assigned_at: event.at,
      started_at: null,
      finished_at: null,
    };
  }
  const attempts = module.attempts + (countsAsAttempt(state) ? 1 : 0);
  if (!isCurrent(module, event)) return attempts === module.attempts ? module : { ...module, attempts };
  const node = event.node_id ?? module.node_id;
  if (!hasEnded(state)) {
    // It starts when it says that it runs; one that never says so, when it accepted.
    const started =
      state === 'running' && !module.command?.started_at ? event.at : (module.started_at ?? event.at);
    return isOver(module) ? module : { ...module, state, node_id: node, started_at: started };
  }
  return {
    ...module,
    state,
    attempts,
    node_id: node,
    progress: state === 'succeeded' ? 1 : module.progress,
    error: errorOf(event) ?? null,
    finished_at: event.at,
  };
}

/** What is said to wait since its node was dead goes on after all when the node is heard of again. */
function atWork(module: ModuleJson, event: EventJson): ModuleJson {
  if (module.state !== 'waiting') return module;
  return {
    ...module,
    state: 'running',
    waiting_reason: null,
    waiting: null,
    node_id: event.node_id ?? module.node_id,
  };
}

/** Whether the event speaks of the module's newest execution. */
function isCurrent(module: ModuleJson, event: EventJson): boolean {
  return event.execution_id !== undefined && event.execution_id === module.execution_id;
}

function isOver(module: ModuleJson): boolean {
  const { state } = module;
  return state !== 'waiting' && state !== 'skipped' && state !== 'reused' && hasEnded(state);
}
