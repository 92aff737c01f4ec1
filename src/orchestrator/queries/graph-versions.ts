/**
 * The graph versions of the store, each read and compiled when it is first needed. A version never changes once it is there, so that it
 * is kept for good.
 */
import type { Graph } from '../../model/graph.js';
import { compileGraph } from '../../model/task.js';
import type { Reader } from '../../store/store.js';
import { type TypeRegistry, typesFromJson } from '../../wire/types.js';
import type { LoadedGraph } from '../core/state.js';
import { isIndexed } from '../tables/declared-indexes.js';
import type { GraphRow } from '../tables/records.js';
import { graphs } from '../tables/tables.js';

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
