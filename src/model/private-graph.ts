/** Graphs that are a part of something else: nobody lists them, submits to them or plays their modules. */
import { isDeploymentGraph } from './deployment.js';
import { isServiceGraph } from './service.js';

/** As people know it: each deployment has a graph of its own, and all of them are deployments. */
export function shownGraph(graph: string): string {
  return isDeploymentGraph(graph) ? 'deployment' : graph;
}

export function isPrivateGraph(graph: string): boolean {
  return isServiceGraph(graph) || isDeploymentGraph(graph);
}
