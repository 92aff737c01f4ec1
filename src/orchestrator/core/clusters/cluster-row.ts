/** Clusters as they are stored. */
import { type Cluster, clusterFields, clusterFromFields } from '../../../model/cluster.js';
import type { ClusterRow } from '../../tables/records.js';

export function clusterToRow(cluster: Cluster): ClusterRow {
  return { ...clusterFields(cluster), created_at: cluster.createdAt };
}

export function clusterFromRow({ created_at, ...fields }: ClusterRow): Cluster {
  return { ...clusterFromFields(fields), createdAt: created_at };
}
