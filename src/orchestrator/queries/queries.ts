/**
 * The answers to questions about the committed past and present.
 *
 * 1. Each answer is of one moment: it is read in one snapshot, and its cursor is that moment's.
 * 2. Lists never load payloads.
 */
import { JsonText, printJson } from '../../base/json/json-text.js';
import type { TaskId } from '../../model/task-id.js';
import { formatTaskId } from '../../model/task-id.js';
import type { Key, Reader, Store } from '../../store/store.js';
import type { LoadedGraph, State } from '../decide/state.js';
import { readProblem, readProblemAt, readTask } from '../load.js';
import type {
  Found,
  Page,
  PageRequest,
  ProblemFilter,
  Queries,
  Refusal,
  SearchQuery,
  View,
} from '../port.js';
import {
  type CommandRow,
  decodeRow,
  type ExecutionRow,
  type GraphRow,
  type ModuleRow,
  type ProblemRow,
  type TaskRow,
} from '../records.js';
import { iterationSummary, reusedModules, summaryOf } from '../summary.js';
import { Differing } from './diff.js';
import { compileSearch } from './filter/compile.js';
import { ITERATION_FIELDS, PROBLEM_FIELDS } from './filter/fields.js';
import { createFilterParser } from './filter/grammar.js';
import { isRefusal, limitOf, MAX_PAGE_CHARACTERS, pageOf, readCursor, writeCursor } from './pages.js';
import { createPayloads } from './payloads.js';
import { listProblems, problemAcceptor } from './problems.js';
import { type Scope, type SearchDeps, search } from './search.js';
import { LongQuestions, type Slices } from './slices.js';
import { commandView, executionView, iterationView, moduleView, problemView, time } from './views.js';

/** Iterations that `GET /v1/problems/{p}` shows. */
const NEWEST_SHOWN = 20;
/** Iterations with their outputs that are held at once. */
const EXPORT_PAGE = 16;

export interface QueriesDeps {
  readonly store: Store;
  /** For the graphs only: a version never changes once it is there. */
  readonly state: Pick<State, 'graph' | 'graphs'>;
  /** Whether every ended iteration (of this graph, or of all) that has the field is in its index. */
  readonly covers: (field: string, graph: string | undefined) => boolean;
  /** Nodes as the loop has them, between two batches. */
  readonly inspectNodes: (nodeId: string | undefined) => Promise<Found<readonly View[]>>;
  /** Who waits for a slot, as the loop has it: of one task, or of all modules. */
  readonly inspectQueue: (task: string | undefined) => Promise<Found<readonly View[]>>;
  readonly stats: () => Promise<View>;
}

function notFound(code: string, message: string): Refusal {
  return { ok: false, kind: 'not_found', code, message };
}

