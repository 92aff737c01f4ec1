/**
 * Reads the stored data that the steps of a batch need, right before they are decided: the previous batch is committed, so memory and
 * store are of the same moment.
 */

import { typeOf } from '../../model/graph.js';
import type { Execution } from '../../model/task.js';
import { formatTaskId, type TaskId } from '../../model/task-id.js';
import type { Reader } from '../../store/store.js';
import { type CampaignAnswer, lookUpCampaign } from '../campaigns/look-up.js';
import { type CampaignLookUp, instanceKey, type LookUp, type State } from '../core/state.js';
import {
  type CampaignFound,
  type Loaded,
  type LookedUp,
  type ReusableValue,
  reusableKey,
  type Step,
  taskOfLease,
} from '../core/turn.js';
import { executionFromRow } from '../tables/execution-row.js';
import { refFromRow } from '../tables/payload-ref.js';
import type { ProblemRow } from '../tables/problem-row.js';
import { findInItems, readProblem, readTask } from '../tables/read-rows.js';
import * as tables from '../tables/tables.js';
import { outputRefsOf } from '../tables/task-payloads.js';
import { type TaskRow, taskFromRow } from '../tables/task-row.js';
import { type LookUpDeps, lookUp } from './look-up.js';
import { lookUpUndeploy } from './look-up-undeploy.js';

export const NOTHING_LOADED: Loaded = {
  problems: new Map(),
  parents: new Map(),
  newestSucceeded: new Map(),
  reusable: new Map(),
  inputs: new Map(),
  executions: new Map(),
  answered: new Map(),
  replacedBoots: new Set(),
  blobs: new Map(),
  lookedUp: new Map(),
  campaigns: new Map(),
};

/** Iterations looked at together in the search for the newest succeeded one, where the newest of all is not it. */
const SEARCH_PAGE = 50;

/** The data that a batch refers to and that is not in memory. */
interface Needs {
  readonly keys: Set<string>;
  readonly blobs: Set<string>;
  readonly boots: Set<string>;
  /** Tasks with executions that somebody speaks of and memory does not hold. */
  readonly tasks: Map<string, { readonly id: TaskId; readonly spokenOf: string[] }>;
  readonly iterated: {
    readonly problemId: string;
    readonly parentIterationId: number | undefined;
    readonly reuse: readonly string[];
  }[];
  readonly changed: Set<string>;
  readonly commanded: Map<string, TaskId>;
  readonly lookUps: Map<string, LookUp>;
  readonly campaigns: Map<string, CampaignLookUp>;
}

export async function load(
  store: Reader,
  state: State,
  steps: readonly Step[],
  deps: LookUpDeps,
): Promise<Loaded> {
  const needs = needsOf(state, steps);
  if (!needs) return NOTHING_LOADED;
  const problems = new Map<string, ProblemRow>();
  const parents = new Map<string, TaskRow>();
  const newestSucceeded = new Map<string, number>();
  const reusable = new Map<string, ReusableValue>();
  const inputs = new Map<string, Uint8Array>();
  for (const { problemId, parentIterationId, reuse } of needs.iterated) {
    const problem = await readProblem(store, problemId);
    if (problem) problems.set(problemId, problem);
    const parent =
      parentIterationId === undefined
        ? await findNewestSucceeded(store, problemId)
        : await readTask(store, { problemId, iterationId: parentIterationId });
    if (!parent) continue;
    const key = formatTaskId({ problemId, iterationId: parent.iteration_id });
    parents.set(key, parent);
    const input = await readComparedInput(store, state, parent);
    if (input) inputs.set(key, input);
    if (parentIterationId === undefined) newestSucceeded.set(problemId, parent.iteration_id);
    for (const module of new Set(reuse)) await readReusable(store, state, parent, module, reusable);
  }
  for (const problemId of needs.changed) {
    const problem = await readProblem(store, problemId);
    if (problem) problems.set(problemId, problem);
  }
  for (const [key, id] of needs.commanded) {
    const row = await readTask(store, id);
    if (row) parents.set(key, row);
  }
  const lookedUp = new Map<string, LookedUp>();
  for (const [key, one] of needs.lookUps) lookedUp.set(key, await lookUp(store, deps, state, one, reusable));
  const campaigns = new Map<string, CampaignFound>();
  for (const [key, one] of needs.campaigns) {
    const answer = await answerFor({ ...deps, store, state }, one);
    if (!answer) continue;
    campaigns.set(key, answer.found);
    if (answer.problem) problems.set(answer.problem.problem_id, answer.problem);
  }
  return {
    problems,
    parents,
    newestSucceeded,
    reusable,
    inputs,
    executions: await readExecutions(store, state, needs.tasks),
    answered: await readAll(store, tables.idempotency, needs.keys),
    replacedBoots: new Set((await readAll(store, tables.boots, needs.boots)).keys()),
    blobs: await readSizes(store, needs.blobs),
    lookedUp,
    campaigns,
  };
}

