/** A history made by hand: problems and iterations of one graph, as rows of a store, without anybody having worked on them. */
import { compileGraph } from '../../src/model/task.js';
import type { TaskState } from '../../src/model/task-state.js';
import { taskHasEnded } from '../../src/model/task-state.js';
import type { LoadedGraph } from '../../src/orchestrator/core/state.js';
import { indexedElements } from '../../src/orchestrator/core/tasks/indexing.js';
import { inProcessReaders } from '../../src/orchestrator/queries/service/in-process.js';
import { QueryService, type ReaderQueries } from '../../src/orchestrator/queries/service/service.js';
import { indexKey } from '../../src/orchestrator/tables/index-key.js';
import type { ModuleRow } from '../../src/orchestrator/tables/module-row.js';
import type { ProblemRow } from '../../src/orchestrator/tables/problem-row.js';
import { EMPTY, encodeRow } from '../../src/orchestrator/tables/row.js';
import { summaryOf } from '../../src/orchestrator/tables/summary.js';
import type { TaskRow } from '../../src/orchestrator/tables/task-row.js';
import type { Key, Reader, Store, Table, Write } from '../../src/store/store.js';
import { loadTypes } from '../../src/wire/types.js';
import { silent } from './silent.js';

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

/** The graph as it is stored. */
export function graphRow(index: readonly string[]): Write {
  const yaml = [
    'name: meters',
    'source: { name: text, type: json }',
    'modules: { meter: { inputs: [text], output: json } }',
    `index: [${index.join(', ')}]`,
  ].join('\n');
  const { typesJson } = meterGraph(1, index);
  return put('graphs', ['meters', 1], encodeRow({ yaml, types: typesJson, created_at: AT }));
}

export function problemIdOf(seq: number): string {
  return `00000000-0000-7000-8000-${String(seq).padStart(12, '0')}`;
}

/** What stands in the indexes of what has ended. */
export type Summarize = (problem: ProblemRow, task: TaskRow) => Uint8Array;

export const withSummary: Summarize = (problem, task) => encodeRow(summaryOf(problem, task));
/** As stores have it that are older than summaries. */
export const withoutSummary: Summarize = () => EMPTY;

/** The rows of a problem; with `index`, also those of the fields that are indexed. */
export function rowsOf(
  seq: number,
  problem: MadeProblem,
  index: readonly string[],
  summarize = withSummary,
): Write[] {
  const row = problemRow(seq, problem);
  const writes: Write[] = [
    put('problems', [seq], encodeRow(row)),
    put('problem_ids', [row.problem_id], encodeRow(seq)),
  ];
  for (const [position, iteration] of problem.iterations.entries()) {
    const task = taskRow(seq, position + 1, iteration);
    writes.push(...rowsOfTask(row, task, iteration, index, summarize));
    if (task.iteration_id === row.newest_iteration_id && taskHasEnded(task.state))
      writes.push(put('problems_by_state', [task.state, seq], summarize(row, task)));
  }
  return writes;
}

/** The rows of one iteration alone, of a problem that is there already. */
export function iterationRows(
  seq: number,
  iterationId: number,
  iteration: MadeIteration,
  index: readonly string[],
): Write[] {
  const task = taskRow(seq, iterationId, iteration);
  return rowsOfTask(problemRow(seq, { iterations: [] }), task, iteration, index, withSummary);
}

function put(table: Table, key: Key, value: Uint8Array): Write {
  return { op: 'put', table, key, value };
}

function problemRow(seq: number, { title = '', iterations }: MadeProblem): ProblemRow {
  return {
    problem_id: problemIdOf(seq),
    created_seq: seq,
    graph: 'meters',
    title,
    priority: 50,
    created_at: AT + seq,
    newest_iteration_id: iterations.length,
  };
}

function taskRow(seq: number, iterationId: number, { state = 'succeeded', output }: MadeIteration): TaskRow {
  const problemId = problemIdOf(seq);
  const meter: ModuleRow = {
    phase: 'succeeded',
    generation: 0,
    attempts: 1,
    executions: [
      {
        execution_id: executionIdOf(problemId, iterationId),
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
  return {
    problem_id: problemId,
    iteration_id: iterationId,
    graph: 'meters',
    graph_version: 1,
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
}

function executionIdOf(problemId: string, iterationId: number): string {
  return `${problemId}/${iterationId}`;
}

function rowsOfTask(
  problem: ProblemRow,
  task: TaskRow,
  { output, input = null }: MadeIteration,
  index: readonly string[],
  summarize: Summarize,
): Write[] {
  const { problem_id, iteration_id, problem_seq } = task;
  const hasEnded = taskHasEnded(task.state);
  const elements = hasEnded && output !== undefined ? indexedElements(index, 'meter', output) : {};
  const executionId = executionIdOf(problem_id, iteration_id);
  return [
    put('iterations', [problem_id, iteration_id], encodeRow(task)),
    put('payloads', [problem_id, iteration_id, 'input', 0], encodeRow(input)),
    ...(output === undefined
      ? []
      : [put('payloads', [problem_id, iteration_id, executionId, 1], encodeRow(output))]),
    ...(hasEnded ? [] : [put('unfinished', [problem_seq, problem_id, iteration_id], EMPTY)]),
    ...Object.entries(elements).map(([field, element]) =>
      put('iteration_index', indexKey(field, element, problem_seq, iteration_id), summarize(problem, task)),
    ),
  ];
}

/** Questions to a store that holds such a history, of a graph in one version. */
export function queriesOf(store: Store, index: readonly string[]): ReaderQueries {
  const { compiled, typesJson } = meterGraph(1, index);
  const row = encodeRow({ yaml: '', types: typesJson, created_at: AT });
  const within = (reader: Reader): Reader => ({
    get: async (table, key) => (table === 'graphs' ? row : reader.get(table, key)),
    keys: async (table, range) => (table === 'graphs' ? [['meters', 1]] : reader.keys(table, range)),
    range: (table, range) => reader.range(table, range),
  });
  const snapshot: Store['snapshot'] = (read) => store.snapshot((reader) => read(within(reader)));
  const start = inProcessReaders({ store: { snapshot }, readGraph: () => compiled.graph });
  return new QueryService({ start, shown: async () => {}, logger: silent }).queries('*');
}
