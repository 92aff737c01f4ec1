/** Services as people ask for them: applied, scaled, restarted, stopped, started and removed; and as they are shown. */

import { canonicalJson } from '../../../base/json/canonical.js';
import type { Open } from '../../../contract/answer.js';
import type { ResourcesJson } from '../../../contract/cluster.js';
import type { PlacementJson, ReplicaJson, ServiceJson } from '../../../contract/service.js';
import type { FactOf } from '../../../model/facts.js';
import type { BlobRef } from '../../../model/payload.js';
import type { Resources } from '../../../model/run.js';
import type { Replica, Service, ServiceSpec } from '../../../model/service.js';
import type { Answer, Request } from '../../port.js';
import { refusal } from '../../refusal.js';
import { storedProject } from '../../tables/row.js';
import { emit } from '../emit.js';
import { placementFor } from '../schedule/fleet.js';
import type { State } from '../state.js';
import { blobsOf } from '../tasks/graph-files.js';
import type { PreparedRequest, Turn } from '../turn.js';
import { replicasOf, waitsFor } from './replicas.js';
import { graphWith } from './service-graph.js';

type Apply = Extract<PreparedRequest, { kind: 'apply_service' }>;
type Commanded = Extract<Request, { kind: 'command_service' }>;

export function applyService(turn: Turn, request: Apply): Answer {
  const known = turn.state.services.get(request.spec.name);
  if (known?.spec.deployment !== undefined) return ofDeployment(known);
  const files = blobsOf(turn, request.files, 'bad_service');
  return files.ok ? settleService(turn, { ...request, files: files.blobs }) : files;
}

/** As a service is asked for, with its files. */
export type Settled = Pick<Apply, 'spec' | 'types' | 'typesJson' | 'project'> & {
  readonly files: Readonly<Record<string, BlobRef>>;
};

/** Stored, or changed: a change of what its replicas do renews them, one by one. */
export function settleService(turn: Turn, request: Settled): Answer {
  const { spec } = request;
  const known = turn.state.services.get(spec.name);
  if (known && known.spec.type !== spec.type) {
    const message = `is ${known.spec.type}, and stays so: remove the service first`;
    return refusal('conflict', 'type_fixed', `service ${spec.name} ${message}`, {
      details: [{ path: '/type', code: 'type_fixed', message }],
    });
  }
  const version = graphWith(turn, request);
  if (!known) {
    put(turn, { spec, project: request.project, desired: 'running', generation: 1, version });
    return { ok: true, kind: 'created', body: viewOf(turn.state, spec.name) };
  }
  const generation = version === known.version ? known.generation : known.generation + 1;
  // To ask for one that is being removed is to want it after all.
  const desired = known.desired === 'removed' ? 'running' : known.desired;
  const isOther =
    generation !== known.generation ||
    desired !== known.desired ||
    canonicalJson(spec) !== canonicalJson(known.spec);
  if (isOther) put(turn, { ...known, spec, desired, generation, version });
  return { ok: true, kind: 'done', body: viewOf(turn.state, spec.name) };
}

export function commandService(turn: Turn, { name, command, count }: Commanded): Answer {
  const service = turn.state.services.get(name);
  if (!service) return unknownService(name);
  if (service.desired === 'removed') return beingRemoved(name);
  switch (command) {
    case 'scale': {
      if (service.spec.deployment !== undefined) return ofDeployment(service);
      const { type } = service.spec;
      if (type === 'daemon' || type === 'ops')
        return refusal(
          'conflict',
          'not_scalable',
          `${name} is a ${type}: it has a replica on each cluster that fits`,
        );
      if (count === undefined)
        return refusal('invalid', 'count_needed', 'scaling needs a count', {
          details: [{ path: '/count', code: 'count_needed', message: 'is needed to scale' }],
        });
      if (count !== service.spec.count) put(turn, { ...service, spec: { ...service.spec, count } });
      break;
    }
    case 'restart':
      put(turn, { ...service, generation: service.generation + 1 });
      break;
    case 'stop':
      if (service.desired !== 'stopped') put(turn, { ...service, desired: 'stopped' });
      break;
    case 'start':
      if (service.desired !== 'running') put(turn, { ...service, desired: 'running' });
      break;
    default:
      command satisfies never;
  }
  return { ok: true, kind: 'accepted', body: viewOf(turn.state, name) };
}

/** As a person asks for it: a deployment removes its services itself. */
export function dropService(turn: Turn, name: string): Answer {
  const service = turn.state.services.get(name);
  return service?.spec.deployment === undefined ? removeService(turn, name) : ofDeployment(service);
}

