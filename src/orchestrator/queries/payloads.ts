/** Stored payloads, decoded in the types of the graph version that they were made in. */

import { typeOf } from '../../model/graph.js';
import type { Reader } from '../../store/store.js';
import type { LoadedGraph } from '../decide/state.js';
import type { StoredOutput } from '../port.js';
import { type ExecutionRow, outputRefOf, type PayloadRefRow, type TaskRow } from '../records.js';
import { payloads } from '../tables.js';

/** A stored output, decoded. */
export interface Decoded extends Omit<StoredOutput, 'json'> {
  /** What `printJson` writes: the text of a payload that is JSON, another decoded; for a blob, its reference. */
  readonly json: unknown;
}

export interface Graphs {
  graph(name: string, version: number): LoadedGraph | undefined | Promise<LoadedGraph | undefined>;
}

export interface Payloads {
  graphOf(row: TaskRow): Promise<LoadedGraph>;
  inputOf(reader: Reader, row: TaskRow): Promise<unknown>;
  /** What modules were given instead of what the graph would give them, by module and input. */
  overridesOf(reader: Reader, row: TaskRow): Promise<Record<string, Record<string, unknown>>>;
  /** The last output of a module that succeeded or was reused. */
  moduleOutput(reader: Reader, row: TaskRow, module: string): Promise<Decoded | undefined>;
  executionOutput(
    reader: Reader,
    row: TaskRow,
    module: string,
    execution: ExecutionRow,
    seq: number,
  ): Promise<Decoded | undefined>;
}

export function createPayloads(graphs: Graphs): Payloads {
  /** The graph version of a task is there as long as the task is. */
  const graphOf = async (row: TaskRow): Promise<LoadedGraph> =>
    (await graphs.graph(row.graph, row.graph_version))!;

  async function payload(
    reader: Reader,
    ref: PayloadRefRow,
    graph: LoadedGraph,
    type: string,
  ): Promise<Decoded | undefined> {
    if (ref.blob) return { json: { blob: ref.blob }, type, raw: { kind: 'blob', blob: ref.blob } };
    const bytes = await payloads.get(reader, [ref.problem_id, ref.iteration_id, ref.owner, ref.seq]);
    if (!bytes) return undefined;
    const decoded = graph.types.decode(type, bytes);
    return { json: decoded.ok ? decoded.shown : null, type, raw: { kind: 'inline', bytes } };
  }

  async function executionOutput(
    reader: Reader,
    row: TaskRow,
    module: string,
    execution: ExecutionRow,
    seq: number,
  ): Promise<Decoded | undefined> {
    const graph = await graphOf(row);
    const position = graph.compiled.index.get(module);
    if (position === undefined || seq < 1 || seq > execution.outputs) return undefined;
    const blob = execution.blobs?.find(([at]) => at === seq)?.[1];
    const ref = {
      problem_id: row.problem_id,
      iteration_id: row.iteration_id,
      owner: execution.execution_id,
      seq,
      ...(blob && { blob }),
    };
    return payload(reader, ref, graph, graph.compiled.modules[position]!.spec.output);
  }

  return {
    graphOf,
    executionOutput,
    async inputOf(reader, row) {
      const graph = await graphOf(row);
      return (await payload(reader, row.input, graph, graph.compiled.graph.source.type))?.json ?? null;
    },
    async overridesOf(reader, row) {
      const graph = await graphOf(row);
      const values: Record<string, Record<string, unknown>> = {};
      for (const [module, inputs] of Object.entries(row.overrides ?? {})) {
        values[module] = {};
        for (const [input, ref] of Object.entries(inputs)) {
          const type = typeOf(graph.compiled.graph, input);
          const stored = type === undefined ? undefined : await payload(reader, ref, graph, type);
          values[module][input] = stored?.json ?? null;
        }
      }
      return values;
    },
    async moduleOutput(reader, row, module) {
      const graph = await graphOf(row);
      const ref = outputRefOf(row, module);
      const type = typeOf(graph.compiled.graph, module);
      const output = ref && type !== undefined ? await payload(reader, ref, graph, type) : undefined;
      if (!output || row.modules[module]?.phase !== 'reused') return output;
      return { ...output, reusedFrom: { iterationId: ref!.iteration_id, executionId: ref!.owner } };
    },
  };
}
