/** Whether each module that a campaign needs has a ready node: of a run module, a cluster that could take it. */
import type { Campaign, CampaignError } from '../../../model/campaign.js';
import { campaignGraphName } from '../../../model/campaign-graph.js';
import { isPlayedByNodes, type ModuleSpec } from '../../../model/graph.js';
import type { CompiledGraph } from '../../../model/task.js';
import type { Readiness } from '../../../scheduling/campaign-scheduler.js';
import { hasLabels } from '../../../scheduling/placement.js';
import { isPlaceFor, placeable } from '../schedule/fleet.js';
import type { State } from '../state.js';

/** Its proposer is needed as well. */
export function readinessOf(state: State, { id, graph, graphVersion, rules }: Campaign): Readiness {
  const graphs = [state.compiled(graph, graphVersion)];
  if (rules.proposer === 'module') graphs.push(state.graph(campaignGraphName(id))?.compiled);
  const missing: string[] = [];
  let error: CampaignError | undefined;
  for (const compiled of graphs) {
    for (const { spec } of compiled?.modules ?? []) {
      if (isReady(state, compiled!, spec)) continue;
      missing.push(spec.name);
      error ??= errorOf(state, spec);
    }
  }
  return { missing, ...(error && { error }) };
}

/** Decisions and services have no nodes. */
function isReady(state: State, graph: CompiledGraph, spec: ModuleSpec): boolean {
  if (spec.run) return isPlaceFor(state, { require: spec.require, resources: spec.run.resources });
  if (!isPlayedByNodes(spec)) return true;
  return placeable(state, graph, spec.name).some((node) => hasLabels(node, spec.require));
}

function errorOf(state: State, spec: ModuleSpec): CampaignError | undefined {
  if (spec.run) return undefined;
  for (const node of state.nodesByModule.get(spec.name) ?? []) {
    if (node.status !== 'ERROR' || node.liveness !== 'alive') continue;
    const message = `${spec.name}/${node.instance} is in error: ${node.error?.message ?? 'it gives no reason'}`;
    return {
      ...{ type: 'node_error', scope: 'initializing' },
      context: { module: spec.name, node_id: node.nodeId, message },
    };
  }
  return undefined;
}
