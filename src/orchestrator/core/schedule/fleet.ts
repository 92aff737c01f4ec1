/**
 * The nodes as the scheduler sees them: those that play a module, and for run modules the clusters with their agents.
 *
 * F1. A plan counts what it has taken itself: one cluster, or one node, may get more than one execution by it.
 * F2. Silence never takes an execution from an agent that has accepted it: its command goes on without it.
 */
import type { Cluster } from '../../../model/cluster.js';
import type { BlobRef } from '../../../model/payload.js';
import { AGENT_MODULE, playedBy, type Resources, type RunSpec } from '../../../model/run.js';
import type { ServiceWork } from '../../../model/service.js';
import {
  type CompiledGraph,
  type CompiledModule,
  type Execution,
  requireOf,
  resourcesOf,
  slotClassOf,
  type Task,
} from '../../../model/task.js';
import type { Wait, Waiting } from '../../../model/waiting.js';
import {
  fitting,
  type Obstacle,
  type Place,
  pickPlace,
  rankPlaces,
  roomFor,
  shortageOfPlaces,
  standingOf,
  type Wanted,
} from '../../../scheduling/cluster-placement.js';
import type { Fleet } from '../../../scheduling/fleet.js';
import { type Candidate, hasLabels, pickNode } from '../../../scheduling/placement.js';
import { missingSecret } from '../access/secrets.js';
import { misfitOf } from '../nodes/module-types.js';
import { type FleetNode, instanceKey, lookUpKey, type State } from '../state.js';
import type { LookedUp } from '../turn.js';
import { blobsFor } from './assigned.js';

/** For one plan. `lookedUp`: what modules with `cache` may take, by `lookUpKey`. */
export function fleetOf(
  state: State,
  task: Task,
  lookedUp: ReadonlyMap<string, LookedUp>,
): Omit<Fleet, 'serviceOf'> {
  const planned = new Map<string, Resources[]>();
  const taken = new Map<string, number>();
  return {
    take(module) {
      const require = requireOf(task, module.position);
      if (!module.spec.run) {
        const nodeId = pickNode(peersBeside(state, task, module, taken), require)?.nodeId;
        if (nodeId !== undefined) taken.set(nodeId, (taken.get(nodeId) ?? 0) + 1);
        return nodeId;
      }
      if (missingSecret(state, module.spec.run) !== undefined) return undefined;
      const wanted = wantedOf(task, module.position);
      const blobs = blobsFor(state, task, module.position);
      const nodeId = pickPlace(placesOf(state, task, planned, blobs), wanted)?.nodeId;
      if (nodeId !== undefined) planned.set(nodeId, [...(planned.get(nodeId) ?? []), wanted.resources]);
      return nodeId;
    },
    recall({ position }, item) {
      const versions = versionsFor(state, task, position);
      // It waits for a node: until there is one, it is not known what counts.
      if (versions.size === 0) return undefined;
      const known = lookedUp.get(lookUpKey(task, position, item));
      if (!known) return 'not known';
      for (const version of versions) {
        const found = known.found.get(version);
        if (found) return found.result;
      }
      return undefined;
    },
    listOf({ position }) {
      const list = lookedUp.get(lookUpKey(task, position))?.list;
      if (!list) return { kind: 'not known' };
      return list.kind === 'failed' ? list : { kind: 'list', items: list.items.length };
    },
    resultsOf({ position }) {
      const results = lookedUp.get(lookUpKey(task, position))?.results;
      if (!results) return { kind: 'not known' };
      return results.kind === 'failed' || results.kind === 'no room' ? results : { kind: 'together' };
    },
    shortage: (module) =>
      module.spec.run
        ? (shortageOfSecrets(state, module.spec.run) ??
          shortageOfPlaces(placesOf(state, task, planned), wantedOf(task, module.position)))
        : shortageOf(state, task, module),
    isOrphaned: (execution) => isOrphaned(state, execution),
  };
}

/** Of the nodes that could be chosen for a module, a free slot or not. */
export function versionsFor(state: State, task: Task, position: number): Set<string> {
  const { spec } = task.graph.modules[position]!;
  if (!spec.run) {
    const require = requireOf(task, position);
    const nodes = placeable(state, task.graph, spec.name).filter((node) => hasLabels(node, require));
    return new Set(nodes.map(({ version }) => version));
  }
  if (missingSecret(state, spec.run) !== undefined) return new Set();
  const places = fitting(placesOf(state, task, new Map()), wantedOf(task, position));
  return new Set(places.flatMap(({ nodeId = '' }) => state.nodes.get(nodeId)?.version ?? []));
}

function isOrphaned(state: State, execution: Execution): boolean {
  const node = state.nodes.get(execution.nodeId);
  return node?.liveness === 'dead' && !outlivesSilence(node, execution);
}

