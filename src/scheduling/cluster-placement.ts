/**
 * Which cluster gets an execution of a run module: of those that fit, the one that is least loaded for its slots; among equals the one with
 * the most of its data there, then one that has worked on the same problem, then the least recently used.
 *
 * P1. A cluster that is ruled out has one reason, the one that is hardest to change: its labels, its status, its agent, its size, its load.
 * P2. What a cluster does not state of its resources is not limited.
 */
import type { ClusterResources, ClusterStatus } from '../model/cluster.js';
import type { Resources } from '../model/run.js';
import type { Wait } from '../model/waiting.js';
import { hasLabels } from './placement.js';

/** A cluster, as far as the choice needs to know it. */
export interface Place {
  /** Its agent's; nothing where none has ever been here. */
  readonly nodeId: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: ClusterStatus;
  /** Why its agent takes no work. */
  readonly obstacle: Obstacle | undefined;
  readonly taken: number;
  readonly capacity: number;
  /** In all, and what executions take of it. */
  readonly resources: ClusterResources;
  readonly used: Required<ClusterResources>;
  readonly lastUsed: number;
  /** Of the inputs and files that the execution needs, in bytes. */
  readonly bytesThere: number;
  readonly knowsProblem: boolean;
}

/** In the words of a sentence about one cluster, and about several: `is offline`, `are offline`. */
export type Obstacle = readonly [one: string, many: string];

export interface Wanted {
  readonly require: Readonly<Record<string, string>>;
  readonly resources: Resources;
}

/** The cluster to take, or nothing when none can take it now. */
export function pickPlace<P extends Place>(places: Iterable<P>, wanted: Wanted): P | undefined {
  let best: P | undefined;
  for (const place of places) {
    if (ruledOut(place, wanted) === undefined && (!best || isBetter(place, best))) best = place;
  }
  return best;
}

function isBetter(a: Place, b: Place): boolean {
  const [load, other] = [a.taken * b.capacity, b.taken * a.capacity];
  if (load !== other) return load < other;
  if (a.bytesThere !== b.bytesThere) return a.bytesThere > b.bytesThere;
  if (a.knowsProblem !== b.knowsProblem) return a.knowsProblem;
  return a.lastUsed < b.lastUsed;
}

/** Those that would be taken, but for their load. */
export function fitting<P extends Place>(places: Iterable<P>, wanted: Wanted): P[] {
  return [...places].filter((place) => excluded(place, wanted) === undefined);
}

/** Each as the choice sees it, the best first: the free share of its slots, or why it is ruled out. */
export function rankPlaces<P extends Place>(
  places: readonly P[],
  wanted: Wanted,
): { readonly place: P; readonly score?: number; readonly reason?: string }[] {
  const able: P[] = [];
  const others: { readonly place: P; readonly reason: string }[] = [];
  for (const place of places) {
    const obstacle = ruledOut(place, wanted);
    if (obstacle) others.push({ place, reason: obstacle[0] });
    else able.push(place);
  }
  able.sort((a, b) => (isBetter(a, b) ? -1 : 1));
  const scored = able.map((place) => {
    const { taken, capacity } = place;
    return { place, score: Math.round(((capacity - taken) / capacity) * 1000) / 1000 };
  });
  return [...scored, ...others];
}

/** How many such executions could begin at this moment. */
export function roomFor(places: Iterable<Place>, wanted: Wanted): number {
  let room = 0;
  for (const place of places) {
    if (ruledOut(place, wanted) !== undefined) continue;
    let free = place.capacity - place.taken;
    for (const { of, amount } of amounts(wanted.resources)) {
      const all = place.resources[of];
      if (all !== undefined) free = Math.min(free, Math.floor((all - place.used[of]) / amount));
    }
    room += free;
  }
  return room;
}

