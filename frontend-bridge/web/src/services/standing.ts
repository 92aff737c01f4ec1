/** How a service stands, in words and figures. */
import type { ReplicaJson, ServiceJson } from '../../../../src/contract/service.js';

export function standingOf({ desired, health, replicas }: ServiceJson): string {
  switch (desired) {
    case 'running':
      return health;
    case 'stopped':
      return replicas.some(isThere) ? 'stopping' : 'stopped';
    case 'removed':
      return 'being removed';
    default:
      return desired satisfies never;
  }
}

/** Of the replicas that there are to be, those that do their work or have done it. */
export function upOf({ count, desired, module, replicas }: ServiceJson): {
  readonly up: number;
  readonly wanted: number;
} {
  if (desired !== 'running') return { up: replicas.filter(isThere).length, wanted: 0 };
  const active = replicas.filter((replica) => replica.desired === 'running');
  const isUp = ({ observed }: ReplicaJson): boolean =>
    observed === 'ready' || observed === 'completed' || (observed === 'running' && module === null);
  return { up: active.filter(isUp).length, wanted: count ?? active.length };
}

/** Whether a cluster may have a process of it. */
function isThere({ observed }: ReplicaJson): boolean {
  return ['starting', 'running', 'ready', 'lost'].includes(observed);
}

/** Clusters by their names, each with how many of the replicas are there. */
export function clustersOf(replicas: readonly ReplicaJson[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const replica of replicas) {
    if (replica.cluster === null || !isThere(replica)) continue;
    counts.set(replica.cluster, (counts.get(replica.cluster) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** One that is on each cluster that fits, is being removed, or belongs to a deployment has as many replicas as it has. */
export function mayScale({ count, desired, deployment_id }: ServiceJson): boolean {
  return count !== null && desired !== 'removed' && deployment_id === null;
}
