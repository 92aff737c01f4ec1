/**
 * What must hold of services, beside what holds of everything (`../audit.ts`):
 *
 * F1. The unfinished runs of services are those of their open replicas, one of each.
 * F2. A replica that has ended by itself does not start again before its pause is over, unless it is renewed; so it is after a restart.
 * F3. No more replicas are placed than are asked for, and one on each cluster where each belongs to a cluster.
 * F4. In the end, each service has what it asks for, or says with counts what it does not have, and why.
 * F5. In the end, what runs on the clusters is what is asked for, and nothing else.
 */

import { labelsOf } from '../../../src/model/cluster.js';
import { hasEnded } from '../../../src/model/execution.js';
import type { Fact } from '../../../src/model/facts.js';
import { isUp, type Replica, type Service, serviceGraphName } from '../../../src/model/service.js';
import type { Journal } from '../../../src/orchestrator/core/journal.js';
import { replicasOf } from '../../../src/orchestrator/core/services/replicas.js';
import type { State } from '../../../src/orchestrator/core/state.js';
import { hasLabels } from '../../../src/scheduling/placement.js';
import { Audit, check } from '../audit.js';
import type { Job } from './job.js';
import type { Machine } from './machine.js';
import { OperationAudit } from './operation-promises.js';

/** Deadlines fall due up to so much earlier or later than they say. */
const GRAIN_MS = 30;

interface Pause {
  /** Unix milliseconds. */
  readonly until: number;
  readonly generation: number;
}

export class FleetAudit extends Audit {
  /** Whether somebody has set the wall clock: pauses are measured against it over a restart. */
  isWallClockTrue = true;
  /** A handler threw over a word that is said once on each connection: that a command has begun. */
  isBeginningLost = false;
  readonly #pauses = new Map<string, Pause>();
  /** Of the newest run of each replica. */
  readonly #generations = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  readonly #operations = new OperationAudit();

  override committed(state: State, journal: Journal): void {
    super.committed(state, journal);
    for (const { fact } of journal.facts) this.#operations.follow(state, fact);
    this.#operations.settled(state);
    const placed = new Set<string>();
    for (const { fact, at } of journal.events) {
      this.#checkPause(state, fact, at);
      if (fact.type === 'replica.placed') placed.add(fact.service);
    }
    for (const name of placed) this.#checkCount(state, name);
    for (const { spec } of state.services.values()) this.#counts.set(spec.name, spec.count);
    checkRuns(state);
  }

  override thrown(error: Error): void {
    super.thrown(error);
    if (/ (execution\.(running|accepted|confirmed)|replica\.running)$/.test(error.message))
      this.isBeginningLost = true;
  }

  /** F2 */
  #checkPause(state: State, fact: Fact, at: number): void {
    if (fact.type === 'replica.placed') {
      const pause = this.#pauses.get(fact.replica_id);
      this.#pauses.delete(fact.replica_id);
      this.#generations.set(fact.replica_id, fact.generation);
      // Another replica may have got the number of one that is forgotten.
      if (!pause || fact.restarts === 0 || !this.isWallClockTrue || pause.generation < fact.generation)
        return;
      const early = pause.until - at;
      check(early <= GRAIN_MS, `${fact.replica_id} starts again ${early} ms before its pause is over`);
    } else if ('retry_at' in fact && 'replica_id' in fact && fact.retry_at !== undefined) {
      const generation = this.#generations.get(fact.replica_id)!;
      this.#pauses.set(fact.replica_id, { until: Date.parse(fact.retry_at), generation });
    } else if (fact.type === 'service.applied' && fact.desired !== 'running') {
      // One that is stopped and started again begins anew.
      for (const { id } of replicasOf(state, fact.service)) this.#pauses.delete(id);
    }
  }

  /** F3. In one batch, a service may have been scaled after a replica was placed. */
  #checkCount(state: State, name: string): void {
    const service = state.services.get(name);
    if (!service) return;
    const wanted = replicasOf(state, name).filter(({ desired }) => desired === 'running');
    if (isPinned(service)) {
      const clusters = new Set(wanted.map(({ pinned }) => pinned));
      check(
        clusters.size === wanted.length,
        `${name} has ${wanted.length} replicas on ${clusters.size} clusters`,
      );
      return;
    }
    const most = Math.max(service.spec.count, this.#counts.get(name) ?? 0);
    check(wanted.length <= most, `${name} has ${wanted.length} replicas, ${most} are asked for`);
  }
}

