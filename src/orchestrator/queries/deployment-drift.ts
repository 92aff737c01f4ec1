/** How what is there of a deployment differs from what was deployed. */
import type { DriftJson } from '../../contract/deployment.js';
import { serviceName } from '../../model/deployment.js';
import { isUp } from '../../model/service.js';
import type { ReplicaRow, ServiceRow } from '../tables/service-row.js';
import type { Planned } from './planned.js';

/** `replicas`: by service. `hasCluster`: whether there still is one of this name. */
export function driftOf(
  { plan, observed, services }: Planned,
  replicas: ReadonlyMap<string, readonly ReplicaRow[]>,
  hasCluster: (name: string) => boolean,
): DriftJson[] {
  return plan.blueprint.components.flatMap(({ name, service }): DriftJson[] => {
    if (!service) {
      const { state, cluster } = observed[name]!;
      if (state !== 'deployed' || cluster === undefined || hasCluster(cluster)) return [];
      const message = `cluster ${cluster} has been removed: an update brings the component up elsewhere`;
      return [{ component: name, kind: 'cluster_removed', message }];
    }
    const called = serviceName(plan, name);
    const own = services.get(called);
    if (!own || own.desired === 'removed') return [];
    if (own.desired === 'stopped') {
      const message = `service ${called} has been stopped: start it again`;
      return [{ component: name, kind: 'service_stopped', message }];
    }
    return (replicas.get(called) ?? []).flatMap((row) => driftOfReplica(name, own, row));
  });
}

function driftOfReplica(component: string, { spec }: ServiceRow, replica: ReplicaRow): DriftJson[] {
  const { replica_id: id, desired, observed, open: isOpen, cluster, ending, reason } = replica;
  if (desired === 'stopped') {
    if (!isOpen) return [];
    const message = `${id} on ${cluster ?? 'no cluster'} is no longer asked for, and is being stopped`;
    return [{ component, kind: 'replica_not_asked_for', message }];
  }
  if (isUp(spec, { observed, isOpen }) || observed === 'completed') return [];
  const why = ending?.reason ?? reason;
  const message = `${id} is ${observed}${why === undefined ? '' : `: ${why}`}`;
  return [{ component, kind: 'replica_down', message }];
}
