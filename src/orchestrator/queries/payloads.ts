/** Stored payloads, decoded in the types of the graph version that they were made in. */

import { JsonText, printJson } from '../../base/json/json-text.js';
import { outputReference, splitReference, typeOf } from '../../model/graph.js';
import type { Reader } from '../../store/store.js';
import type { LoadedGraph } from '../core/state.js';
import type { StoredOutput } from '../port.js';
import type { ExecutionRow } from '../tables/execution-row.js';
import type { PayloadRefRow } from '../tables/payload-ref.js';
import { payloads } from '../tables/tables.js';
import { outputRefsOf } from '../tables/task-payloads.js';
import type { TaskRow } from '../tables/task-row.js';

/** A stored output, decoded. */
export interface Decoded extends Omit<StoredOutput, 'json'> {
  /** The value for `printJson`: the text of a JSON payload, otherwise the decoded value; for a blob, its reference. */
  readonly json: unknown;
}

export interface Graphs {
  graph(name: string, version: number): LoadedGraph | undefined | Promise<LoadedGraph | undefined>;
}

/** The named outputs of a module as one JSON object, by their names. */
function together(module: string, outputs: ReadonlyMap<string, Decoded>): Decoded | undefined {
  if (outputs.size === 0) return undefined;
  const named = [...outputs].map(([reference, { json }]) => [reference.slice(module.length + 1), json]);
  const json = new JsonText(printJson(Object.fromEntries(named)));
  return { json, type: 'json', raw: { kind: 'inline', bytes: Buffer.from(json.text) } };
}

/** The data of an iteration that filters and orders read. */
export interface FieldReads {
  readonly input: (task: TaskRow) => Promise<unknown>;
  /** The output of a module that succeeded, decoded; an object of its named ones. */
  readonly output: (task: TaskRow, module: string) => Promise<unknown>;
}

export function fieldReads(payloads: Payloads, reader: Reader): FieldReads {
  return {
    input: (task) => payloads.inputOf(reader, task),
    output: (task, module) => payloads.readableOutput(reader, task, module),
  };
}

export class Payloads {
  readonly #graphs: Graphs;

  constructor(graphs: Graphs) {
    this.#graphs = graphs;
  }

  /** The graph version of a task is there as long as the task is. */
  async graphOf(row: TaskRow): Promise<LoadedGraph> {
    return (await this.#graphs.graph(row.graph, row.graph_version))!;
  }

  async inputOf(reader: Reader, row: TaskRow): Promise<unknown> {
    const graph = await this.graphOf(row);
    return (await decoded(reader, row.input, graph, graph.compiled.graph.source.type))?.json ?? null;
  }

  /** Overrides, by module and input. */
  async overridesOf(reader: Reader, row: TaskRow): Promise<Record<string, Record<string, unknown>>> {
    const graph = await this.graphOf(row);
    const values: Record<string, Record<string, unknown>> = {};
    for (const [module, inputs] of Object.entries(row.overrides ?? {})) {
      values[module] = {};
      for (const [input, ref] of Object.entries(inputs)) {
        const type = typeOf(graph.compiled.graph, input);
        const stored = type === undefined ? undefined : await decoded(reader, ref, graph, type);
        values[module][input] = stored?.json ?? null;
      }
    }
    return values;
  }

  /** The inputs of a module by name, without those that have no output. */
  async moduleInputs(reader: Reader, row: TaskRow, module: string): Promise<Map<string, unknown>> {
    const graph = await this.graphOf(row);
    const { compiled } = graph;
    const { spec } = compiled.modules[compiled.index.get(module)!]!;
    const values = new Map<string, unknown>();
    for (const input of spec.inputs) {
      const given = row.overrides?.[module]?.[input];
      const stored = input === compiled.graph.source.name ? row.input : undefined;
      const ref = given ?? stored ?? outputRefsOf(row, splitReference(input).module).get(input);
      const value = ref && (await decoded(reader, ref, graph, typeOf(compiled.graph, input)!));
      if (value) values.set(input, value.json);
    }
    return values;
  }

  /**
   * An output of a module that succeeded or was reused, by its reference: the last one, or the named one. All named outputs of a module, by
   * its name, are one JSON object.
   */
  async moduleOutput(reader: Reader, row: TaskRow, reference: string): Promise<Decoded | undefined> {
    const { module, name } = splitReference(reference);
    const outputs = await this.#outputsOf(reader, row, module);
    const isWhole = name === '' && !outputs.has(reference);
    const output = isWhole ? together(module, outputs) : outputs.get(reference);
    // A result from the cache belongs to the iteration itself.
    const { phase, cached_from } = row.modules[module] ?? {};
    if (!output || phase !== 'reused' || cached_from) return output;
    const { iteration_id: iterationId, owner: executionId } = row.modules[module]!.reused!;
    return { ...output, reusedFrom: { iterationId, executionId } };
  }

  /** The output of a module for filters and indexes, or an object of its named outputs, without blobs. */
  async readableOutput(reader: Reader, row: TaskRow, module: string): Promise<unknown> {
    const outputs = await this.#outputsOf(reader, row, module);
    const inline = new Map([...outputs].filter(([, { raw }]) => raw.kind === 'inline'));
    return (outputs.get(module) ? inline.get(module) : together(module, inline))?.json;
  }

  async executionOutput(
    reader: Reader,
    row: TaskRow,
    module: string,
    execution: ExecutionRow,
    seq: number,
  ): Promise<Decoded | undefined> {
    const graph = await this.graphOf(row);
    const name = Object.entries(execution.named ?? {}).find(([, at]) => at === seq)?.[0];
    const type = typeOf(graph.compiled.graph, outputReference(module, name));
    if (type === undefined || seq < 1 || seq > execution.outputs) return undefined;
    const blob = execution.blobs?.find(([at]) => at === seq)?.[1];
    const ref = {
      problem_id: row.problem_id,
      iteration_id: row.iteration_id,
      owner: execution.execution_id,
      seq,
      ...(blob && { blob }),
    };
    const output = await decoded(reader, ref, graph, type);
    return output && { ...output, ...(name !== undefined && { name }) };
  }

  /** Those of a module that succeeded or was reused, by their references. */
  async #outputsOf(reader: Reader, row: TaskRow, module: string): Promise<Map<string, Decoded>> {
    const graph = await this.graphOf(row);
    const outputs = new Map<string, Decoded>();
    for (const [reference, ref] of outputRefsOf(row, module)) {
      const type = typeOf(graph.compiled.graph, reference);
      const output = type === undefined ? undefined : await decoded(reader, ref, graph, type);
      if (output) outputs.set(reference, output);
    }
    return outputs;
  }
}

async function decoded(
  reader: Reader,
  ref: PayloadRefRow,
  graph: LoadedGraph,
  type: string,
): Promise<Decoded | undefined> {
  if (ref.blob) return { json: { blob: ref.blob }, type, raw: { kind: 'blob', blob: ref.blob } };
  const bytes = await payloads.get(reader, [ref.problem_id, ref.iteration_id, ref.owner, ref.seq]);
  if (!bytes) return undefined;
  const read = graph.types.decode(type, bytes);
  return { json: read.ok ? read.shown : null, type, raw: { kind: 'inline', bytes } };
}
