/** Questions about graphs. */
import type { Open } from '../../contract/answer.js';
import type { ResourcesJson } from '../../contract/cluster.js';
import type { GraphAnswerJson, GraphSummaryJson, RunJson } from '../../contract/graph.js';
import { campaignOfGraph } from '../../model/campaign-graph.js';
import { deploymentOfGraph } from '../../model/deployment.js';
import { outputsOf } from '../../model/graph.js';
import { isPrivateGraph } from '../../model/private-graph.js';
import type { Resources, RunSpec, RunWork } from '../../model/run.js';
import type { LoadedGraph } from '../core/state.js';
import type { Page, PageRequest, Refusal } from '../port.js';
import { campaigns, deployments, graphs } from '../tables/tables.js';
import { type Moment, notFound } from './moment.js';
import { pageOf } from './pages.js';
import { loopsView, time } from './views.js';

/** Each in its newest version; those of services are private. */
export async function listGraphs(
  { reader }: Moment,
  page: PageRequest,
): Promise<Page<GraphSummaryJson> | Refusal> {
  const keys = await graphs.keys(reader, { prefix: [] });
  const newest = new Map(keys.map(([name, version]) => [String(name), Number(version)]));
  return pageOf(
    [...newest].filter(([name]) => !isPrivateGraph(name)).map(([name, version]) => ({ name, version })),
    page,
  );
}

/** With `version` absent: the newest. */
export async function graph(
  moment: Moment,
  name: string,
  version?: number,
): Promise<Open<GraphAnswerJson> | Refusal> {
  const prefix = version === undefined ? [name] : [name, version];
  const [found] = (await seesGraph(moment, name))
    ? await graphs.range(moment.reader, { prefix, reverse: true, limit: 1 })
    : [];
  const loaded = found && (await moment.graphs.graph(name, Number(found.key[1])));
  if (loaded) return graphView(loaded);
  return notFound(
    'unknown_graph',
    version === undefined ? `no graph ${name}` : `graph ${name} has no version ${version}`,
  );
}

/** Graphs are everybody's, but for the plans of deployments and the proposers of campaigns, which are of the projects of those. */
async function seesGraph({ reader }: Moment, name: string): Promise<boolean> {
  const campaign = campaignOfGraph(name);
  if (campaign !== undefined) return (await campaigns.get(reader, [campaign])) !== undefined;
  const deployment = deploymentOfGraph(name);
  return deployment === undefined || (await deployments.get(reader, [deployment])) !== undefined;
}

function graphView({ compiled, types, yaml, createdAt, files = {} }: LoadedGraph): Open<GraphAnswerJson> {
  const { graph, key } = compiled;
  return {
    name: key.name,
    version: key.version,
    created_at: time(createdAt),
    source: { ...graph.source, schema: types.jsonSchema(graph.source.type) },
    index: graph.index ?? [],
    loops: loopsView(compiled),
    modules: Object.fromEntries(
      graph.modules.map((spec) => [
        spec.name,
        {
          inputs: spec.inputs,
          previous: spec.previous,
          output: spec.output ?? null,
          schema: spec.output === undefined ? null : types.jsonSchema(spec.output),
          ...(spec.outputs && {
            outputs: Object.fromEntries(
              outputsOf(spec).map(({ name, type }) => [name, { type, schema: types.jsonSchema(type) }]),
            ),
          }),
          require: spec.require,
          timeout_ms: spec.timeoutMs ?? null,
          retry: {
            attempts: spec.retry.attempts,
            backoff_ms: spec.retry.backoffMs,
            factor: spec.retry.factor,
            max_backoff_ms: spec.retry.maxBackoffMs,
          },
          on_error: spec.onError,
          ...(spec.when && { when: spec.when.text }),
          ...(spec.approve && { approve: spec.approve }),
          ...(spec.map && { map: spec.map.input, map_limit: spec.map.limit }),
          ...(spec.cache && { cache: true }),
          ...(spec.run && { run: runView(spec.run) }),
        },
      ]),
    ),
    yaml,
    files,
  };
}

/** As the graph file has it, with every default. */
function runView({ work, files, env, resources, result, keep, retryExitCodes }: RunSpec): Open<RunJson> {
  return {
    ...workView(work),
    ...{ files, env, resources: resourcesView(resources), result, keep },
    retry_exit_codes: retryExitCodes ?? null,
  };
}

function workView(work: RunWork): Open<RunJson> {
  switch (work.kind) {
    case 'command':
      return { command: work.argv };
    case 'script':
      return { script: work.path, args: work.args };
    case 'job':
      return { job: true };
    default:
      return work satisfies never;
  }
}

function resourcesView({ cpus, memoryBytes, gpus, walltimeMs }: Resources): Open<ResourcesJson> {
  return {
    cpus,
    ...(memoryBytes !== undefined && { memory: memoryBytes }),
    ...(gpus !== undefined && { gpus }),
    ...(walltimeMs !== undefined && { walltime_ms: walltimeMs }),
  };
}