function answerFor(
  deps: LookUpDeps & { readonly store: Reader; readonly state: State },
  { campaignId, question }: CampaignLookUp,
): Promise<CampaignAnswer | undefined> {
  return question.kind === 'undeploy'
    ? lookUpUndeploy(deps, campaignId)
    : lookUpCampaign(deps, { campaignId, question });
}

function needsOf(state: State, steps: readonly Step[]): Needs | undefined {
  let needs: Needs | undefined;
  const need = (): Needs => {
    needs ??= {
      keys: new Set(),
      blobs: new Set(),
      boots: new Set(),
      tasks: new Map(),
      iterated: [],
      changed: new Set(),
      commanded: new Map(),
      lookUps: new Map(),
      campaigns: new Map(),
    };
    return needs;
  };
  const spokenOf = ({
    executionId,
    lease,
  }: {
    readonly executionId: string;
    readonly lease: string;
  }): void => {
    if (state.executions.has(executionId)) return;
    const id = taskOfLease(lease);
    if (!id) return;
    const key = formatTaskId(id);
    const known = need().tasks.get(key);
    if (known) known.spokenOf.push(executionId);
    else need().tasks.set(key, { id, spokenOf: [executionId] });
  };
  for (const [key, one] of state.lookUps)
    if (state.tasks.get(one.task.key) === one.task) need().lookUps.set(key, one);
  for (const [key, one] of state.campaignLookUps) need().campaigns.set(key, one);
  for (const step of steps) {
    if (step.kind === 'outputs') {
      for (const output of step.outputs) {
        spokenOf(output);
        if (output.payload.kind === 'blob') need().blobs.add(output.payload.blob.sha256);
      }
    } else if (step.kind === 'control') {
      for (const message of step.frame.messages) {
        if (message.kind === 'execution_report') spokenOf(message);
        else if (message.kind === 'log') {
          if (message.whole) need().blobs.add(message.whole.blob.sha256);
        } else if (message.kind === 'kept') {
          for (const { lease } of message.executions) {
            const id = taskOfLease(lease);
            const key = id && formatTaskId(id);
            if (id && key && !state.tasks.has(key)) need().commanded.set(key, id);
          }
        } else if (message.kind === 'hello') {
          for (const held of message.held) spokenOf(held);
          const node = state.nodesByInstance.get(instanceKey(message.module, message.instance));
          if (node && node.bootId !== message.bootId) need().boots.add(message.bootId);
        }
      }
    } else if (step.kind === 'request') {
      if (step.dedupe) need().keys.add(step.dedupe.key);
      const { request } = step;
      if (request.kind === 'iterate') {
        const { problemId, parentIterationId, reuse = [] } = request;
        need().iterated.push({ problemId, parentIterationId, reuse });
      } else if (request.kind === 'change_problem') {
        need().changed.add(request.problemId);
      } else if (request.kind === 'task_command' || request.kind === 'decide_approval') {
        const key = formatTaskId(request.taskId);
        if (!state.tasks.has(key)) need().commanded.set(key, request.taskId);
      } else if (request.kind === 'operate_deployment') {
        if (!state.problems.has(request.deploymentId)) need().changed.add(request.deploymentId);
        for (const sha256 of Object.values(request.files ?? {})) need().blobs.add(sha256);
      } else if (
        request.kind === 'put_graph' ||
        request.kind === 'apply_service' ||
        request.kind === 'deploy'
      ) {
        for (const sha256 of Object.values(request.files ?? {})) need().blobs.add(sha256);
      } else if (request.kind === 'run_campaign' && request.deployment?.kind === 'own') {
        for (const sha256 of Object.values(request.deployment.request.files)) need().blobs.add(sha256);
      }
    }
  }
  return needs;
}