/** F1 */
function checkRuns(state: State): void {
  const open = [...state.replicas.values()].filter(({ isOpen }) => isOpen);
  const graphs = new Set([...state.services.keys()].map(serviceGraphName));
  const runs = [...state.tasks.values()].filter(({ graph }) => graph.key.name.startsWith('service:'));
  for (const { key, graph } of runs) {
    const isOfReplica = state.replicas.get(state.runs.get(key) ?? '')?.taskKey === key;
    check(graphs.has(graph.key.name) && isOfReplica, `${key} of ${graph.key.name} is a run of no replica`);
  }
  for (const { id, taskKey } of open) check(state.tasks.has(taskKey), `${id} is open, its run is not there`);
  check(open.length === runs.length, `${open.length} replicas are open, there are ${runs.length} runs`);
}

function isPinned({ spec }: Service): boolean {
  return spec.type === 'daemon' || spec.type === 'ops';
}

/** F4 */
export function checkService(state: State, service: Service): void {
  const { spec, desired, reasons } = service;
  const { name, type } = spec;
  const replicas = replicasOf(state, name);
  check(desired !== 'removed', `${name} is removed, and still there`);
  if (desired === 'stopped') {
    const open = replicas.filter(({ isOpen }) => isOpen);
    check(open.length === 0, `${name} is stopped, ${open.length} of its replicas are open`);
    return;
  }
  const kept = replicas.filter((replica) => replica.desired === 'running');
  const isDone = ({ observed, isOpen }: Replica): boolean =>
    !isOpen && (type === 'ops' || (type === 'batch' && observed === 'completed'));
  const missing = kept.filter((replica) => !isUp(spec, replica) && !isDone(replica));
  const told = reasons.reduce((sum, reason) => sum + Number(/^(\d+) of/.exec(reason)?.[1] ?? 0), 0);
  const says = `${name} (${type}): ${JSON.stringify({ reasons, replicas: replicas.map(said) })}`;
  if (isPinned(service)) {
    const fits = [...state.clusters.values()].filter(
      (cluster) => cluster.status === 'active' && hasLabels({ labels: labelsOf(cluster) }, spec.require),
    );
    const without = type === 'daemon' ? fits.filter((c) => !kept.some((each) => each.pinned === c.name)) : [];
    check(without.length === 0, `${without.map((c) => c.name)} has no replica of ${says}`);
  } else check(kept.length === spec.count, `${spec.count} replicas are asked for of ${says}`);
  if (type === 'ops') return;
  check(told >= missing.length, `${missing.length} replicas are not up, and nothing says so of all: ${says}`);
  check(missing.every(mayWait), `nothing keeps a replica from being up: ${says}`);
  const stale = kept.filter(({ generation, isOpen }) => isOpen && generation < service.generation);
  check(stale.length === 0 || missing.length > 0, `replicas of an older generation are left: ${says}`);
}

/** When everything is calm, only a place can be missing. */
function mayWait({ observed }: Replica): boolean {
  return observed === 'pending';
}

function said({ id, observed, desired, isOpen, cluster, reason, failures, generation }: Replica): unknown {
  return { id, observed, desired, isOpen, cluster, reason, failures, generation };
}

/** F5 */
export function checkMachines(state: State, machines: Iterable<Machine>): void {
  const running = [...machines].flatMap(({ jobs }) => [...jobs.values()]).filter(({ isAlive }) => isAlive);
  const isAskedFor = ({ executionId, replica, isStep }: Job): boolean => {
    const execution = state.executions.get(executionId);
    if (isStep) return execution?.desired === 'running';
    return execution?.desired === 'running' && state.replicas.get(replica)?.taskKey === execution.task.key;
  };
  for (const job of running) check(isAskedFor(job), `${job.replica} runs, and nobody asks for it`);
  const held = new Set(running.map(({ executionId }) => executionId));
  for (const { id, observed } of state.executions.values())
    check(hasEnded(observed) || held.has(id), `execution ${id} is ${observed}, and runs nowhere`);
}
