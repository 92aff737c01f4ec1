/**
 * Events into views. Pure: the same snapshot and events give the same snapshot.
 *
 * 1. An event at or below a snapshot's cursor is already in it and changes nothing.
 * 2. A view that an event does not concern stays the very same object, so that nothing is drawn again.
 * 3. An event that says less than the view shows marks the snapshot `incomplete` instead of inventing the rest.
 * 4. What an execution that has been replaced still says does not touch its module's state.
 */

import type { EventJson } from '../../../../src/contract/event.js';
import type { IterationJson } from '../../../../src/contract/iteration.js';
import type { NodeJson } from '../../../../src/contract/node.js';
import { hasEnded } from '../../../../src/model/execution.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { reduceCampaign, reduceCampaigns } from './campaigns-reducer.js';
import { reduceDeployment, reduceDeployments, reduceOperations } from './deployments-reducer.js';
import {
  nodeFields,
  number,
  observedStateOf,
  overriddenIn,
  remarksIn,
  taskStateOf,
  text,
} from './event-fields.js';
import { reduceApprovals, reduceClusters, reduceJobs, reduceServices } from './fleet-reducer.js';
import { reduceItem, reduceItemPage, reduceItemStates } from './items-reducer.js';
import { reduceProblems } from './problems-reducer.js';
import { NONE_STANDS, reduceStandings, reduceTask, withStandings } from './task-reducer.js';
import type {
  ExecutionLogView,
  IterationsView,
  NodeEventsView,
  NodesView,
  ProblemView,
  Reduced,
  Snapshot,
  TaskEventsView,
  View,
} from './views.js';

/** The snapshot after `events` (in order), which reach up to `cursor`. */
export function advance<V extends View>(
  snapshot: Snapshot<V>,
  events: readonly EventJson[],
  cursor: number,
): Snapshot<V> {
  if (cursor <= snapshot.cursor) return snapshot;
  const fresh = events.filter((event) => event.seq > snapshot.cursor);
  let view: View = snapshot.view;
  // What may be long takes a batch at once instead of being copied for each event.
  if (view.kind === 'task_events') {
    return { ...snapshot, cursor, view: appendEvents(view, fresh) as View as V };
  }
  if (view.kind === 'problems') {
    const reduced = reduceProblems(view, fresh);
    const incomplete = snapshot.incomplete || !reduced.complete;
    return { cursor, view: reduced.view as View as V, incomplete };
  }
  if (view.kind === 'item_states') {
    const reduced = reduceItemStates(view, fresh);
    const incomplete = snapshot.incomplete || !reduced.complete;
    return { cursor, view: reduced.view as View as V, incomplete };
  }
  let incomplete = snapshot.incomplete;
  for (const event of fresh) {
    const reduced = reduce(view, event);
    view = reduced.view;
    incomplete ||= !reduced.complete;
  }
  return { cursor, view: view as V, incomplete };
}

/** The view after one event. */
export function reduce(view: View, event: EventJson): Reduced<View> {
  switch (view.kind) {
    case 'nodes':
      return reduceNodes(view, event);
    case 'problems':
      return reduceProblems(view, [event]);
    case 'problem':
      return { view: reduceProblem(view, event), complete: true };
    case 'clusters':
      return reduceClusters(view, event);
    case 'services':
      return reduceServices(view, event);
    case 'deployments':
      return reduceDeployments(view, event);
    case 'deployment':
      return reduceDeployment(view, event);
    case 'campaigns':
      return reduceCampaigns(view, event);
    case 'campaign':
      return reduceCampaign(view, event);
    case 'operations':
      return reduceOperations(view, event);
    case 'approvals':
      return reduceApprovals(view, event);
    case 'jobs':
      return reduceJobs(view, event);
    case 'item_states':
      return reduceItemStates(view, [event]);
    case 'item_page':
      return reduceItemPage(view, event);
    case 'item':
      return reduceItem(view, event);
    case 'execution_log':
      return { view: appendLine(view, event), complete: true };
    case 'iterations':
      return reduceIterations(view, event);
    case 'task':
      return reduceTask(view, event);
    case 'task_events':
      return { view: appendEvents(view, [event]), complete: true };
    case 'node_events':
      return { view: prependNodeEvent(view, event), complete: true };
    default:
      return view satisfies never;
  }
}

function reduceProblem(view: ProblemView, event: EventJson): ProblemView {
  if (event.type !== 'problem.changed' || event.problem_id !== view.problem.problem_id) return view;
  return { ...view, problem: { ...view.problem, ...remarksIn(event), revision: event.seq } };
}

