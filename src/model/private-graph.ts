/** Graphs that are a part of something else: nobody lists them, submits to them or plays their modules. */
import { isDeploymentGraph } from './deployment.js';
import { isServiceGraph } from './service.js';

export function isPrivateGraph(graph: string): boolean {
  return isServiceGraph(graph) || isDeploymentGraph(graph);
}
