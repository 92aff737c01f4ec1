/**
 * Plans the changes of a service by comparing the desired with the observed replicas. Pure; each plan is carried out at once, and what
 * it changes leads to the next.
 *
 * S1. Never more replicas than asked for are desired at a time: one is renewed or moved by stopping it first.
 * S2. One is renewed or moved at a time, and a new generation goes on only while all that is of it is up.
 * S3. A replica that ends by itself starts again later each time, and at once when it had lasted.
 * S4. What a replica does changes nothing about the others.
 */
import type { ClusterStatus } from '../model/cluster.js';
import { isUp, type Replica, type ReplicaEnd, type Service } from '../model/service.js';

/** A cluster that has the labels that the service requires. */
export interface FittingCluster {
  readonly name: string;
  readonly status: ClusterStatus;
}

/** The observed state of a service. Times are of the monotonic clock. */
export interface FleetView {
  readonly service: Service;
  /** By their numbers. */
  readonly replicas: readonly Replica[];
  /** By their names. */
  readonly clusters: readonly FittingCluster[];
  /** The replica's node, if it is registered and started. */
  nodeOf(replica: Replica): string | undefined;
  /** Since when its cluster is out of reach, if it is. */
  awaySince(replica: Replica): number | undefined;
  /** Why no cluster has got it so far. */
  waitsFor(replica: Replica): string | undefined;
  /** The status of the cluster that it is on. */
  statusOf(replica: Replica): ClusterStatus | undefined;
}

export type FleetStep =
  /** A first run, or the next one. `pinned`: on this cluster only. */
  | { readonly kind: 'place'; readonly number: number; readonly pinned: string | undefined }
  /** `again`: it is to run again after that. */
  | {
      readonly kind: 'stop';
      readonly replica: Replica;
      readonly as: ReplicaEnd;
      readonly reason: string;
      readonly again: boolean;
    }
  | { readonly kind: 'forget'; readonly replica: Replica }
  | { readonly kind: 'ready'; readonly replica: Replica; readonly nodeId: string }
  /** It runs; its node is no longer there, or its cluster is there again. */
  | { readonly kind: 'running'; readonly replica: Replica }
  | { readonly kind: 'lost'; readonly replica: Replica; readonly reason: string }
  | { readonly kind: 'steady'; readonly replica: Replica }
  | { readonly kind: 'remove' };

export interface FleetPlan {
  readonly steps: readonly FleetStep[];
  /** Why the service is degraded; empty where it is not. */
  readonly reasons: readonly string[];
  /** Look at it again at this moment. */
  readonly followUpMs: number | undefined;
}

export function scheduleFleet(view: FleetView, nowMs: number): FleetPlan {
  return new FleetPlanner(view, nowMs).plan();
}

class FleetPlanner {
  readonly #view: FleetView;
  readonly #service: Service;
  readonly #nowMs: number;
  readonly #steps: FleetStep[] = [];
  #followUpMs: number | undefined;

  constructor(view: FleetView, nowMs: number) {
    this.#view = view;
    this.#service = view.service;
    this.#nowMs = nowMs;
  }

  plan(): FleetPlan {
    const { replicas } = this.#view;
    const { desired } = this.#service;
    for (const replica of replicas) if (replica.isOpen) this.#observe(replica);
    // Observations come first: they may be all that is missing.
    if (this.#steps.length > 0) return this.#planned(this.#service.reasons);
    if (desired !== 'running') {
      this.#stopAll(desired === 'removed');
      return this.#planned([]);
    }
    for (const replica of replicas)
      if (replica.desired === 'stopped' && !replica.isOpen) this.#steps.push({ kind: 'forget', replica });
    const active = replicas.filter((replica) => replica.desired === 'running');
    const isPinned = this.#isPinned();
    const kept = isPinned ? this.#fitClusters(active) : this.#fitCount(active);
    for (const replica of kept) if (!replica.isOpen) this.#restart(replica);
    this.#renew(kept);
    return this.#planned(this.#judge(kept));
  }

  /** Each of its replicas belongs to a cluster. */
  #isPinned(): boolean {
    const { type } = this.#service.spec;
    return type === 'daemon' || type === 'ops';
  }

  #planned(reasons: readonly string[]): FleetPlan {
    return { steps: this.#steps, reasons, followUpMs: this.#followUpMs };
  }