function reduceIterations(view: IterationsView, event: EventJson): Reduced<IterationsView> {
  const same = { view, complete: true };
  const id = event.iteration_id;
  if (id === undefined || event.problem_id !== view.problem_id) return same;
  const index = view.items.findIndex((iteration) => iteration.iteration_id === id);
  const iteration = view.items[index];
  const changedTo = (changed: IterationJson): IterationsView => ({
    ...view,
    items: view.items.with(index, changed),
  });
  if (event.type === 'module.reused' && iteration && event.module !== undefined) {
    return iteration.reused.includes(event.module)
      ? same
      : { view: changedTo({ ...iteration, reused: [...iteration.reused, event.module] }), complete: true };
  }
  // What follows from a module that is reset is no longer reused, and the graph is not at hand.
  if (event.type === 'command.issued' && text(event, 'command') === 'reset' && iteration?.reused.length)
    return { view, complete: false };
  const state = taskStateOf(event);
  if (iteration !== undefined) {
    if (taskHasEnded(iteration.state)) return same;
    const known = iteration.standing ?? NONE_STANDS;
    const { standing, complete } = reduceStandings(known, event);
    const isSame = standing === known && (state ?? iteration.state) === iteration.state;
    const changed = { ...withStandings(iteration, standing), state: state ?? iteration.state };
    return { view: isSame ? view : changedTo(changed), complete };
  }
  if (state === undefined) return same;
  const added: IterationJson = {
    problem_id: view.problem_id,
    iteration_id: id,
    state,
    parent_iteration_id: number(event, 'parent_iteration_id') ?? null,
    reused: [],
    overridden: overriddenIn(event),
    created_at: event.at,
  };
  const items = [...view.items, added].sort((a, b) => a.iteration_id - b.iteration_id);
  return { view: { ...view, items }, complete: true };
}

/** A node's history is shown from its newest end; more than this of it is not held. */
const NODE_EVENTS_LIMIT = 500;

function prependNodeEvent(view: NodeEventsView, event: EventJson): NodeEventsView {
  if (event.node_id !== view.node_id || event.seq <= (view.items[0]?.seq ?? 0)) return view;
  return { ...view, items: [event, ...view.items.slice(0, NODE_EVENTS_LIMIT - 1)] };
}

function appendEvents(view: TaskEventsView, events: readonly EventJson[]): TaskEventsView {
  if (view.isCut) return view;
  const last = view.items.at(-1)?.seq ?? 0;
  const own = events.filter(
    (event) =>
      event.seq > last && event.problem_id === view.problem_id && event.iteration_id === view.iteration_id,
  );
  return own.length === 0 ? view : { ...view, items: [...view.items, ...own] };
}

function appendLine(view: ExecutionLogView, event: EventJson): ExecutionLogView {
  const isNew = event.seq > (view.items.at(-1)?.seq ?? 0);
  const isOwn = event.type === 'execution.log' && event.execution_id === view.execution_id;
  return isOwn && isNew && !view.isCut ? { ...view, items: [...view.items, event] } : view;
}

/** The parts of a node that an event does not contain in full. */
const ASKED_AGAIN: readonly string[] = ['node.joined', 'node.conflict'];

function reduceNodes(view: NodesView, event: EventJson): Reduced<NodesView> {
  const id = event.node_id;
  if (id === undefined) return { view, complete: true };
  const index = view.items.findIndex((node) => node.node_id === id);
  const node = view.items[index];
  if (node === undefined) return { view, complete: !event.type.startsWith('node.') };
  const next = reduceNode(node, event);
  const items = next === node ? view.items : view.items.with(index, next);
  // A process that joined anew may hold executions of before, and has a version and labels: only the orchestrator knows which.
  return { view: next === node ? view : { ...view, items }, complete: !ASKED_AGAIN.includes(event.type) };
}

function reduceNode(node: NodeJson, event: EventJson): NodeJson {
  const state = observedStateOf(event);
  if (state !== undefined) return reduceRunning(node, event, hasEnded(state));
  switch (event.type) {
    case 'node.joined':
      return { ...node, ...nodeFields(event), error: null, liveness: 'alive', last_seen_at: event.at };
    case 'node.status':
      return withError({ ...node, ...nodeFields(event), last_seen_at: event.at });
    case 'node.alive':
      return { ...node, ...nodeFields(event), liveness: 'alive', last_seen_at: event.at };
    case 'node.unresponsive':
      return { ...node, liveness: 'unresponsive' };
    case 'node.dead':
    case 'node.left':
      return { ...node, ...nodeFields(event), liveness: 'dead', running: [] };
    default:
      return node;
  }
}

/** An error belongs to the status `ERROR` and goes with it. */
function withError(node: NodeJson): NodeJson {
  return node.status === 'ERROR' ? node : { ...node, error: null };
}

function reduceRunning(node: NodeJson, event: EventJson, ended: boolean): NodeJson {
  const { execution_id: id, problem_id: problem, iteration_id: iteration } = event;
  const known = node.running.some((running) => running.execution_id === id);
  if (ended) {
    return known ? { ...node, running: node.running.filter((running) => running.execution_id !== id) } : node;
  }
  if (known || id === undefined || problem === undefined || iteration === undefined) return node;
  const running = {
    execution_id: id,
    task_id: `${problem}/${iteration}`,
    module: event.module ?? node.module,
    since: event.at,
  };
  return { ...node, running: [...node.running, running] };
}