/** F2. Whether it goes on although nothing is heard of its node. */
export function outlivesSilence({ module }: FleetNode, { observed }: Execution): boolean {
  return module === AGENT_MODULE && observed !== 'assigned';
}

/** Those that play it, with what a plan has taken of them already. */
function peersBeside(
  state: State,
  { graph }: Task,
  { spec }: CompiledModule,
  planned: ReadonlyMap<string, number>,
): Candidate[] {
  const peers = placeable(state, graph, spec.name);
  if (planned.size === 0) return peers;
  return peers.map(({ nodeId, taken, capacity, labels, lastUsed }) => {
    const more = planned.get(nodeId) ?? 0;
    return { nodeId, taken: taken + more, capacity, labels, lastUsed };
  });
}

/** Nodes that could get its executions, a free slot or not. */
export function placeable(state: State, graph: CompiledGraph, module: string): FleetNode[] {
  return [...(state.nodesByModule.get(module) ?? [])].filter(
    (node) => node.isPlaceable && misfitOf(state, node, graph) === undefined,
  );
}

/** Why no node of a module takes work. */
function shortageOf(state: State, task: Task, module: CompiledModule): Wait {
  const { graph } = task;
  const { name } = module.spec;
  const require = requireOf(task, module.position);
  const peers = placeable(state, graph, name);
  if (peers.length === 0) {
    const other = [...(state.nodesByModule.get(name) ?? [])].find((node) => node.isPlaceable);
    const misfit = other && misfitOf(state, other, graph);
    const version = `graph ${graph.key.name} version ${graph.key.version}`;
    if (misfit === undefined)
      return { waiting: { code: 'no_node', ...labelled(require) }, reason: `waiting for a node of ${name}` };
    const { instance } = other!;
    return {
      waiting: { code: 'no_node', ...labelled(require), misfit: { instance, reason: misfit } },
      reason: `waiting for a node of ${name} that fits ${version} (${instance}: ${misfit})`,
    };
  }
  if (!peers.some((node) => hasLabels(node, require))) {
    const labels = Object.entries(require).map(([label, value]) => `${label}=${value}`);
    return {
      waiting: { code: 'no_node', ...labelled(require) },
      reason: `waiting for a node of ${name} with ${labels.join(', ')}`,
    };
  }
  return { waiting: { code: 'no_free_slot' }, reason: `waiting for a free slot of ${name}` };
}

function labelled(labels: Readonly<Record<string, string>>): Pick<WaitsForNode, 'labels'> {
  return Object.keys(labels).length > 0 ? { labels } : {};
}

type WaitsForNode = Extract<Waiting, { readonly code: 'no_node' }>;

/** How many executions of a module that waits could begin at this moment. */
export function freeSlots(state: State, task: Task, position: number): number {
  const { spec } = task.graph.modules[position]!;
  if (spec.run) {
    const wanted = wantedOf(task, position);
    const places = placesOf(state, task, new Map());
    const locked = shortageOfSecrets(state, spec.run);
    const room = locked === undefined ? roomFor(places, wanted) : 0;
    return room > 0 ||
      !hasAnotherReason(state, slotClassOf(task, position), locked?.reason ?? standingOf(places, wanted))
      ? room
      : Number.POSITIVE_INFINITY;
  }
  const require = requireOf(task, position);
  let free = 0;
  for (const node of placeable(state, task.graph, playedBy(spec))) {
    if (hasLabels(node, require)) free += Math.max(0, node.capacity - node.taken);
  }
  return free;
}

function shortageOfSecrets(state: State, run: RunSpec): Wait | undefined {
  const secret = missingSecret(state, run);
  if (secret === undefined) return undefined;
  const reason = `waiting for the secret ${secret}: set it with \`tutti secret set ${secret}\``;
  return { waiting: { code: 'no_secret', secret }, reason };
}

/** Whether it is for another reason than before, load apart, that nothing begins: then all who wait say so. */
function hasAnotherReason(state: State, slotClass: string, standing: string): boolean {
  if (state.standings.get(slotClass) === standing) return false;
  state.undo.put(state.standings, slotClass, standing);
  return true;
}

function wantedOf(task: Task, position: number): Wanted {
  return { require: requireOf(task, position), resources: resourcesOf(task, position) };
}

/** Every cluster, as it would be with what a plan has taken already. `blobs`: what the execution needs there. */
function placesOf(
  state: State,
  task: Task,
  planned: ReadonlyMap<string, readonly Resources[]>,
  blobs: readonly BlobRef[] = [],
): Place[] {
  return [...state.clusters.values()].map((cluster) => placeOf(state, task, cluster, planned, blobs));
}