  /** S4. */
  #observe(replica: Replica): void {
    const { module, disconnect, startupDeadlineMs, restart } = this.#service.spec;
    const isPlaced = replica.observed !== 'pending';
    const away = isPlaced ? this.#view.awaySince(replica) : undefined;
    if (replica.observed === 'lost') {
      if (away === undefined) this.#steps.push({ kind: 'running', replica });
      return;
    }
    if (away !== undefined && disconnect && this.#isDue(away + disconnect.lostAfterMs)) {
      const reason = `the cluster ${replica.cluster ?? ''} is out of reach`;
      this.#steps.push({ kind: 'lost', replica, reason });
      return;
    }
    const nodeId = module === undefined ? undefined : this.#view.nodeOf(replica);
    if (replica.observed === 'running' && nodeId !== undefined)
      this.#steps.push({ kind: 'ready', replica, nodeId });
    else if (replica.observed === 'ready' && nodeId === undefined && away === undefined)
      this.#steps.push({ kind: 'running', replica });
    else if (this.#isUp(replica)) {
      if (replica.failures > 0 && this.#isDue(replica.sinceMs + restart.maxBackoffMs))
        this.#steps.push({ kind: 'steady', replica });
    } else if (isPlaced && away === undefined && startupDeadlineMs !== undefined && !replica.ending) {
      if (!this.#isDue(replica.startedMs + startupDeadlineMs)) return;
      const reason = `it was not ${module === undefined ? 'running' : 'ready'} within ${startupDeadlineMs} ms`;
      this.#steps.push({ kind: 'stop', replica, as: 'failed', reason, again: true });
    }
  }

  #isUp(replica: Replica): boolean {
    return isUp(this.#service.spec, replica);
  }

  /** Whether the moment has come; if not, the service is looked at again when it does. */
  #isDue(atMs: number): boolean {
    if (atMs <= this.#nowMs) return true;
    this.#followUpMs = Math.min(atMs, this.#followUpMs ?? Number.POSITIVE_INFINITY);
    return false;
  }

  #stopAll(isRemoved: boolean): void {
    const { replicas } = this.#view;
    for (const replica of replicas) {
      if (replica.isOpen) {
        if (replica.desired === 'running') this.#stop(replica, isRemoved ? 'removed' : 'stopped by a user');
      } else if (isRemoved) this.#steps.push({ kind: 'forget', replica });
    }
    if (isRemoved && replicas.every(({ isOpen }) => !isOpen)) this.#steps.push({ kind: 'remove' });
  }

