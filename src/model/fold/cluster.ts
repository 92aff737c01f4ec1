/** The fold of facts about clusters. */
import { type Cluster, clusterFromFields } from '../cluster.js';
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';

/** Both say all of the cluster: one that is changed keeps the time of its creation. */
export function putCluster(
  state: DurableState,
  fact: FactOf<'cluster.added'> | FactOf<'cluster.changed'>,
  { at }: Moment,
): void {
  const { type: kind, cluster: name, engine, ...fields } = fact;
  const createdAt = kind === 'cluster.changed' ? clusterOf(state, name).createdAt : at;
  state.undo.put(state.clusters, name, {
    ...clusterFromFields({ ...fields, name, type: engine }),
    createdAt,
  });
}

export function removeCluster(state: DurableState, { cluster }: FactOf<'cluster.removed'>): void {
  clusterOf(state, cluster);
  state.undo.remove(state.clusters, cluster);
}

function clusterOf(state: DurableState, name: string): Cluster {
  const cluster = state.clusters.get(name);
  if (!cluster) throw new Error(`cluster ${name} is not there`);
  return cluster;
}