/** `waiting for a cluster: 3 of 4 lack gpu=true, 1 is inactive`. */
export function shortageOfPlaces(places: Iterable<Place>, wanted: Wanted): Wait {
  const all = [...places];
  const fitting = all.filter((place) => excluded(place, wanted) === undefined).length;
  return {
    waiting:
      fitting > 0
        ? { code: 'no_free_cluster', clusters: fitting }
        : { code: 'no_cluster', clusters: all.length },
    reason: sentence(all.map((place) => ruledOut(place, wanted) ?? FREE)),
  };
}

/** The same as long as only the load changes. */
export function standingOf(places: Iterable<Place>, wanted: Wanted): string {
  return sentence([...places].map((place) => excluded(place, wanted) ?? FREE));
}

const FREE: Obstacle = ['is free', 'are free'];

function sentence(obstacles: readonly Obstacle[]): string {
  const counts = new Map<string, { readonly obstacle: Obstacle; count: number }>();
  for (const obstacle of obstacles) {
    const known = counts.get(obstacle[1]);
    if (known) known.count += 1;
    else counts.set(obstacle[1], { obstacle, count: 1 });
  }
  if (counts.size === 0) return 'waiting for a cluster: there is none';
  const parts = [...counts.values()]
    .sort((a, b) => b.count - a.count)
    .map(({ obstacle: [one, many], count }, index) => {
      const of = index === 0 ? ` of ${obstacles.length}` : '';
      return `${count}${of} ${count === 1 ? one : many}`;
    });
  return `waiting for a cluster: ${parts.join(', ')}`;
}

/** P1. */
function ruledOut(place: Place, wanted: Wanted): Obstacle | undefined {
  return excluded(place, wanted) ?? overloaded(place, wanted);
}

/** Whatever its load. */
function excluded(place: Place, { require, resources }: Wanted): Obstacle | undefined {
  if (!hasLabels(place, require)) {
    const lacking = Object.entries(require).filter(([label, value]) => place.labels[label] !== value);
    const labels = lacking.map(([label, value]) => `${label}=${value}`).join(', ');
    return [`lacks ${labels}`, `lack ${labels}`];
  }
  if (place.status !== 'active') return [`is ${place.status}`, `are ${place.status}`];
  if (place.obstacle) return place.obstacle;
  for (const { of, amount } of amounts(resources)) {
    const all = place.resources[of];
    if (all !== undefined && amount > all) {
      const less = lessThan(of, amount, '');
      return [`has ${less}`, `have ${less}`];
    }
  }
  return undefined;
}

/** P2. */
function overloaded({ taken, capacity, resources, used }: Place, wanted: Wanted): Obstacle | undefined {
  if (taken >= capacity) return ['has no free slot', 'have no free slot'];
  for (const { of, amount } of amounts(wanted.resources)) {
    const all = resources[of];
    if (all !== undefined && amount > all - used[of]) {
      const less = lessThan(of, amount, 'free ');
      return [`has ${less}`, `have ${less}`];
    }
  }
  return undefined;
}

type Countable = keyof ClusterResources;

/** The resources that an execution needs. */
function amounts({ cpus, memoryBytes = 0, gpus = 0 }: Resources): { of: Countable; amount: number }[] {
  const all = [
    { of: 'cpus', amount: cpus },
    { of: 'memoryBytes', amount: memoryBytes },
    { of: 'gpus', amount: gpus },
  ] as const;
  return all.filter(({ amount }) => amount > 0);
}

function lessThan(of: Countable, amount: number, free: string): string {
  if (of === 'memoryBytes') return `less than ${formatBytes(amount)} of ${free}memory`;
  const unit = of === 'cpus' ? 'cpu' : 'gpu';
  return `fewer than ${amount} ${free}${unit}${amount === 1 ? '' : 's'}`;
}

/** In the largest unit that leaves a whole number. */
function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [amount, unit] = [bytes, 0];
  while (unit < units.length - 1 && amount >= 1024 && amount % 1024 === 0) {
    amount /= 1024;
    unit += 1;
  }
  return `${amount}${units[unit]}`;
}