export function createQueries({
  store,
  state,
  covers,
  inspectNodes,
  inspectQueue,
  stats,
}: QueriesDeps): Queries {
  const parseFilter = createFilterParser();
  const long = new LongQuestions();
  const { graphOf, inputOf, overridesOf, moduleOutput, executionOutput } = createPayloads(state);

  /** Runs one question in one snapshot and adds the cursor of that moment. */
  function ask<T>(question: (reader: Reader) => Promise<T | Refusal>): Promise<Found<T> | Refusal> {
    return store.snapshot(async (reader) => {
      const value = await question(reader);
      return isRefusal(value) ? value : { cursor: await cursorOf(reader), value };
    });
  }

  /** The same for one that may look at very many. */
  function askLong<T>(
    question: (reader: Reader, slices: Slices) => Promise<T | Refusal>,
  ): Promise<Found<T> | Refusal> {
    return long.run((slices) => ask((reader) => question(reader, slices)));
  }

  async function taskOf(reader: Reader, id: TaskId): Promise<TaskRow | Refusal> {
    const row = await readTask(reader, id);
    return row ?? notFound('unknown_iteration', `no iteration ${formatTaskId(id)}`);
  }

  async function wholeIteration(reader: Reader, row: TaskRow): Promise<View> {
    const graph = graphOf(row).compiled;
    const modules: Record<string, View> = {};
    for (const { spec } of graph.modules) {
      const output = await moduleOutput(reader, row, spec.name);
      modules[spec.name] = { ...moduleView(row, graph, spec.name), output: output?.json ?? null };
    }
    const [input, overrides] = [await inputOf(reader, row), await overridesOf(reader, row)];
    return { ...iterationView(iterationSummary(row)), input, overrides, modules };
  }

  async function wholeProblem(reader: Reader, row: ProblemRow): Promise<View> {
    const newest = await reader.range('iterations', {
      prefix: [row.problem_id],
      reverse: true,
      limit: NEWEST_SHOWN,
    });
    const rows = newest.map(({ value }) => decodeRow<TaskRow>(value));
    return {
      ...problemView(summaryOf(row, rows[0]!)),
      newest_iterations: rows.map((one) => iterationView(iterationSummary(one))),
    };
  }

  function executionsOf(row: TaskRow): { module: string; execution: ExecutionRow }[] {
    const modules: [string, ModuleRow][] = Object.entries(row.modules);
    return modules
      .flatMap(([module, { executions }]) => executions.map((execution) => ({ module, execution })))
      .sort(
        (a, b) =>
          a.execution.assigned_at - b.execution.assigned_at ||
          (a.execution.execution_id < b.execution.execution_id ? -1 : 1),
      );
  }

  function findExecution(
    row: TaskRow,
    executionId: string,
  ): { module: string; execution: ExecutionRow } | Refusal {
    const found = executionsOf(row).find(({ execution }) => execution.execution_id === executionId);
    return (
      found ??
      notFound(
        'unknown_execution',
        `task ${formatTaskId({ problemId: row.problem_id, iterationId: row.iteration_id })} has no execution ${executionId}`,
      )
    );
  }

  /** Events of a task from `after` on, those that `keep` keeps: `limit` of them, or as many as fit a page. */
  async function eventsOf(
    reader: Reader,
    id: TaskId,
    page: PageRequest,
    keep: (event: View) => boolean,
  ): Promise<Page<JsonText> | Refusal> {
    const cursor = readCursor(page.cursor);
    if (isRefusal(cursor)) return cursor;
    const limit = limitOf(page);
    const prefix: Key = [id.problemId, id.iterationId];
    const seen = Number(cursor?.[0] ?? 0);
    // The stored page that an event lies in is the last one that begins at or before it.
    const [start] =
      seen > 0
        ? await reader.keys('task_events', { prefix, after: [...prefix, seen + 1], reverse: true, limit: 1 })
        : [];
    let from = start ? Number(start[2]) - 1 : 0;
    const items: JsonText[] = [];
    let last = seen;
    let characters = 0;
    for (;;) {
      const [stored] = await reader.range('task_events', { prefix, after: [...prefix, from], limit: 1 });
      if (!stored) return { items, next_cursor: null };
      from = Number(stored.key[2]);
      for (const line of Buffer.from(stored.value).toString().split('\n')) {
        const event = JSON.parse(line) as View & { seq: number };
        if (event.seq <= seen || !keep(event)) continue;
        characters += line.length;
        if (items.length === limit || (items.length > 0 && characters > MAX_PAGE_CHARACTERS)) {
          return { items, next_cursor: writeCursor([last]) };
        }
        items.push(new JsonText(line, event));
        last = event.seq;
      }
    }
  }

  /** One page of what a query finds. */
  async function found(
    reader: Reader,
    scope: Scope,
    query: SearchQuery,
    page: PageRequest,
    more: Pick<SearchDeps, 'slices'> & Partial<Pick<SearchDeps, 'accepts' | 'state'>>,
  ): Promise<Page<View> | Refusal> {
    const ofProblems = scope.kind === 'problems';
    const modules = new Set<string>();
    for (const versions of state.graphs.values()) {
      for (const { compiled } of versions) for (const { spec } of compiled.modules) modules.add(spec.name);
    }
    const stored = ofProblems ? PROBLEM_FIELDS : ITERATION_FIELDS;
    const compiled = compileSearch(query, { stored, modules }, parseFilter);
    if (isRefusal(compiled)) return compiled;
    const deps: SearchDeps = {
      reader,
      input: (task) => inputOf(reader, task),
      output: async (task, module) => {
        const output = await moduleOutput(reader, task, module);
        return output?.raw.kind === 'inline' ? output.json : undefined;
      },
      covers,
      view: (summary) =>
        ofProblems ? problemView(summary) : { ...iterationView(summary), title: summary.title },
      accepts: () => true,
      ...more,
    };
    return search(deps, scope, compiled, page);
  }

  return {
    problems: (filter: ProblemFilter, page) => {
      const { graph, q, created_after, created_before } = filter;
      if (isSearch(filter)) {
        return askLong(async (reader, slices) => {
          const accepts = problemAcceptor(reader, filter);
          if (isRefusal(accepts)) return accepts;
          return found(reader, { kind: 'problems' }, filter, page, { slices, accepts, state: filter.state });
        });
      }
      const passesOver = [graph, q, created_after, created_before].some((value) => value !== undefined);
      return passesOver
        ? askLong((reader, slices) => listProblems(reader, filter, page, slices))
        : ask((reader) => listProblems(reader, filter, page));
    },

    searchIterations: (query, page) =>
      askLong((reader, slices) => found(reader, { kind: 'iterations' }, query, page, { slices })),

    problem: (problemId) =>
      ask(async (reader) => {
        const row = await readProblem(reader, problemId);
        return row ? wholeProblem(reader, row) : notFound('unknown_problem', `no problem ${problemId}`);
      }),

    problemCreatedAt: (createdSeq) =>
      ask(async (reader) => {
        const row = await readProblemAt(reader, createdSeq);
        return row
          ? wholeProblem(reader, row)
          : notFound('unknown_problem', `no problem with created_seq ${createdSeq}`);
      }),

    iterations: (problemId, page, query = {}) => {
      if (isSearch(query)) {
        return askLong(async (reader, slices) => {
          const problem = await readProblem(reader, problemId);
          if (!problem) return notFound('unknown_problem', `no problem ${problemId}`);
          return found(reader, { kind: 'problem', problem }, query, page, { slices });
        });
      }
      return ask(async (reader) => {
        const after = readCursor(page.cursor);
        if (isRefusal(after)) return after;
        if (!(await readProblem(reader, problemId)))
          return notFound('unknown_problem', `no problem ${problemId}`);
        const limit = limitOf(page);
        const rows = await reader.range('iterations', {
          prefix: [problemId],
          limit: limit + 1,
          ...(after && { after }),
        });
        const items = rows.slice(0, limit);
        return {
          items: items.map(({ value }) => iterationView(iterationSummary(decodeRow<TaskRow>(value)))),
          next_cursor: rows.length > limit ? writeCursor(items.at(-1)!.key) : null,
        };
      });
    },

    iteration: (id) =>
      ask(async (reader) => {
        const row = await taskOf(reader, id);
        return isRefusal(row) ? row : wholeIteration(reader, row);
      }),

    output: (id, module) =>
      ask(async (reader) => {
        const row = await taskOf(reader, id);
        if (isRefusal(row)) return row;
        if (!graphOf(row).compiled.index.has(module))
          return notFound('unknown_module', `graph ${row.graph} has no module ${module}`);
        return (
          (await moduleOutput(reader, row, module)) ??
          notFound('no_output', `${module} has no output in ${formatTaskId(id)}`)
        );
      }),

    executions: (id, page) =>
      ask(async (reader) => {
        const row = await taskOf(reader, id);
        if (isRefusal(row)) return row;
        return pageOf(
          executionsOf(row).map(({ module, execution }) => executionView(execution, module)),
          page,
        );
      }),

    execution: (id, executionId) =>
      ask(async (reader) => {
        const row = await taskOf(reader, id);
        if (isRefusal(row)) return row;
        const found = findExecution(row, executionId);
        return isRefusal(found) ? found : executionView(found.execution, found.module);
      }),

    executionOutput: (id, executionId, seq) =>
      ask(async (reader) => {
        const row = await taskOf(reader, id);
        if (isRefusal(row)) return row;
        const found = findExecution(row, executionId);
        if (isRefusal(found)) return found;
        return (
          (await executionOutput(reader, row, found.module, found.execution, seq)) ??
          notFound(
            'no_output',
            `execution ${executionId} has no output ${seq}; it has ${found.execution.outputs}`,
          )
        );
      }),

    executionLog: (id, executionId, page) =>
      ask(async (reader) => {
        const row = await taskOf(reader, id);
        if (isRefusal(row)) return row;
        const found = findExecution(row, executionId);
        if (isRefusal(found)) return found;
        return eventsOf(
          reader,
          id,
          page,
          (event) => event.type === 'execution.log' && event.execution_id === executionId,
        );
      }),

    taskEvents: (id, page) =>
      ask(async (reader) => {
        const row = await taskOf(reader, id);
        return isRefusal(row) ? row : eventsOf(reader, id, page, () => true);
      }),

    diff: (problemId, a, b) =>
      askLong(async (reader, slices) => {
        const rows = [
          await taskOf(reader, { problemId, iterationId: a }),
          await taskOf(reader, { problemId, iterationId: b }),
        ] as const;
        const [left, right] = rows;
        if (isRefusal(left)) return left;
        if (isRefusal(right)) return right;
        const names = [
          ...new Set(
            [left, right].flatMap((row) => graphOf(row).compiled.modules.map(({ spec }) => spec.name)),
          ),
        ];
        const modules: Record<string, unknown> = {};
        const differing = new Differing();
        for (const name of names) {
          await slices.rest();
          const [before, after] = [
            await moduleOutput(reader, left, name),
            await moduleOutput(reader, right, name),
          ];
          const fields = differing.between(before?.json, after?.json);
          if (fields.length > 0) modules[name] = fields;
        }
        const input = differing.between(await inputOf(reader, left), await inputOf(reader, right));
        const overrides = differing.between(
          new JsonText(printJson(await overridesOf(reader, left))),
          new JsonText(printJson(await overridesOf(reader, right))),
        );
        const reused = { a: reusedModules(left), b: reusedModules(right) };
        return {
          ...{ problem_id: problemId, a, b, input, overrides, reused, modules },
          truncated: differing.isTruncated,
        };
      }),

    exportRows: (problemId) =>
      ask(async (reader) => {
        if (!(await readProblem(reader, problemId)))
          return notFound('unknown_problem', `no problem ${problemId}`);
        return exportRows(problemId);
      }),

    nodes: async (page) => {
      const { cursor, value } = await inspectNodes(undefined);
      const items = pageOf(
        [...value].sort((a, b) =>
          String(a.module) + String(a.instance) < String(b.module) + String(b.instance) ? -1 : 1,
        ),
        page,
      );
      return isRefusal(items) ? items : { cursor, value: items };
    },

    node: async (nodeId) => {
      const { cursor, value } = await inspectNodes(nodeId);
      return value[0] ? { cursor, value: value[0] } : notFound('unknown_node', `no node ${nodeId}`);
    },

    queues: async (page) => {
      const { cursor, value } = await inspectQueue(undefined);
      const items = pageOf(value, page);
      return isRefusal(items) ? items : { cursor, value: items };
    },

    queueOfTask: async (id, page) => {
      const row = await ask((reader) => taskOf(reader, id));
      if (isRefusal(row)) return row;
      const { cursor, value } = await inspectQueue(formatTaskId(id));
      const items = pageOf(value, page);
      return isRefusal(items) ? items : { cursor, value: items };
    },

    command: (commandId) =>
      ask(async (reader) => {
        const bytes = await reader.get('commands', [commandId]);
        return bytes
          ? commandView(decodeRow<CommandRow>(bytes))
          : notFound('unknown_command', `no command ${commandId}`);
      }),

    graphs: (page) =>
      ask(async (reader) => {
        const keys = await reader.keys('graphs', { prefix: [] });
        const newest = new Map(keys.map(([name, version]) => [String(name), Number(version)]));
        return pageOf(
          [...newest].map(([name, version]) => ({ name, version })),
          page,
        );
      }),

    graph: (name, version) =>
      ask(async (reader) => {
        const stored = await reader.range('graphs', {
          prefix: version === undefined ? [name] : [name, version],
          reverse: true,
          limit: 1,
        });
        const [entry] = stored;
        const loaded = entry && state.graph(name, Number(entry.key[1]));
        if (!entry || !loaded) {
          return notFound(
            'unknown_graph',
            version === undefined ? `no graph ${name}` : `graph ${name} has no version ${version}`,
          );
        }
        return graphView(loaded, decodeRow<GraphRow>(entry.value));
      }),

    stats: async () => ({ cursor: await cursorOf(store), value: await stats() }),
  };

  /** Page by page, each with a view of its own: an export of a million rows holds no snapshot and no more than a page. */
  async function* exportRows(problemId: string): AsyncGenerator<View> {
    let after: Key | undefined;
    const slices = long.slices();
    for (;;) {
      await slices.begin();
      const rows = await store.range('iterations', {
        prefix: [problemId],
        limit: EXPORT_PAGE,
        ...(after && { after }),
      });
      const views: View[] = [];
      for (const { value } of rows) {
        views.push(await exportRow(decodeRow<TaskRow>(value)));
        await slices.rest();
      }
      // Its reader may take its time.
      slices.pause();
      yield* views;
      if (rows.length < EXPORT_PAGE) return;
      after = rows.at(-1)!.key;
    }
  }

  async function exportRow(row: TaskRow): Promise<View> {
    const outputs: Record<string, unknown> = {};
    for (const { spec } of graphOf(row).compiled.modules) {
      outputs[spec.name] = (await moduleOutput(store, row, spec.name))?.json ?? null;
    }
    const [input, overrides] = [await inputOf(store, row), await overridesOf(store, row)];
    return { ...iterationView(iterationSummary(row)), input, overrides, outputs };
  }
}

function isSearch({ filter, order_by, fields }: SearchQuery): boolean {
  return filter !== undefined || order_by !== undefined || fields !== undefined;
}

async function cursorOf(reader: Reader): Promise<number> {
  const cursor = await reader.get('meta', ['cursor']);
  return cursor ? decodeRow<number>(cursor) : 0;
}

function graphView({ compiled, types }: LoadedGraph, row: GraphRow): View {
  const { graph, key } = compiled;
  return {
    name: key.name,
    version: key.version,
    created_at: time(row.created_at),
    source: { ...graph.source, schema: types.jsonSchema(graph.source.type) },
    index: graph.index ?? [],
    modules: Object.fromEntries(
      graph.modules.map((spec) => [
        spec.name,
        {
          inputs: spec.inputs,
          previous: spec.previous,
          output: spec.output,
          schema: types.jsonSchema(spec.output),
          require: spec.require,
          timeout_ms: spec.timeoutMs,
          retry: {
            attempts: spec.retry.attempts,
            backoff_ms: spec.retry.backoffMs,
            factor: spec.retry.factor,
            max_backoff_ms: spec.retry.maxBackoffMs,
          },
          on_error: spec.onError,
        },
      ]),
    ),
    yaml: row.yaml,
  };
}