/** Its replicas are stopped; then it is gone. */
export function removeService(turn: Turn, name: string): Answer {
  const service = turn.state.services.get(name);
  if (!service) return unknownService(name);
  if (service.desired !== 'removed') put(turn, { ...service, desired: 'removed' });
  return { ok: true, kind: 'accepted', body: { name } };
}

export function unknownService(name: string): Answer & { readonly ok: false } {
  return refusal('not_found', 'unknown_service', `no service ${name}`);
}

function ofDeployment({ spec }: Service): Answer {
  const message = `service ${spec.name} is a component of deployment ${spec.deployment}, which keeps it as its blueprint says`;
  return refusal('conflict', 'of_a_deployment', message, { hint: 'undeploy the deployment' });
}

function beingRemoved(name: string): Answer {
  return refusal('conflict', 'being_removed', `service ${name} is being removed`, { retryAfter: 1 });
}

function put(
  turn: Turn,
  {
    spec,
    project,
    desired,
    generation,
    version,
  }: Pick<Service, 'spec' | 'project' | 'desired' | 'generation' | 'version'>,
): void {
  const { name, type, module, count } = spec;
  const owner = storedProject(project);
  const fact: FactOf<'service.applied'> = {
    type: 'service.applied',
    ...{ service: name, service_type: type },
    ...(module !== undefined && { module }),
    ...{ count, desired, generation, spec, graph_version: version },
    ...(owner !== undefined && { owner }),
  };
  emit(turn, fact);
}

/** All of them, or the one of this name, as they are shown; by their names. */
export function serviceViews(state: State, name: string | undefined): Open<ServiceJson>[] {
  const names = name === undefined ? [...state.services.keys()].sort() : [name];
  return names.filter((one) => state.services.has(one)).map((one) => viewOf(state, one));
}

/** Every cluster as the ranking sees it for one more replica; nothing where there is no such service. */
export function placementViews(state: State, name: string): Open<PlacementJson>[] {
  const service = state.services.get(name);
  if (!service) return [];
  return placementFor(state, service.spec).map(({ cluster, score, reason }) => ({
    cluster,
    score: score ?? null,
    reason: reason ?? null,
  }));
}

function viewOf(state: State, name: string): Open<ServiceJson> {
  const service = state.services.get(name)!;
  const { spec, desired, generation, reasons } = service;
  return {
    ...fieldsOf(spec),
    deployment_id: spec.deployment ?? null,
    ...{ desired, generation, health: reasons.length > 0 ? 'degraded' : 'ok', reasons },
    replicas: replicasOf(state, name).map((replica) => replicaView(state, replica)),
    created_at: new Date(service.createdAt).toISOString(),
    updated_at: new Date(service.updatedAt).toISOString(),
  };
}

function fieldsOf({
  run,
  ...spec
}: ServiceSpec): Open<Pick<ServiceJson, 'name' | 'type' | 'count' | 'module'>> {
  const { name, type, count, module, require, restart, startupDeadlineMs, disconnect } = spec;
  const { work } = run;
  const command = work.kind === 'command' ? { command: work.argv } : undefined;
  const script = work.kind === 'script' ? { script: work.path, args: work.args } : undefined;
  return {
    ...{ name, type, count: type === 'service' || type === 'batch' ? count : null, module: module ?? null },
    ...{ ...command, ...script, files: Object.keys(run.files), env: run.env, require },
    resources: resourcesView(run.resources),
    restart: { backoff_ms: restart.backoffMs, max_backoff_ms: restart.maxBackoffMs },
    startup_deadline_ms: startupDeadlineMs ?? null,
    disconnect: disconnect ? { lost_after_ms: disconnect.lostAfterMs, replace: disconnect.replace } : null,
  };
}

function resourcesView({ cpus, memoryBytes, gpus, walltimeMs }: Resources): Open<ResourcesJson> {
  return {
    cpus,
    ...(memoryBytes !== undefined && { memory: memoryBytes }),
    ...(gpus !== undefined && { gpus }),
    ...(walltimeMs !== undefined && { walltime_ms: walltimeMs }),
  };
}

function replicaView(state: State, replica: Replica): ReplicaJson {
  const { id, desired, observed, nodeId, restarts, taskKey, retry, ending } = replica;
  const waits = observed === 'pending' ? waitsFor(state, replica) : undefined;
  return {
    replica_id: id,
    cluster: replica.cluster ?? replica.pinned ?? null,
    ...{ desired, observed, node_id: nodeId ?? null, restarts },
    reason: ending?.reason ?? replica.reason ?? waits ?? null,
    task_id: taskKey,
    since: new Date(replica.sinceAt).toISOString(),
    retry_at: retry ? new Date(retry.at).toISOString() : null,
  };
}
