/** The services of a deployment, and their replicas, as they are stored. */
import type { ComponentReplicaJson } from '../../contract/deployment.js';
import { type DeploymentPlan, serviceName } from '../../model/deployment.js';
import type { Reader } from '../../store/store.js';
import type { ReplicaRow, ServiceRow } from '../tables/service-row.js';
import * as tables from '../tables/tables.js';

/** Those that are there, by their names. */
export async function servicesOf(
  reader: Reader,
  deploymentId: string,
  plan: DeploymentPlan,
): Promise<Map<string, ServiceRow>> {
  const found = new Map<string, ServiceRow>();
  for (const { name, service } of plan.blueprint.components) {
    const row = service && (await tables.services.get(reader, [serviceName(plan, name)]));
    if (row?.spec.deployment === deploymentId) found.set(row.spec.name, row);
  }
  return found;
}

/** By service, in the order of their numbers. */
export async function replicasOf(
  reader: Reader,
  services: ReadonlyMap<string, ServiceRow>,
): Promise<Map<string, ReplicaRow[]>> {
  const found = new Map<string, ReplicaRow[]>();
  if (services.size > 0)
    for await (const { row } of tables.replicas.walk(reader, { prefix: [] }))
      if (services.has(row.service)) found.set(row.service, [...(found.get(row.service) ?? []), row]);
  for (const rows of found.values()) rows.sort((a, b) => a.number - b.number);
  return found;
}

export function replicaView({
  replica_id,
  cluster,
  pinned,
  ending,
  ...row
}: ReplicaRow): ComponentReplicaJson {
  return {
    ...{ replica_id, cluster: cluster ?? pinned ?? null, observed: row.observed, restarts: row.restarts },
    reason: ending?.reason ?? row.reason ?? null,
  };
}