async function readAll<T>(
  store: Reader,
  table: tables.TypedTable<T>,
  keys: Iterable<string>,
): Promise<Map<string, T>> {
  const rows = new Map<string, T>();
  for (const key of keys) {
    const row = await table.get(store, [key]);
    if (row) rows.set(key, row);
  }
  return rows;
}

async function readSizes(store: Reader, blobs: Iterable<string>): Promise<Map<string, number>> {
  const rows = await readAll(store, tables.blobs, blobs);
  return new Map([...rows].map(([sha256, { size }]) => [sha256, size]));
}

async function findNewestSucceeded(store: Reader, problemId: string): Promise<TaskRow | undefined> {
  let after: { readonly after: readonly (string | number)[] } | undefined;
  for (let limit = 1; ; limit = SEARCH_PAGE) {
    const page = await store.range('iterations', { prefix: [problemId], reverse: true, limit, ...after });
    for (const { value } of page) {
      const row = tables.iterations.decode(value);
      if (row.state === 'succeeded') return row;
    }
    const last = page.at(-1);
    if (!last || page.length < limit) return undefined;
    after = { after: last.key };
  }
}

/** Reads what a module of the parent put out: what is indexed of it, and what the event shows. */
async function readReusable(
  store: Reader,
  state: State,
  parent: TaskRow,
  module: string,
  reusable: Map<string, ReusableValue>,
): Promise<void> {
  const graph = state.graph(parent.graph, parent.graph_version);
  for (const [reference, ref] of outputRefsOf(parent, module)) {
    if (!graph || ref.blob) continue;
    const type = typeOf(graph.compiled.graph, reference);
    const bytes = await store.get('payloads', [ref.problem_id, ref.iteration_id, ref.owner, ref.seq]);
    const decoded = bytes && type !== undefined ? graph.types.decode(type, bytes) : undefined;
    if (!decoded?.ok) continue;
    const { value, shown } = decoded;
    reusable.set(reusableKey(refFromRow(ref)), { size: bytes!.byteLength, value, shown });
  }
}

/** The input of a parent, where conditions of the graph as it is now look at it. */
async function readComparedInput(
  store: Reader,
  state: State,
  { graph, input }: TaskRow,
): Promise<Uint8Array | undefined> {
  const compiled = state.graph(graph)?.compiled;
  if (!compiled?.readings.has(compiled.graph.source.name) || input.blob) return undefined;
  return store.get('payloads', [input.problem_id, input.iteration_id, input.owner, input.seq]);
}

/** Executions that memory does not hold, as they were stored: those of finished tasks, and of items that are done. */
async function readExecutions(
  store: Reader,
  state: State,
  tasks: Needs['tasks'],
): Promise<Map<string, Execution>> {
  const executions = new Map<string, Execution>();
  for (const [key, { id, spokenOf }] of tasks) {
    const row = state.tasks.has(key) ? undefined : await readTask(store, id);
    const graph = row && state.graph(row.graph, row.graph_version)?.compiled;
    const task = graph ? taskFromRow(row, graph, { nowMs: 0, wallMs: 0 }) : state.tasks.get(key);
    if (!task) continue;
    for (const run of graph ? task.runs : [])
      for (const execution of run?.executions ?? []) executions.set(execution.id, execution);
    if (!task.graph.modules.some(({ spec }) => spec.map)) continue;
    for (const executionId of spokenOf) {
      const found = executions.has(executionId) ? undefined : await findInItems(store, id, executionId);
      const position = found && task.graph.index.get(found.module);
      if (found && position !== undefined)
        executions.set(executionId, executionFromRow(found.execution, task, position));
    }
  }
  return executions;
}
