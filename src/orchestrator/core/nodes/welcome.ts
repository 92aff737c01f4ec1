/** The welcome of a node that has registered. */
import { reachOf } from '../../../model/cluster.js';
import { typesOfModule } from '../../../model/graph.js';
import type { Welcome } from '../../../model/protocol.js';
import { AGENT_MODULE } from '../../../model/run.js';
import type { FleetNode, State } from '../state.js';
import type { Turn } from '../turn.js';
import { blobTokenOf } from './blob-tokens.js';

export function welcomeOf(turn: Turn, node: FleetNode, drop: readonly string[]): Welcome {
  const { settings, state } = turn;
  const cluster = node.module === AGENT_MODULE ? state.clusters.get(node.instance) : undefined;
  const blobToken = blobTokenOf(turn, node);
  return {
    kind: 'welcome',
    nodeId: node.nodeId,
    incarnation: node.incarnation,
    heartbeatIntervalMs: settings.heartbeatIntervalMs,
    deadAfterMs: state.livenessOf(node).deadAfterMs,
    outputsEndpoint: settings.outputsEndpoint,
    blobUrl: settings.blobUrl,
    inlineMaxBytes: settings.inlineMaxBytes,
    maxFrameBytes: settings.maxFrameBytes,
    outputWindow: settings.outputWindow,
    storeId: settings.storeId,
    drop,
    outputType: state.moduleSpec(node.module)?.spec.output ?? '',
    descriptors: descriptorsFor(state, node.module),
    ...(cluster && { cluster: reachOf(cluster) }),
    ...(blobToken !== undefined && { blobToken }),
  };
}

/** Every type that the module may see or publish, over the newest versions of all graphs that have it. */
function descriptorsFor(state: State, module: string): Uint8Array {
  const sets: Uint8Array[] = [];
  for (const versions of state.graphs.values()) {
    const loaded = versions.at(-1);
    if (!loaded?.compiled.index.has(module)) continue;
    const set = loaded.types.descriptors(typesOfModule(loaded.compiled.graph, module));
    if (!sets.some((other) => Buffer.compare(other, set) === 0)) sets.push(set);
  }
  // Descriptor sets are protobuf messages with one repeated field: put end to end they are the set of both.
  return Buffer.concat(sets);
}
