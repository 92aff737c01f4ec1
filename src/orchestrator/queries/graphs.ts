/**
 * The graph versions of the store, each read and compiled when it is first needed. A version never changes once it is there, so that it
 * is kept for good.
 */
import type { Open } from '../../contract/answer.js';
import type { ResourcesJson } from '../../contract/cluster.js';
import type { GraphAnswerJson, GraphSummaryJson, RunJson } from '../../contract/graph.js';
import { type Graph, outputsOf } from '../../model/graph.js';
import type { Resources, RunSpec, RunWork } from '../../model/run.js';
import { isServiceGraph } from '../../model/service.js';
import { compileGraph } from '../../model/task.js';
import type { Reader } from '../../store/store.js';
import { type TypeRegistry, typesFromJson } from '../../wire/types.js';
import type { LoadedGraph } from '../core/state.js';
import { isIndexed } from '../declared-indexes.js';
import type { Page, PageRequest, Refusal } from '../port.js';
import type { GraphRow } from '../records.js';
import { graphs } from '../tables.js';
import { type Moment, notFound } from './moment.js';
import { pageOf } from './pages.js';
import { loopsView, time } from './views.js';

/** Reads a graph that was accepted before, whatever its size. */
export type ReadStoredGraph = (yaml: string, types: TypeRegistry) => Graph;

export function loadGraph(name: string, version: number, row: GraphRow, read: ReadStoredGraph): LoadedGraph {
  const types = typesFromJson(row.types);
  const compiled = compileGraph({ name, version }, read(row.yaml, types));
  const { yaml, created_at: createdAt, files } = row;
  return { compiled, types, typesJson: row.types, yaml, createdAt, ...(files && { files }) };
}

export class StoredGraphs {
  readonly #read: ReadStoredGraph;
  readonly #loaded = new Map<string, LoadedGraph>();

  constructor(read: ReadStoredGraph) {
    this.#read = read;
  }

  /** As they are in this view of the store. */
  at(reader: Reader): GraphsThen {
    return new GraphsThen(reader, (name, version) => this.#load(reader, name, version));
  }

  async #load(reader: Reader, name: string, version: number): Promise<LoadedGraph | undefined> {
    const id = `${version} ${name}`;
    const known = this.#loaded.get(id);
    if (known) return known;
    const row = await graphs.get(reader, [name, version]);
    const graph = row && loadGraph(name, version, row, this.#read);
    if (graph) this.#loaded.set(id, graph);
    return graph;
  }
}

/** The graphs of one view of the store. */
export class GraphsThen {
  readonly #reader: Reader;
  readonly #load: (name: string, version: number) => Promise<LoadedGraph | undefined>;
  #all: Promise<ReadonlyMap<string, readonly LoadedGraph[]>> | undefined;

  constructor(reader: Reader, load: (name: string, version: number) => Promise<LoadedGraph | undefined>) {
    this.#reader = reader;
    this.#load = load;
  }

  graph(name: string, version: number): Promise<LoadedGraph | undefined> {
    return this.#load(name, version);
  }

  /** All versions, by name and in order. */
  all(): Promise<ReadonlyMap<string, readonly LoadedGraph[]>> {
    this.#all ??= this.#readAll();
    return this.#all;
  }

  /** The modules of all graphs, in all versions. */
  async moduleNames(): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    for (const versions of (await this.all()).values())
      for (const { compiled } of versions) for (const { spec } of compiled.modules) names.add(spec.name);
    return names;
  }

  /** Whether every ended iteration (of this graph, or of all) that has the field is in its index. */
  async cover(field: string, graph: string | undefined): Promise<boolean> {
    return isIndexed(this.#reader, await this.all(), field, graph);
  }

  async #readAll(): Promise<Map<string, LoadedGraph[]>> {
    const all = new Map<string, LoadedGraph[]>();
    for (const key of await graphs.keys(this.#reader, { prefix: [] })) {
      const [name, version] = [String(key[0]), Number(key[1])];
      const loaded = await this.#load(name, version);
      const versions = all.get(name) ?? [];
      if (loaded) versions[version - 1] = loaded;
      all.set(name, versions);
    }
    return all;
  }
}

/** Each in its newest version; those of services are private. */
export async function listGraphs(
  { reader }: Moment,
  page: PageRequest,
): Promise<Page<GraphSummaryJson> | Refusal> {
  const keys = await graphs.keys(reader, { prefix: [] });
  const newest = new Map(keys.map(([name, version]) => [String(name), Number(version)]));
  return pageOf(
    [...newest].filter(([name]) => !isServiceGraph(name)).map(([name, version]) => ({ name, version })),
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
  const [found] = await graphs.range(moment.reader, { prefix, reverse: true, limit: 1 });
  const loaded = found && (await moment.graphs.graph(name, Number(found.key[1])));
  if (loaded) return graphView(loaded);
  return notFound(
    'unknown_graph',
    version === undefined ? `no graph ${name}` : `graph ${name} has no version ${version}`,
  );
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
