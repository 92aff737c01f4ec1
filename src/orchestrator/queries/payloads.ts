/** Stored payloads, decoded in the types of the graph version that they were made in. */
import type { Reader } from '../../store/store.js';
import type { LoadedGraph, State } from '../decide/state.js';
import type { StoredOutput } from '../port.js';
import type { ExecutionRow, PayloadRefRow, TaskRow } from '../records.js';

export interface Payloads {
  graphOf(row: TaskRow): LoadedGraph;
  inputOf(reader: Reader, row: TaskRow): Promise<unknown>;
  /** The last output of a module that succeeded. */
  moduleOutput(reader: Reader, row: TaskRow, module: string): Promise<StoredOutput | undefined>;
  executionOutput(
    reader: Reader,
    row: TaskRow,
    module: string,
    execution: ExecutionRow,
    seq: number,
  ): Promise<StoredOutput | undefined>;
}

export function createPayloads(state: Pick<State, 'graph'>): Payloads {
  /** The graph version of a task is there as long as the task is. */
  const graphOf = (row: TaskRow): LoadedGraph => state.graph(row.graph, row.graph_version)!;

  async function payload(
    reader: Reader,
    ref: PayloadRefRow,
    graph: LoadedGraph,
    type: string,
  ): Promise<StoredOutput | undefined> {
    if (ref.blob) return { json: { blob: ref.blob }, type, raw: { kind: 'blob', blob: ref.blob } };
    const bytes = await reader.get('payloads', [ref.problem_id, ref.iteration_id, ref.owner, ref.seq]);
    if (!bytes) return undefined;
    const decoded = graph.types.decode(type, bytes);
    return { json: decoded.ok ? decoded.value : null, type, raw: { kind: 'inline', bytes } };
  }

  async function executionOutput(
    reader: Reader,
    row: TaskRow,
    module: string,
    execution: ExecutionRow,
    seq: number,
  ): Promise<StoredOutput | undefined> {
    const graph = graphOf(row);
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
      const graph = graphOf(row);
      return (await payload(reader, row.input, graph, graph.compiled.graph.source.type))?.json ?? null;
    },
    async moduleOutput(reader, row, module) {
      const run = row.modules[module];
      const execution = run?.phase === 'succeeded' ? run.executions.at(-1) : undefined;
      return execution && executionOutput(reader, row, module, execution, execution.outputs);
    },
  };
}
