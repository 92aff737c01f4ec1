/** Graphs that are a part of something else: nobody lists them, submits to them or plays their modules. */
import { isCampaignGraph } from './campaign-graph.js';
import { isDeploymentGraph } from './deployment.js';
import { isServiceGraph } from './service.js';

/** As people know it: each deployment, and each campaign with a proposer, has a graph of its own. */
export function shownGraph(graph: string): string {
  if (isCampaignGraph(graph)) return 'campaign';
  return isDeploymentGraph(graph) ? 'deployment' : graph;
}

export function isPrivateGraph(graph: string): boolean {
  return isServiceGraph(graph) || isDeploymentGraph(graph) || isCampaignGraph(graph);
}