  #stop(replica: Replica, reason: string): void {
    if (replica.isOpen) this.#steps.push({ kind: 'stop', replica, as: 'stopped', reason, again: false });
    else this.#steps.push({ kind: 'forget', replica });
  }

  /** S1. As many as asked for. Those that are lost for good make room for others. */
  #fitCount(active: readonly Replica[]): readonly Replica[] {
    const { count, disconnect } = this.#service.spec;
    const isGone = ({ observed, isOpen }: Replica): boolean =>
      observed === 'lost' && isOpen && disconnect?.replace === true;
    for (const replica of active.filter(isGone))
      this.#steps.push({ kind: 'stop', replica, as: 'lost', reason: replica.reason ?? 'lost', again: false });
    const here = active.filter((replica) => !isGone(replica));
    const ranked = [...here].sort(
      (a, b) => Number(this.#isUp(b)) - Number(this.#isUp(a)) || a.number - b.number,
    );
    for (const replica of ranked.slice(count)) this.#stop(replica, 'scaled down');
    const taken = this.#takenNumbers();
    for (let missing = count - here.length, number = 1; missing > 0; number += 1) {
      if (taken.has(number)) continue;
      this.#steps.push({ kind: 'place', number, pinned: undefined });
      missing -= 1;
    }
    return ranked.slice(0, count).sort((a, b) => a.number - b.number);
  }

  /** One on each cluster that fits. Where a cluster gets no new work, only what is there already stays, unless it is drained. */
  #fitClusters(active: readonly Replica[]): readonly Replica[] {
    const { clusters } = this.#view;
    const { spec, generation } = this.#service;
    const has = (name: string): boolean => active.some(({ pinned }) => pinned === name);
    const isOnce = spec.type === 'ops';
    const isWanted = ({ name, status }: FittingCluster): boolean =>
      status === 'active' || (has(name) && (isOnce || status === 'inactive'));
    const wanted = new Set(clusters.filter(isWanted).map(({ name }) => name));
    const kept = active.filter(({ pinned }) => wanted.has(pinned!));
    for (const replica of active)
      if (!kept.includes(replica)) this.#stop(replica, `the cluster ${replica.pinned} no longer fits`);
    // It runs on those that fit when it is asked for.
    if (isOnce && active.some((replica) => replica.generation === generation)) return kept;
    const taken = this.#takenNumbers();
    let number = 0;
    for (const name of wanted) {
      if (has(name)) continue;
      do number += 1;
      while (taken.has(number));
      this.#steps.push({ kind: 'place', number, pinned: name });
    }
    return kept;
  }

  /** A number is of one replica at a time. */
  #takenNumbers(): ReadonlySet<number> {
    const isThere = ({ desired, isOpen }: Replica): boolean => desired === 'running' || isOpen;
    return new Set(this.#view.replicas.filter(isThere).map(({ number }) => number));
  }

  /** S3. Its next run, where there is to be one, once its pause is over. */
  #restart(replica: Replica): void {
    const { spec, generation } = this.#service;
    const isOfOlder = replica.generation < generation;
    if (!isOfOlder) {
      if (replica.observed === 'completed' && spec.type === 'batch') return;
      if (spec.type === 'ops' && replica.observed !== 'stopped') return;
      if (replica.retry && !this.#isDue(replica.retry.dueMs)) return;
    }
    this.#steps.push({ kind: 'place', number: replica.number, pinned: replica.pinned });
  }

  /** S2 */
  #renew(kept: readonly Replica[]): void {
    const { spec, generation } = this.#service;
    const open = kept.filter(({ isOpen }) => isOpen);
    if (open.some(({ ending }) => ending !== undefined)) return;
    const older = open.filter((replica) => replica.generation < generation);
    // Of the new generation, all that there is to be is up; one of the older that has just stopped is none of either.
    const isSettled = kept.every(
      (replica) => this.#isUp(replica) || this.#isDone(replica) || older.includes(replica),
    );
    const unfit = older.find((replica) => !this.#isUp(replica)) ?? (isSettled ? older[0] : undefined);
    if (unfit) {
      const reason = 'renewed';
      this.#steps.push({ kind: 'stop', replica: unfit, as: 'stopped', reason, again: true });
      return;
    }
    if (spec.type !== 'service') return;
    const isComing = (replica: Replica): boolean =>
      !this.#isUp(replica) && this.#view.waitsFor(replica) === undefined && replica.failures === 0;
    if (kept.some((replica) => isComing(replica) && !this.#isDone(replica))) return;
    const isLeaving = (replica: Replica): boolean =>
      replica.observed !== 'pending' && this.#view.statusOf(replica) === 'draining';
    const leaving = open.find(isLeaving);
    if (!leaving) return;
    const reason = `moved: the cluster ${leaving.cluster} is being drained`;
    this.#steps.push({ kind: 'stop', replica: leaving, as: 'stopped', reason, again: true });
  }

  #isDone({ observed, isOpen }: Replica): boolean {
    const { type } = this.#service.spec;
    return !isOpen && ((observed === 'completed' && type === 'batch') || type === 'ops');
  }

  /** Of the replicas that there are to be, those with which something is wrong, by what it is. */
  #judge(kept: readonly Replica[]): readonly string[] {
    const all = this.#isPinned() ? kept.length : this.#service.spec.count;
    if (this.#isPinned() && kept.length === 0 && !this.#steps.some(({ kind }) => kind === 'place'))
      return ['no cluster fits'];
    const counts = new Map<string, number>();
    for (const replica of kept) {
      const wrong = this.#wrongWith(replica);
      if (wrong !== undefined) counts.set(wrong, (counts.get(wrong) ?? 0) + 1);
    }
    return [...counts]
      .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
      .map(([wrong, count]) => `${count} of ${all} ${all === 1 ? 'replica' : 'replicas'}: ${wrong}`);
  }

  #wrongWith(replica: Replica): string | undefined {
    if (replica.ending) return undefined;
    if (!replica.isOpen) {
      if (replica.observed === 'stopped' || (replica.observed === 'completed' && !replica.retry))
        return undefined;
      return `${replica.observed}: ${replica.reason ?? 'it gave no reason'}`;
    }
    if (replica.observed === 'lost') return `lost: ${replica.reason ?? 'its cluster is out of reach'}`;
    if (replica.observed === 'pending') return this.#view.waitsFor(replica);
    if (this.#view.awaySince(replica) !== undefined)
      return `the cluster ${replica.cluster ?? ''} is out of reach`;
    return replica.failures > 0 ? 'has recently ended and restarted' : undefined;
  }
}