/** Without a task: as one of a problem that has been worked on nowhere would find it. */
function placeOf(
  state: State,
  task: Task | undefined,
  cluster: Cluster,
  planned: ReadonlyMap<string, readonly Resources[]>,
  blobs: readonly BlobRef[],
): Place {
  const agent = state.nodesByInstance.get(instanceKey(AGENT_MODULE, cluster.name));
  const more = (agent && planned.get(agent.nodeId)) ?? [];
  const running = [...(agent?.executions ?? [])].map((execution) =>
    resourcesOf(execution.task, execution.position),
  );
  return {
    nodeId: agent?.nodeId,
    labels: { ...cluster.labels, cluster: cluster.name, engine: cluster.type },
    status: cluster.status,
    obstacle: obstacleOf(agent),
    taken: (agent?.taken ?? 0) + more.length,
    capacity: cluster.slots,
    resources: { ...agent?.resources, ...cluster.resources },
    used: sumOf([...running, ...more]),
    lastUsed: agent?.lastUsed ?? 0,
    bytesThere: agent ? bytesAt(state, agent.nodeId, blobs) : 0,
    knowsProblem:
      task !== undefined && agent !== undefined && state.problemPlaces.has(problemPlace(task, agent.nodeId)),
  };
}

/** Every cluster as one more run of the service would find it, the best first. */
export function placementFor(
  state: State,
  { run, require }: ServiceWork,
): { readonly cluster: string; readonly score?: number; readonly reason?: string }[] {
  const places = [...state.clusters.values()].map((cluster) => ({
    ...placeOf(state, undefined, cluster, new Map(), []),
    name: cluster.name,
  }));
  return rankPlaces(places, { require, resources: run.resources }).map(({ place, ...rank }) => ({
    cluster: place.name,
    ...rank,
  }));
}

/**
 * The cluster that something would best be on, whatever its load now: one that could take it, or else one that has the labels and will when its
 * agent is back. `reason`: why there is none, with counts.
 */
export function clusterFor(
  state: State,
  wanted: Wanted,
): { readonly cluster: string } | { readonly reason: string } {
  const places = [...state.clusters.values()].map((cluster) => ({
    ...placeOf(state, undefined, cluster, new Map(), []),
    name: cluster.name,
  }));
  const ranked = rankPlaces(places, wanted);
  const able = fitting(places, wanted);
  const labelled = places.filter((place) => place.status === 'active' && hasLabels(place, wanted.require));
  const found = ranked.find(({ place }) => able.includes(place))?.place ?? labelled[0];
  return found ? { cluster: found.name } : { reason: shortageOfPlaces(places, wanted).reason };
}

/** Whether a cluster could take something now, its load apart. */
export function isPlaceFor(state: State, wanted: Wanted): boolean {
  const places = [...state.clusters.values()].map((cluster) =>
    placeOf(state, undefined, cluster, new Map(), []),
  );
  return fitting(places, wanted).length > 0;
}

/** F1. An execution of a run module goes there, and with it what its agent fetches, and keeps for a while. */
export function notePlace(state: State, task: Task, position: number, nodeId: string): void {
  state.problemPlaces.add(problemPlace(task, nodeId));
  for (const { sha256 } of blobsFor(state, task, position)) state.blobPlaces.add(`${sha256} ${nodeId}`);
}

function bytesAt(state: State, nodeId: string, blobs: readonly BlobRef[]): number {
  return blobs.reduce(
    (sum, { sha256, size }) => sum + (state.blobPlaces.has(`${sha256} ${nodeId}`) ? size : 0),
    0,
  );
}

/** The problem has been worked on there. */
function problemPlace({ id }: Task, nodeId: string): string {
  return `${id.problemId} ${nodeId}`;
}

function sumOf(taken: readonly Resources[]): Place['used'] {
  const used = { cpus: 0, memoryBytes: 0, gpus: 0 };
  for (const { cpus, memoryBytes = 0, gpus = 0 } of taken) {
    used.cpus += cpus;
    used.memoryBytes += memoryBytes;
    used.gpus += gpus;
  }
  return used;
}

function obstacleOf(agent: FleetNode | undefined): Obstacle | undefined {
  if (agent?.isPlaceable) return undefined;
  if (agent === undefined || agent.route === undefined || agent.liveness !== 'alive')
    return ['is offline', 'are offline'];
  if (agent.status === 'ERROR') {
    const what = `an agent in error: ${agent.error?.message ?? 'it gives no reason'}`;
    return [`has ${what}`, `have ${what}`];
  }
  if (agent.desired !== 'started') return ['has a stopped agent', 'have stopped agents'];
  if (agent.responsiveness !== 'good' && agent.responsiveness !== 'on probation')
    return ['leaves assignments unanswered', 'leave assignments unanswered'];
  return ['has an agent that is starting', 'have agents that are starting'];
}
