/**
 * Clusters: what people add, change and remove, and what follows for their agents.
 *
 * 1. An agent is the node of `AGENT_MODULE` whose instance is the cluster's name. Its slots and its labels are its cluster's.
 * 2. Whatever changes wakes what waits for a cluster, which also says anew what it waits for.
 */

import { canonicalJson } from '../../../base/json/canonical.js';
import type { Open } from '../../../contract/answer.js';
import type { ClusterJson } from '../../../contract/cluster.js';
import {
  type AgentState,
  type Cluster,
  type ClusterFields,
  clusterFields,
  LOCAL_CLUSTER,
  labelsOf,
  resourceFields,
} from '../../../model/cluster.js';
import type { FactOf } from '../../../model/facts.js';
import { AGENT_MODULE } from '../../../model/run.js';
import type { Answer, Request } from '../../port.js';
import { refusal } from '../../refusal.js';
import { emit } from '../emit.js';
import { type FleetNode, instanceKey, type State } from '../state.js';
import type { Settings, Turn } from '../turn.js';

/** The state that is needed to show clusters. */
interface Viewed {
  readonly state: State;
  readonly settings: Pick<Settings, 'controlEndpoint'>;
}

type RequestOf<K extends Request['kind']> = Extract<Request, { kind: K }>;

export function agentOf(state: Pick<State, 'nodesByInstance'>, cluster: string): FleetNode | undefined {
  return state.nodesByInstance.get(instanceKey(AGENT_MODULE, cluster));
}

export function addCluster(turn: Turn, { cluster }: RequestOf<'add_cluster'>): Answer {
  if (turn.state.clusters.has(cluster.name)) {
    const message = `there is a cluster ${cluster.name} already`;
    return refusal('conflict', 'name_taken', message, {
      details: [{ path: '/name', code: 'name_taken', message: 'is taken' }],
    });
  }
  put(turn, 'cluster.added', clusterFields(cluster));
  return { ok: true, kind: 'created', body: viewOf(turn, cluster.name) };
}

/** The configuration says how it is. What operators have made of its status stays, unless the configuration says that, too. */
export function declareCluster(turn: Turn, request: RequestOf<'declare_cluster'>): Answer {
  const known = turn.state.clusters.get(request.cluster.name);
  const { status = known?.status ?? 'active' } = request;
  const fields = clusterFields({ ...request.cluster, status });
  if (!known) put(turn, 'cluster.added', fields);
  else if (isOther(known, fields)) put(turn, 'cluster.changed', fields);
  return { ok: true, kind: 'done', body: viewOf(turn, fields.name) };
}

export function changeCluster(turn: Turn, request: RequestOf<'change_cluster'>): Answer {
  const known = turn.state.clusters.get(request.name);
  if (!known) return unknownCluster(request.name);
  const { status = known.status, slots = known.slots, labels = known.labels } = request;
  const fields = clusterFields({ ...known, status, slots, labels });
  if (isOther(known, fields)) put(turn, 'cluster.changed', fields);
  return { ok: true, kind: 'done', body: viewOf(turn, request.name) };
}

export function unknownCluster(name: string): Answer {
  return refusal('not_found', 'unknown_cluster', `no cluster ${name}`);
}

/** All of them, or the one of this name, as they are shown; by their names. */
export function clusterViews(turn: Viewed, name: string | undefined): Open<ClusterJson>[] {
  const { state } = turn;
  const names = name === undefined ? [...state.clusters.keys()].sort() : [name];
  return names.filter((one) => state.clusters.has(one)).map((one) => viewOf(turn, one));
}

/** Its agent is a node that must come with the slots and the labels of the cluster, whatever it says of itself. */
export function describeAgent(turn: Turn, cluster: Cluster, agent: FleetNode, version: string): void {
  emit(turn, {
    type: 'node.described',
    node_id: agent.nodeId,
    version,
    capacity: cluster.slots,
    labels: labelsOf(cluster),
    last_seen_at: agent.heardAt,
  });
}

/** Whether this node is the agent of a cluster that is there: then viewers are told that it is heard, or no longer is. */
export function noteAgent(turn: Turn, node: FleetNode, is: 'online' | 'offline', reason: string): void {
  const cluster = node.module === AGENT_MODULE ? turn.state.clusters.get(node.instance) : undefined;
  if (cluster) emit(turn, { type: `cluster.${is}`, cluster: cluster.name, reason });
}

function put(turn: Turn, type: 'cluster.added' | 'cluster.changed', fields: ClusterFields): void {
  const { name, type: engine, ...rest } = fields;
  emit(turn, { type, cluster: name, engine, ...rest } as FactOf<typeof type>);
  const agent = agentOf(turn.state, name);
  if (agent) describeAgent(turn, turn.state.clusters.get(name)!, agent, agent.version);
  turn.state.free(AGENT_MODULE);
}

function isOther(known: Cluster, fields: ClusterFields): boolean {
  return canonicalJson(clusterFields(known)) !== canonicalJson(fields);
}

function agentState(state: State, cluster: Cluster, agent: FleetNode | undefined): AgentState {
  if (agent?.route !== undefined && agent.liveness === 'alive') return 'online';
  const isStartedOnDemand = cluster.name === LOCAL_CLUSTER && cluster.agent === 'managed';
  return isStartedOnDemand && !agent && !hasCommands(state) ? 'not_needed' : 'offline';
}

/** Whether a version of a graph has a command. If so, one always will: versions are not removed. */
function hasCommands({ graphs }: State): boolean {
  for (const versions of graphs.values())
    if (versions.some(({ compiled }) => compiled.modules.some(({ spec }) => spec.run))) return true;
  return false;
}

function viewOf({ state, settings }: Viewed, name: string): Open<ClusterJson> {
  const cluster = state.clusters.get(name)!;
  const agent = agentOf(state, name);
  // Undeclared resources have the amounts that the agent has detected.
  const resources = cluster.resources ?? agent?.resources;
  return {
    ...clusterFields(cluster),
    ...(resources && { resources: resourceFields(resources) }),
    messenger: settings.controlEndpoint,
    created_at: new Date(cluster.createdAt).toISOString(),
    agent_state: agentState(state, cluster, agent),
    agent_error: agent?.status === 'ERROR' ? (agent.error ?? null) : null,
    running: agent?.executions.size ?? 0,
  };
}
