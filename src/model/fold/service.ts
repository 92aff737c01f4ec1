/** The fold of facts about services and their replicas. */
import { DEFAULT_PROJECT } from '../access.js';
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';
import type { Replica, ReplicaEnd, Service } from '../service.js';

/** It says all of the service: one that is changed keeps the time of its creation, and what is wrong with it. */
export function putService(state: DurableState, fact: FactOf<'service.applied'>, { at }: Moment): void {
  const { spec, desired, generation, graph_version: version, owner: project = DEFAULT_PROJECT } = fact;
  const { createdAt = at, reasons = [] } = state.services.get(fact.service) ?? {};
  const service: Service = { spec, project, desired, generation, version, reasons, createdAt, updatedAt: at };
  state.undo.put(state.services, fact.service, service);
}

export function judgeService(
  state: DurableState,
  fact: FactOf<'service.degraded'> | FactOf<'service.restored'>,
): void {
  const service = serviceOf(state, fact.service);
  const reasons = fact.type === 'service.degraded' ? fact.reasons : [];
  state.undo.put(state.services, fact.service, { ...service, reasons });
}

export function removeService(state: DurableState, { service }: FactOf<'service.removed'>): void {
  serviceOf(state, service);
  state.undo.remove(state.services, service);
}

/** Its next run, or its first. */
export function placeReplica(
  state: DurableState,
  fact: FactOf<'replica.placed'>,
  { at, nowMs }: Moment,
): void {
  const known = state.replicas.get(fact.replica_id);
  if (known) state.undo.remove(state.runs, known.taskKey);
  put(state, {
    ...{ id: fact.replica_id, service: fact.service, number: fact.number, desired: 'running' },
    ...{ observed: 'pending', taskKey: fact.task_id, isOpen: true, generation: fact.generation },
    ...{
      restarts: fact.restarts,
      failures: known?.failures ?? 0,
      sinceAt: at,
      sinceMs: nowMs,
      startedMs: nowMs,
    },
    ...(fact.cluster !== undefined && { pinned: fact.cluster }),
  });
  state.undo.put(state.runs, fact.task_id, fact.replica_id);
}

export function startReplica(state: DurableState, fact: FactOf<'replica.starting'>, moment: Moment): void {
  const replica = replicaOf(state, fact.replica_id);
  const cluster = fact.cluster === undefined ? {} : { cluster: fact.cluster };
  put(state, { ...observed(replica, 'starting', moment), ...cluster, startedMs: moment.nowMs });
}

/** Its run is on no cluster. */
export function unplaceReplica(state: DurableState, fact: FactOf<'replica.waiting'>, moment: Moment): void {
  const { cluster: _, ...replica } = observed(replicaOf(state, fact.replica_id), 'pending', moment);
  put(state, replica);
}

export function runReplica(
  state: DurableState,
  fact: FactOf<'replica.running'> | FactOf<'replica.ready'>,
  moment: Moment,
): void {
  const replica = replicaOf(state, fact.replica_id);
  if (fact.type === 'replica.running') put(state, observed(replica, 'running', moment));
  else put(state, { ...observed(replica, 'ready', moment), nodeId: fact.node_id });
}

/** Its cluster has been out of reach for too long; its run may go on there. */
export function missReplica(state: DurableState, fact: FactOf<'replica.lost'>, moment: Moment): void {
  if (fact.ended) endReplica(state, fact, 'lost', moment);
  else put(state, { ...observed(replicaOf(state, fact.replica_id), 'lost', moment), reason: fact.reason });
}

export function endReplica(
  state: DurableState,
  fact: FactOf<`replica.${ReplicaEnd}`>,
  end: ReplicaEnd,
  moment: Moment,
): void {
  const { ending: _, ...replica } = observed(replicaOf(state, fact.replica_id), end, moment);
  const at = 'retry_at' in fact && fact.retry_at !== undefined ? Date.parse(fact.retry_at) : undefined;
  put(state, {
    ...replica,
    isOpen: false,
    ...('reason' in fact && fact.reason !== undefined && { reason: fact.reason }),
    ...(at !== undefined && {
      failures: replica.failures + 1,
      retry: { at, dueMs: moment.nowMs + at - moment.at },
    }),
  });
}

export function stopReplica(state: DurableState, fact: FactOf<'replica.stopping'>): void {
  const replica = replicaOf(state, fact.replica_id);
  const desired = fact.again ? 'running' : 'stopped';
  put(state, { ...replica, desired, ending: { as: fact.as, reason: fact.reason } });
}

export function steadyReplica(state: DurableState, fact: FactOf<'replica.steady'>): void {
  put(state, { ...replicaOf(state, fact.replica_id), failures: 0 });
}

export function forgetReplica(state: DurableState, fact: FactOf<'replica.forgotten'>): void {
  const { id, taskKey } = replicaOf(state, fact.replica_id);
  state.undo.remove(state.replicas, id);
  state.undo.remove(state.runs, taskKey);
}

/** The reason of an earlier state does not apply to this one. */
function observed(
  { reason: _reason, nodeId: _node, retry: _retry, ...replica }: Replica,
  state: Replica['observed'],
  { at, nowMs }: Moment,
): Replica {
  return { ...replica, observed: state, sinceAt: at, sinceMs: nowMs };
}

function put(state: DurableState, replica: Replica): void {
  state.undo.put(state.replicas, replica.id, replica);
}

function serviceOf(state: DurableState, name: string): Service {
  const service = state.services.get(name);
  if (!service) throw new Error(`service ${name} is not there`);
  return service;
}

function replicaOf(state: DurableState, id: string): Replica {
  const replica = state.replicas.get(id);
  if (!replica) throw new Error(`replica ${id} is not there`);
  return replica;
}
