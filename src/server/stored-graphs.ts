/** Graph files and graphs of the store, as the configuration reads them. */
import { TuttiError } from '../base/errors.js';
import { parseGraph } from '../config/graph/graph-file.js';
import type { KnownTypes } from '../config/graph/known-types.js';
import { readCampaignGraph } from '../model/campaign-graph.js';
import { readPlan } from '../model/deployment.js';
import { planGraph } from '../model/deployment-graph.js';
import type { Graph } from '../model/graph.js';
import { JOB_GRAPH, JOB_GRAPH_TEXT } from '../model/job.js';
import { readServiceGraph } from '../model/service.js';
import type { TypeRegistry } from '../wire/types.js';

/** As much of the type registry as graph files need. */
export function knownTypes(types: TypeRegistry): KnownTypes {
  return {
    has: (type) => types.has(type),
    names: () => types.names(),
    jsonSchema: (type) => types.jsonSchema(type),
  };
}

/** A graph that was accepted before, whatever its size. Throws `TuttiError` `store_damaged`. */
export function readStoredGraph(yaml: string, types: TypeRegistry): Graph {
  if (yaml === JOB_GRAPH_TEXT) return JOB_GRAPH;
  const planned = readPlan(yaml);
  if (planned) return planGraph(planned.deploymentId, planned.plan);
  const known = readServiceGraph(yaml) ?? readCampaignGraph(yaml);
  if (known) return known;
  const parsed = parseGraph(yaml, { types: knownTypes(types), isStored: true });
  if (parsed.ok) return parsed.graph;
  throw new TuttiError('store_damaged', 'a stored graph can no longer be read', { details: parsed.faults });
}
