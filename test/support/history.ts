/** A history made by hand: problems and iterations of one graph, as rows of a store, without anybody having worked on them. */
import { compileGraph } from '../../src/model/task.js';
import type { TaskState } from '../../src/model/task-state.js';
import { taskHasEnded } from '../../src/model/task-state.js';
import { indexedElements } from '../../src/orchestrator/decide/indexing.js';
import type { LoadedGraph } from '../../src/orchestrator/decide/state.js';
import { indexKey } from '../../src/orchestrator/index-key.js';
import type { Queries } from '../../src/orchestrator/port.js';
import { createQueries } from '../../src/orchestrator/queries/queries.js';
import {
  EMPTY,
  encodeRow,
  type ModuleRow,
  type ProblemRow,
  type TaskRow,
} from '../../src/orchestrator/records.js';
import type { Store, Write } from '../../src/store/store.js';
import { loadTypes } from '../../src/wire/types.js';

export interface MadeIteration {
  readonly state?: TaskState;
  /** What the module `meter` puts out. */
  readonly output?: unknown;
  readonly input?: unknown;
}

export interface MadeProblem {
  readonly title?: string;
  readonly iterations: readonly MadeIteration[];
}

const AT = Date.parse('2026-01-01T00:00:00Z');
const TYPES = loadTypes([]);

/** `text` → `meter`, all of it `json`. */
export function meterGraph(version: number, index: readonly string[], name = 'meters'): LoadedGraph {
  const spec = {
    name: 'meter',
    inputs: ['text'],
    previous: [],
    output: 'json',
    require: {},
    timeoutMs: 1000,
    retry: { attempts: 1, backoffMs: 0, factor: 1, maxBackoffMs: 0 },
    onError: 'fail' as const,
    start: 'auto' as const,
    liveness: { unresponsiveAfterMs: 1000, deadAfterMs: 2000 },
  };
  const graph = { name, source: { name: 'text', type: 'json' }, modules: [spec], index };
  return {
    compiled: compileGraph({ name, version }, graph),
    types: TYPES,
    typesJson: TYPES.toJson(['json']),
    yaml: '',
    createdAt: AT,
  };
}

export function problemIdOf(seq: number): string {
  return `00000000-0000-7000-8000-${String(seq).padStart(12, '0')}`;
}

/** The rows of a problem; with `index`, also those of the fields that are indexed. */
export function rowsOf(seq: number, problem: MadeProblem, index: readonly string[], version = 1): Write[] {
  const problemId = problemIdOf(seq);
  const problemRow: ProblemRow = {
    problem_id: problemId,
    created_seq: seq,
    graph: 'meters',
    title: problem.title ?? '',
    priority: 50,
    created_at: AT + seq,
    newest_iteration_id: problem.iterations.length,
  };
  const writes: Write[] = [
    { op: 'put', table: 'problems', key: [seq], value: encodeRow(problemRow) },
    { op: 'put', table: 'problem_ids', key: [problemId], value: encodeRow(seq) },
  ];
  const standing = problem.iterations.at(-1)?.state ?? 'succeeded';
  if (taskHasEnded(standing)) {
    writes.push({ op: 'put', table: 'problems_by_state', key: [standing, seq], value: EMPTY });
  }
  for (const [position, iteration] of problem.iterations.entries()) {
    writes.push(...iterationRows(seq, position + 1, iteration, index, version));
  }
  return writes;
}

export function iterationRows(
  seq: number,
  iterationId: number,
  { state = 'succeeded', output, input = null }: MadeIteration,
  index: readonly string[],
  version = 1,
): Write[] {
  const problemId = problemIdOf(seq);
  const executionId = `${problemId}/${iterationId}`;
  const meter: ModuleRow = {
    phase: 'succeeded',
    generation: 0,
    attempts: 1,
    executions: [
      {
        execution_id: executionId,
        lease: '',
        attempt: 1,
        generation: 0,
        node_id: '',
        boot_id: '',
        state: 'succeeded',
        assigned_at: AT,
        outputs: 1,
      },
    ],
  };
  const task: TaskRow = {
    problem_id: problemId,
    iteration_id: iterationId,
    graph: 'meters',
    graph_version: version,
    priority: 50,
    problem_seq: seq,
    queue_seq: seq,
    created_at: AT + seq + iterationId,
    ...(taskHasEnded(state) && { started_at: AT, finished_at: AT + 1000 * iterationId }),
    input: { problem_id: problemId, iteration_id: iterationId, owner: 'input', seq: 0 },
    state,
    desired: 'ended',
    modules: output === undefined ? {} : { meter },
  };
  const put = (table: Write['table'], key: Write['key'], value: Uint8Array): Write => ({
    op: 'put',
    table,
    key,
    value,
  });
  const elements = taskHasEnded(state) && output !== undefined ? indexedElements(index, 'meter', output) : {};
  return [
    put('iterations', [problemId, iterationId], encodeRow(task)),
    put('payloads', [problemId, iterationId, 'input', 0], encodeRow(input)),
    ...(output === undefined
      ? []
      : [put('payloads', [problemId, iterationId, executionId, 1], encodeRow(output))]),
    ...(taskHasEnded(state) ? [] : [put('unfinished', [seq, problemId, iterationId], EMPTY)]),
    ...Object.entries(elements).map(([field, element]) =>
      put('iteration_index', indexKey(field, element, seq, iterationId), EMPTY),
    ),
  ];
}

/** Questions to a store that holds such a history. */
export function queriesOf(store: Store, index: readonly string[]): Queries {
  const graphs = new Map([['meters', [meterGraph(1, index)]]]);
  return createQueries({
    store,
    state: { graphs, graph: (name, version = 1) => graphs.get(name)?.[version - 1] },
    covers: (field) => index.includes(field),
    inspectNodes: async () => ({ cursor: 0, value: [] }),
    stats: async () => ({}),
  });
}
