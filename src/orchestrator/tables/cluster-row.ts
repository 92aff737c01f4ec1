/** Clusters as they are stored. */

import type { ClusterFields } from '../../model/cluster.js';
import { type Cluster, clusterFields, clusterFromFields } from '../../model/cluster.js';

export interface ClusterRow extends ClusterFields {
  readonly created_at: number;
}

export function clusterToRow(cluster: Cluster): ClusterRow {
  return { ...clusterFields(cluster), created_at: cluster.createdAt };
}

export function clusterFromRow({ created_at, ...fields }: ClusterRow): Cluster {
  return { ...clusterFromFields(fields), createdAt: created_at };
}
