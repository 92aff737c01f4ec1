/**
 * Services are compared with what is observed of them, and what the scheduler proposes is carried out in the same batch: runs are submitted as tasks, and
 * stopped as tasks.
 *
 * 1. One evaluation of a service at a time; what has changed meanwhile is one more.
 * 2. A scheduler that keeps throwing over a service leaves it as it is, degraded; everything else goes on.
 */
import { labelsOf } from '../../../model/cluster.js';
import { hasEnded } from '../../../model/execution.js';
import { type Replica, type Service, serviceGraphName, serviceModule } from '../../../model/service.js';
import { phaseOf } from '../../../model/task.js';
import { formatTaskId } from '../../../model/task-id.js';
import {
  type FittingCluster,
  type FleetStep,
  type FleetView,
  scheduleFleet,
} from '../../../scheduling/fleet-scheduler.js';
import { hasLabels } from '../../../scheduling/placement.js';
import { storedProject } from '../../tables/row.js';
import { aboutTask } from '../about.js';
import { agentOf } from '../clusters/clusters.js';
import { emit } from '../emit.js';
import { evaluateDue } from '../evaluate-due.js';
import { stopExecution } from '../schedule/planner.js';
import { instanceKey, type State } from '../state.js';
import { storeOwn } from '../tasks/reuse.js';
import type { Turn } from '../turn.js';
import { about } from './follow-ups.js';
import { replicasOf, waitsFor } from './replicas.js';

const PRIORITY = 50;

/** Evaluates all services that are due. Whether there were any: tasks may have to be evaluated anew. */
export function scheduleServices(turn: Turn, onError: (thrown: unknown) => void): boolean {
  const { state } = turn;
  return evaluateDue<Service>(turn, state.serviceBroker, {
    find: (name) => state.services.get(name),
    evaluate(service) {
      const plan = scheduleFleet(viewOf(state, service), turn.nowMs);
      for (const step of plan.steps) carryOut(turn, service, step);
      judge(turn, service.spec.name, plan.reasons);
      return plan;
    },
    giveUp: ({ spec }, why) =>
      judge(turn, spec.name, [`the scheduler could not work on this service: ${why}`]),
    onError,
  });
}

function judge(turn: Turn, name: string, reasons: readonly string[]): void {
  const before = turn.state.services.get(name)?.reasons;
  if (!before || before.join('\n') === reasons.join('\n')) return;
  if (reasons.length > 0) emit(turn, { type: 'service.degraded', service: name, reasons });
  else emit(turn, { type: 'service.restored', service: name });
}

function viewOf(state: State, service: Service): FleetView {
  return {
    service,
    replicas: replicasOf(state, service.spec.name),
    clusters: fittingClusters(state, service),
    nodeOf: (replica) => nodeOf(state, service, replica),
    awaySince: (replica) => awaySince(state, replica),
    waitsFor: (replica) => waitsFor(state, replica),
    statusOf: ({ cluster }) => (cluster === undefined ? undefined : state.clusters.get(cluster)?.status),
  };
}

function fittingClusters(state: State, { spec }: Service): FittingCluster[] {
  return [...state.clusters.values()]
    .filter((cluster) => hasLabels({ labels: labelsOf(cluster) }, spec.require))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function nodeOf(state: State, { spec }: Service, { id }: Replica): string | undefined {
  const node = state.nodesByInstance.get(instanceKey(spec.module ?? '', id));
  return node?.isPlaceable && !node.connectionEnded ? node.nodeId : undefined;
}

function awaySince(state: State, { cluster, sinceMs }: Replica): number | undefined {
  if (cluster === undefined) return undefined;
  const agent = agentOf(state, cluster);
  if (!agent) return sinceMs;
  const isThere = agent.route !== undefined && agent.liveness !== 'dead';
  return isThere ? undefined : agent.heardMs;
}

function carryOut(turn: Turn, service: Service, step: FleetStep): void {
  switch (step.kind) {
    case 'place':
      place(turn, service, step.number, step.pinned);
      return;
    case 'stop':
      stop(turn, step);
      return;
    case 'forget':
      emit(turn, { type: 'replica.forgotten', replica_id: step.replica.id });
      return;
    case 'ready':
      emit(turn, { type: 'replica.ready', ...about(step.replica), node_id: step.nodeId });
      return;
    case 'running':
      emit(turn, { type: 'replica.running', ...about(step.replica) });
      return;
    case 'lost':
      emit(turn, { type: 'replica.lost', ...about(step.replica), reason: step.reason, ended: false });
      return;
    case 'steady':
      emit(turn, { type: 'replica.steady', replica_id: step.replica.id });
      return;
    case 'remove':
      emit(turn, { type: 'service.removed', service: service.spec.name });
      turn.state.serviceBroker.forget(service.spec.name);
      return;
    default:
      step satisfies never;
  }
}

/** Each run is a problem of its own, with one iteration. */
function place(turn: Turn, service: Service, number: number, pinned: string | undefined): void {
  const { state } = turn;
  const { spec, version, generation } = service;
  const project = storedProject(service.project);
  const id = `${spec.name}-${number}`;
  const known = state.replicas.get(id);
  const graph = serviceGraphName(spec.name);
  const problem_id = turn.ids.uuid();
  const taskId = { problemId: problem_id, iterationId: 1 };
  const key = formatTaskId(taskId);
  // First, so that what happens to the run is known to be the replica's.
  emit(turn, {
    type: 'replica.placed',
    ...{ service: spec.name, replica_id: id, task_id: key, number, generation },
    restarts: known ? known.restarts + 1 : 0,
    ...(pinned !== undefined && { cluster: pinned }),
  });
  emit(turn, {
    type: 'problem.created',
    ...(project !== undefined && { project }),
    ...{ problem_id, iteration_id: 1, graph, title: id, priority: PRIORITY },
    // Runs of a service that keeps failing would bury everybody's problems.
    archived: true,
  });
  const input = { service: spec.name, replica: id, number };
  const bytes = new TextEncoder().encode(JSON.stringify(input));
  state.undo.set(state, 'queuedAt', Math.max(state.queuedAt, turn.wallMs));
  emit(turn, {
    type: 'iteration.submitted',
    ...aboutTask({ id: taskId }),
    ...{ graph, graph_version: version, priority: PRIORITY, parent_iteration_id: null },
    ...(pinned !== undefined && { require: { [serviceModule(spec)]: { cluster: pinned } } }),
    queued_at: state.queuedAt,
    input: storeOwn(turn, taskId, 'input', { kind: 'inline', bytes }),
  });
  state.broker.enqueue(state.tasks.get(key)!);
}

function stop(turn: Turn, { replica, as, reason, again }: Extract<FleetStep, { kind: 'stop' }>): void {
  const { state } = turn;
  emit(turn, { type: 'replica.stopping', replica_id: replica.id, as, reason, again });
  const task = state.tasks.get(replica.taskKey);
  if (task?.desired !== 'ended') return;
  emit(turn, { type: 'task.stopping', ...aboutTask(task), desired: 'cancelled', reason });
  const phase = phaseOf(task, 0);
  if (phase.kind === 'placed' && !hasEnded(phase.execution.observed))
    stopExecution(turn, phase.execution, 'stop', reason);
  state.broker.enqueue(task);
}
