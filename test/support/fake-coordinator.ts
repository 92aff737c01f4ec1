import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { v7 } from 'uuid';
import { JsonText } from '../../src/base/json/json-text.js';
import type { Grant } from '../../src/model/access.js';
import type { Asker, Deed } from '../../src/model/audit.js';
import { clusterFields } from '../../src/model/cluster.js';
import { type JobState, jobStateOf } from '../../src/model/job.js';
import { NO_REMARKS, type Remarks } from '../../src/model/problem.js';
import type { CommandFields } from '../../src/model/run.js';
import { formatTaskId, type TaskId } from '../../src/model/task-id.js';
import type { TaskState } from '../../src/model/task-state.js';
import { GrantBook } from '../../src/orchestrator/access/grants.js';
import { Sessions } from '../../src/orchestrator/access/sessions.js';
import { VAULT_KEY_BYTES, Vault } from '../../src/orchestrator/access/vault.js';
import { remarksFrom } from '../../src/orchestrator/core/tasks/change-problem.js';
import type {
  Answer,
  Found,
  FoundJson,
  Page,
  PageRequest,
  Readiness,
  Refusal,
  Refused,
  Request,
  StoredOutput,
  StreamingCoordinator,
  View,
  Workspace,
} from '../../src/orchestrator/port.js';
import { prepareGrant, withToken } from '../../src/orchestrator/prepare/grant.js';
import { exportedText } from '../../src/orchestrator/queries/export.js';
import { foundJson } from '../../src/orchestrator/queries/found.js';
import { createFakeEvents, type FakeEvents } from './fake-events.js';

type Json = Record<string, unknown>;

interface FakeIteration {
  readonly task: TaskId;
  readonly parent: number | null;
  readonly input: unknown;
  state: string;
  readonly modules: Record<string, Json>;
  readonly outputs: Map<string, StoredOutput>;
}

interface FakeProblem {
  readonly problemId: string;
  readonly graph: string;
  title: string | null;
  readonly remarks: Remarks;
  readonly iterations: FakeIteration[];
}

/**
 * An orchestrator of one graph, `demo` (`text` → `length` → `report`), and of jobs, in memory: what it is told to do it does at once, and its modules
 * run only as far as a test says.
 */
export interface FakeCoordinator extends StreamingCoordinator, Workspace {
  readonly events: FakeEvents;
  /** Every request that was carried out, in order. */
  readonly requests: readonly Request[];
  readonly nodes: Map<string, Json>;
  /** The log of every execution. */
  lines: readonly Json[];
  /** Of every execution. */
  wholeStreams: Json;
  /** Gives a module's execution its last output. */
  output(task: TaskId, module: string, json: unknown, raw?: StoredOutput['raw']): void;
  /** Gives a module's execution a node. */
  place(task: TaskId, module: string, nodeId: string): void;
  /** What is known of the command of a module. */
  command(task: TaskId, module: string, fields: CommandFields): void;
  /** Ends a task, as a whole. */
  end(
    task: TaskId,
    state: 'succeeded' | 'failed' | 'cancelled',
    error?: { module: string; code: string; message: string },
  ): void;
  ready: Readiness;
  /** What the next request is answered with, instead. */
  refuseNext: Refusal | undefined;
  /** What the gateway says that it has refused. */
  readonly refused: Refused[];
  /** What the gateway says that was done outside the loop. */
  readonly done: Deed[];
  /** Who has asked last. */
  asker: Asker | undefined;
}

const AT = '2026-01-01T00:00:00.000Z';
const GRAPH: Json = {
  name: 'demo',
  version: 1,
  source: { name: 'text', type: 'json' },
  loops: [],
  modules: { length: { inputs: ['text'], output: 'json' }, report: { inputs: ['length'], output: 'json' } },
  yaml: 'name: demo\n',
};

function grantOf({ id, name, role, project, createdAt, expiresAt }: Grant): Json {
  return {
    ...{ access_id: id, name, role, project },
    created_at: new Date(createdAt).toISOString(),
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  };
}

export function createFakeCoordinator(
  options: { readonly storeId?: string; readonly epoch?: number } = {},
): FakeCoordinator {
  const events = createFakeEvents(AT);
  const problems: FakeProblem[] = [];
  const nodes = new Map<string, Json>();
  const clusters = new Map<string, Json>();
  const secrets = new Map<string, Json>();
  /** One, which runs as the newest problem. */
  const replicasOf = (service: string): Json[] => {
    const newest = problems.at(-1);
    if (newest === undefined) return [];
    return [
      {
        ...{ replica_id: `${service}-1`, cluster: 'local', desired: 'running', observed: 'running' },
        ...{ node_id: null, restarts: 0, reason: null, task_id: `${newest.problemId}/1`, since: AT },
        retry_at: null,
      },
    ];
  };
  const campaigns = new Map<string, Json>();
  const deployments = new Map<string, Json>();
  const operationOf = (id: string): Json => ({
    ...{ operation_id: 1, operation: 'deploy', state: 'succeeded', task_id: `${id}/1`, steps: [] },
    ...{ created_at: AT, finished_at: AT, error: null },
  });
  const services = new Map<string, Json>();
  const webhooks = new Map<string, Json>();
  const granted = new Map<string, Grant>();
  const grants = new GrantBook({ state: { grants: granted }, wallMs: Date.now });
  const vault = new Vault(randomBytes(VAULT_KEY_BYTES));
  const commands = new Map<string, Json>();
  const blobs = new Map<string, Buffer>();
  const graphs = new Map<string, Json[]>([['demo', [GRAPH]]]);
  const answered = new Map<string, { body: string; answer: Answer }>();
  const requests: Request[] = [];

  /** Rows are as loose as the tests need them: `T` is what the port promises. */
  const at = <T>(value: unknown): FoundJson<T> => foundJson(events.cursor(), value as T);
  const missing = (what: string): Refusal => ({
    ok: false,
    kind: 'not_found',
    code: 'not_found',
    message: `There is no ${what}.`,
  });
  const findProblem = (id: string): FakeProblem | undefined => problems.find((one) => one.problemId === id);
  const find = (task: TaskId): FakeIteration | undefined =>
    findProblem(task.problemId)?.iterations[task.iterationId - 1];
  const inProblem = <T>(id: string, view: (problem: FakeProblem) => unknown): FoundJson<T> | Refusal => {
    const problem = findProblem(id);
    return problem === undefined ? missing(`problem ${id}`) : at(view(problem));
  };
  const inTask = <T>(task: TaskId, view: (one: FakeIteration) => unknown): FoundJson<T> | Refusal => {
    const one = find(task);
    const value = one === undefined ? undefined : view(one);
    return value === undefined ? missing(`such thing in ${formatTaskId(task)}`) : at(value);
  };
  const outputIn = (task: TaskId, name: unknown): Found<StoredOutput> | Refusal => {
    const value = find(task)?.outputs.get(String(name));
    return value === undefined
      ? missing(`such output in ${formatTaskId(task)}`)
      : { cursor: events.cursor(), value };
  };

  const begin = (problem: FakeProblem, input: unknown, parent: number | null): Answer => {
    const task = { problemId: problem.problemId, iterationId: problem.iterations.length + 1 };
    const { graph } = problem;
    const modules: Record<string, Json> =
      graph === 'job'
        ? { script: module('assigned', v7()) }
        : { length: module('assigned', v7()), report: module('waiting', null) };
    problem.iterations.push({ task, parent, input, state: 'running', modules, outputs: new Map() });
    const names = { problem_id: task.problemId, iteration_id: task.iterationId };
    events.commit([
      ...(task.iterationId === 1
        ? [
            {
              type: 'problem.created',
              ...names,
              graph,
              title: problem.title ?? '',
              priority: 50,
            },
          ]
        : []),
      {
        type: 'iteration.submitted',
        ...names,
        graph,
        graph_version: 1,
        priority: 50,
        parent_iteration_id: parent,
      },
      { type: 'iteration.started', ...names },
    ]);
    return { ok: true, kind: 'created', body: { ...names, task_id: formatTaskId(task) } };
  };
  const command = (target: unknown): Answer => {
    const command_id = v7();
    commands.set(command_id, { command_id, target, state: 'acked', parts: [] });
    events.commit([{ type: 'command.issued', command_id, command: 'preempt', reason: '' }]);
    return { ok: true, kind: 'accepted', body: { command_id } };
  };

  const carryOut = (request: Request): Answer => {
    switch (request.kind) {
      case 'submit': {
        if (!graphs.has(request.graph)) return missing(`graph ${request.graph}`);
        if (typeof request.input !== 'object' || request.input === null) {
          const details = [{ path: '/input', code: 'wrong_type', message: 'An object is needed' }];
          return {
            ok: false,
            kind: 'invalid',
            code: 'invalid_input',
            message: 'The input has faults.',
            details,
          };
        }
        const title = request.title ?? null;
        const remarks = { ...NO_REMARKS, ...remarksFrom(request) };
        const problem = { problemId: v7(), graph: request.graph, title, remarks, iterations: [] };
        problems.unshift(problem);
        return begin(problem, request.input, null);
      }
      case 'submit_job': {
        const { name, script, jobType, cluster } = request;
        const remarks = { ...NO_REMARKS, title: name };
        const problem = { problemId: v7(), graph: 'job', title: name, remarks, iterations: [] };
        problems.unshift(problem);
        return begin(problem, { name, script, job_type: jobType, cluster }, null);
      }
      case 'iterate': {
        const problem = findProblem(request.problemId);
        if (problem === undefined) return missing(`problem ${request.problemId}`);
        const named = request.parentIterationId;
        const parent =
          named === undefined
            ? problem.iterations.findLast((one) => one.state === 'succeeded')
            : problem.iterations[named - 1];
        if (named !== undefined && parent?.state !== 'succeeded') {
          const message = `Iteration ${named} has not succeeded.`;
          return { ok: false, kind: 'conflict', code: 'parent_not_succeeded', message };
        }
        const input = request.input ?? parent?.input;
        if (input === undefined) {
          return { ok: false, kind: 'invalid', code: 'no_input', message: 'There is no input to take.' };
        }
        return begin(problem, input, parent?.task.iterationId ?? null);
      }
      case 'task_command': {
        const one = find(request.taskId);
        if (one === undefined) return missing(`task ${formatTaskId(request.taskId)}`);
        if (one.state !== 'running') {
          return { ok: false, kind: 'conflict', code: 'task_ended', message: `The task has ${one.state}.` };
        }
        if (request.command === 'stop') fake.end(one.task, 'cancelled');
        return command({ task_id: formatTaskId(request.taskId) });
      }
      case 'node_command':
        return nodes.has(request.nodeId)
          ? command({ node_id: request.nodeId })
          : missing(`node ${request.nodeId}`);
      case 'remove_node':
        return nodes.delete(request.nodeId)
          ? { ok: true, kind: 'done', body: { node_id: request.nodeId } }
          : missing(`node ${request.nodeId}`);
      case 'add_cluster':
      case 'declare_cluster': {
        const { name } = request.cluster;
        if (request.kind === 'add_cluster' && clusters.has(name))
          return { ok: false, kind: 'conflict', code: 'name_taken', message: `There is a cluster ${name}.` };
        const fields = clusterFields({ status: 'active', ...request.cluster });
        const agent = {
          messenger: 'tcp://127.0.0.1:7400',
          agent_state: 'offline',
          agent_error: null,
          running: 0,
        };
        clusters.set(name, { ...fields, created_at: AT, ...agent });
        return { ok: true, kind: 'created', body: clusters.get(name)! };
      }
      case 'change_problem': {
        const problem = findProblem(request.problemId);
        if (problem === undefined) return missing(`problem ${request.problemId}`);
        Object.assign(problem.remarks, remarksFrom(request.change));
        problem.title = problem.remarks.title;
        const { problemId: problem_id, remarks } = problem;
        events.commit([{ type: 'problem.changed', problem_id, ...remarksFrom(request.change) }]);
        return { ok: true, kind: 'done', body: { problem_id, ...remarks, revision: events.cursor() } };
      }
      case 'change_cluster': {
        const { kind: _, name, ...changes } = request;
        const cluster = clusters.get(name);
        if (cluster === undefined) return missing(`cluster ${name}`);
        clusters.set(name, { ...cluster, ...changes });
        return { ok: true, kind: 'done', body: clusters.get(name)! };
      }
      case 'remove_cluster':
        return clusters.delete(request.name)
          ? { ok: true, kind: 'done', body: { name: request.name } }
          : missing(`cluster ${request.name}`);
      case 'set_secret': {
        const { name } = request;
        const known = secrets.get(name);
        secrets.set(name, { name, created_at: AT, updated_at: AT });
        return { ok: true, kind: known ? 'done' : 'created', body: secrets.get(name)! };
      }
      case 'remove_secret':
        return secrets.delete(request.name)
          ? { ok: true, kind: 'done', body: { name: request.name } }
          : missing(`secret ${request.name}`);
      case 'deploy': {
        const { name = 'shop' } = request;
        deployments.set(name, {
          ...{ deployment_id: name, name, project: 'default', state: 'deployed', version: 1 },
          operation_id: 1,
          ...{ operation: 'deploy', task_id: `${name}/1`, message: null, created_at: AT, updated_at: AT },
          ...{
            health: 'ok',
            reasons: [],
            blueprint: name,
            inputs: request.inputs,
            components: {},
            outputs: {},
            failed: null,
            drift: [],
          },
        });
        return {
          ok: true,
          kind: 'accepted',
          body: { deployment_id: name, operation_id: 1, task_id: `${name}/1` },
        };
      }
      case 'operate_deployment':
      case 'update_deployment': {
        const { deploymentId: id } = request;
        return deployments.has(id)
          ? { ok: true, kind: 'accepted', body: { deployment_id: id, operation_id: 2, task_id: `${id}/2` } }
          : missing(`deployment ${id}`);
      }
      case 'cancel_deployment':
        return deployments.has(request.deploymentId)
          ? { ok: true, kind: 'accepted', body: { command_id: v7() } }
          : missing(`deployment ${request.deploymentId}`);
      case 'apply_service': {
        const { name, type, count, require, run, restart } = request.spec;
        const known = services.has(name);
        services.set(name, {
          ...{ name, type, count, module: null, files: [], env: run.env, require },
          ...{ resources: { cpus: 1 }, startup_deadline_ms: null, disconnect: null },
          restart: { backoff_ms: restart.backoffMs, max_backoff_ms: restart.maxBackoffMs },
          deployment_id: null,
          ...{ desired: 'running', generation: 1, health: 'ok', reasons: [], replicas: replicasOf(name) },
          ...{ created_at: AT, updated_at: AT },
        });
        return { ok: true, kind: known ? 'done' : 'created', body: services.get(name)! };
      }
      case 'command_service':
        return services.has(request.name)
          ? { ok: true, kind: 'accepted', body: services.get(request.name)! }
          : missing(`service ${request.name}`);
      case 'remove_service':
        return services.delete(request.name)
          ? { ok: true, kind: 'accepted', body: { name: request.name } }
          : missing(`service ${request.name}`);
      case 'add_webhook':
      case 'declare_webhook': {
        const { name, url, filter = null, problem = null, secret } = request.webhook;
        const known = {
          name,
          url: `${new URL(url).origin}/…`,
          filter,
          problem,
          project: '*',
          signed: secret !== undefined,
        };
        const progress = { cursor: 0, lag: 0, last_status: null, last_at: null, failures: 0, missed: 0 };
        webhooks.set(name, { ...known, created_at: AT, ...progress });
        return { ok: true, kind: 'created', body: webhooks.get(name)! };
      }
      case 'remove_webhook':
        return webhooks.delete(request.name)
          ? { ok: true, kind: 'done', body: { name: request.name } }
          : missing(`webhook ${request.name}`);
      case 'test_webhook':
        return webhooks.has(request.name)
          ? { ok: true, kind: 'done', body: { name: request.name, delivered: true, status: '204' } }
          : missing(`webhook ${request.name}`);
      case 'grant_access': {
        const {
          id,
          name,
          role,
          project = 'default',
          hash,
          sealed,
          expiresInMs,
        } = prepareGrant({ vault, ids: { uuid: v7 } }, request.grant);
        const expiresAt = expiresInMs === undefined ? undefined : Date.now() + expiresInMs;
        granted.set(id, { id, name, role, project, hash, createdAt: Date.parse(AT), expiresAt });
        grants.refresh();
        return withToken(vault, {
          ok: true,
          kind: 'created',
          body: { ...grantOf(granted.get(id)!), sealed },
        });
      }
      case 'revoke_access': {
        const grant = granted.get(request.id);
        if (!grant) return missing(`grant ${request.id}`);
        granted.delete(request.id);
        grants.refresh();
        return { ok: true, kind: 'done', body: grantOf(grant) };
      }
      case 'configure': {
        const node = nodes.get(request.nodeId);
        if (node === undefined) return missing(`node ${request.nodeId}`);
        if (node.liveness !== 'alive') {
          return { ok: false, kind: 'conflict', code: 'node_not_alive', message: 'The node is not alive.' };
        }
        return { ok: true, kind: 'done', body: { success: true, configuration: request.configuration } };
      }
      case 'run_campaign':
        campaigns.set(request.name, {
          ...{ campaign_id: request.name, problem_id: request.name, name: request.name, project: 'default' },
          ...{ graph: request.graph, graph_version: 1, phase: 'running', mode: 'automated', paused: false },
          ...{ iterations: 0, max_iterations: 1, running: [], steps: 0, waits_for: [], best: null },
          ...{
            ended_by: null,
            error: null,
            deadline: null,
            deployment: null,
            next_at: null,
            created_at: AT,
            updated_at: AT,
            ended_at: null,
          },
        });
        return {
          ...{ ok: true, kind: 'accepted' },
          body: { campaign_id: request.name, problem_id: request.name },
        };
      case 'command_campaign':
        return campaigns.has(request.campaignId)
          ? { ok: true, kind: 'accepted', body: { ...campaigns.get(request.campaignId)! } }
          : missing(`campaign ${request.campaignId}`);
      case 'decide_approval':
        return missing(`approval of ${request.module}`);
      case 'put_graph': {
        const { name = 'demo' } = request;
        const versions = graphs.get(name) ?? [];
        const graph = { ...GRAPH, name, version: versions.length + 1, yaml: request.yaml };
        graphs.set(name, [...versions, graph]);
        return { ok: true, kind: 'created', body: graph };
      }
      default:
        return request satisfies never;
    }
  };

  const fake: FakeCoordinator = {
    epoch: options.epoch ?? 1,
    bound: '*',
    within: (_, asker) => {
      fake.asker = asker;
      return fake;
    },
    asker: undefined,
    cursor: () => events.cursor(),
    storeId: options.storeId ?? '01890000-0000-7000-8000-000000000001',
    events,
    requests,
    nodes,
    ready: { ready: true },
    lines: [{ at: AT, level: 'info', message: 'counted', fields: {} }],
    wholeStreams: {},
    refuseNext: undefined,
    refused: [],
    noteRefused: (refused) => void fake.refused.push(refused),
    done: [],
    noteDone: async (deed) => void fake.done.push(deed),
    readiness: () => fake.ready,
    async request(request, key) {
      const refusal = fake.refuseNext;
      fake.refuseNext = undefined;
      if (refusal !== undefined) return refusal;
      const body = JSON.stringify(request);
      const before = key === undefined ? undefined : answered.get(key);
      if (before !== undefined && before.body !== body) {
        return {
          ok: false,
          kind: 'invalid',
          code: 'idempotency_mismatch',
          message: 'The key was used before.',
        };
      }
      if (before !== undefined) return before.answer;
      // As they are meant: a payload is kept as text, which is a matter of other tests.
      const meant = JSON.parse(JSON.stringify(request)) as Request;
      requests.push(meant);
      const answer = carryOut(meant);
      if (key !== undefined) answered.set(key, { body, answer });
      return answer;
    },
    output(task, name, json, raw) {
      const one = find(task)!;
      const bytes = Buffer.from(JSON.stringify(json));
      one.outputs.set(name, {
        json: new JsonText(JSON.stringify(json)),
        type: 'json',
        raw: raw ?? { kind: 'inline', bytes },
      });
      one.modules[name] = {
        ...one.modules[name],
        state: 'succeeded',
        attempts: 1,
        output: json,
        finished_at: AT,
      };
      const names = {
        problem_id: task.problemId,
        iteration_id: task.iterationId,
        module: name,
        execution_id: v7(),
        attempt: 1,
        node_id: v7(),
      };
      events.commit([
        {
          type: 'output.recorded',
          ...names,
          output_seq: 1,
          last: true,
          size: bytes.byteLength,
          output: json,
        },
        { type: 'execution.succeeded', ...names, outputs: 1 },
      ]);
    },
    place(task, name, nodeId) {
      const one = find(task)!;
      one.modules[name] = { ...one.modules[name], node_id: nodeId };
    },
    command(task, name, fields) {
      const one = find(task)!;
      one.modules[name] = { ...one.modules[name], command: fields };
    },
    end(task, state, error) {
      const one = find(task)!;
      one.state = state;
      if (error !== undefined) {
        const { module: name, ...rest } = error;
        one.modules[name] = {
          ...one.modules[name],
          state: 'failed',
          attempts: 1,
          error: { ...rest, retryable: false },
        };
      }
      events.commit([
        { type: `iteration.${state}`, problem_id: task.problemId, iteration_id: task.iterationId },
      ]);
    },
    queries: {
      until: () => fake.queries,
      approvals: async (page) => paged([], page, at),
      campaigns: async (page) => paged([...campaigns.values()], page, at),
      campaign: async (id) =>
        campaigns.has(id)
          ? at({
              ...campaigns.get(id)!,
              input: {},
              policy: {
                ...{ mode: 'automated', propose: { repeat: true }, until: null, max_iterations: 1 },
                ...{ max_parallel: 1, deadline: null, initializing_deadline_ms: 300_000, objective: null },
                stop_on_failure: false,
              },
              schedule: null,
            })
          : missing(`campaign ${id}`),
      async jobs({ state }, page) {
        const chosen = problems
          .filter(({ graph }) => graph === 'job')
          .map((one) => ({ title: one.title, newest: one.iterations.at(-1)! }))
          .filter(({ newest }) => state === undefined || jobStateOfFake(newest) === state)
          .map(({ title, newest }) => {
            const { input, modules } = newest;
            return { ...iterationSummary(newest), title, project: 'default', input, modules };
          });
        return paged(chosen, page, at);
      },
      async problems(filter, page) {
        const chosen = problems.filter(
          (one) =>
            (filter.graph === undefined || filter.graph === one.graph) &&
            (filter.state === undefined || one.iterations.at(-1)?.state === filter.state) &&
            (filter.archived === undefined || filter.archived === one.remarks.archived) &&
            (filter.starred === undefined || filter.starred === one.remarks.starred) &&
            (filter.tag === undefined || one.remarks.tags.includes(filter.tag)) &&
            (filter.q === undefined || one.title?.toLowerCase().includes(filter.q.toLowerCase())),
        );
        return paged(chosen.map(problemSummary), page, at);
      },
      tags: async (page) => {
        const tags = [...new Set(problems.flatMap((one) => one.remarks.tags))].sort();
        return paged(
          tags.map((tag) => ({ tag })),
          page,
          at,
        );
      },
      problem: async (id) =>
        inProblem(id, (one) => ({
          ...problemSummary(one),
          notes: one.remarks.notes,
          newest_iterations: one.iterations.map(iterationSummary).reverse(),
        })),
      problemCreatedAt: async (createdSeq) =>
        inProblem(problems[createdSeq - 1]?.problemId ?? '', problemSummary),
      async searchIterations(query, page) {
        const all = problems.flatMap((one) => one.iterations.map(iterationSummary).reverse());
        const found = paged(all, page, at);
        const report = { indexed: false, scanned: all.length, complete: true, elapsed_ms: 0 };
        return 'ok' in found || query.filter === undefined ? found : at({ ...found.value, query: report });
      },
      async iterations(id, page) {
        const problem = findProblem(id);
        return problem === undefined
          ? missing(`problem ${id}`)
          : paged(problem.iterations.map(iterationSummary), page, at);
      },
      iteration: async (task) =>
        inTask(task, (one) => ({
          ...iterationSummary(one),
          input: one.input,
          overrides: {},
          require: {},
          modules: one.modules,
        })),
      output: async (task, name) => outputIn(task, name),
      items: async (task, _module, page) =>
        find(task) === undefined ? missing('task') : paged([ITEM], page, at),
      item: async (task) => inTask(task, () => ({ ...ITEM, value: 1, result: 2, executions: [] })),
      itemStates: async (task) =>
        inTask(task, () => ({ total: 1, counts: { succeeded: 1 }, runs: [['succeeded', 1]] })),
      executions: async (task, page) => {
        const one = find(task);
        return one === undefined ? missing('task') : paged(executions(one), page, at);
      },
      execution: async (task, id) =>
        inTask(task, (one) => {
          const found = executions(one).find((execution) => execution.execution_id === id);
          return found && { ...found, whole_streams: fake.wholeStreams };
        }),
      executionOutput: async (task, id, seq) => {
        const one = find(task);
        const found = one && executions(one).find((execution) => execution.execution_id === id);
        return seq === 1 ? outputIn(task, found?.module) : missing(`output ${seq}`);
      },
      executionLog: async (task, _id, page) =>
        find(task) === undefined ? missing('task') : paged(fake.lines, page, at),
      async taskEvents(task, page) {
        if (find(task) === undefined) return missing('task');
        const mine = events
          .all()
          .filter((event) => event.problemId === task.problemId)
          .map((event) => JSON.parse(event.json) as Json)
          .filter((event) => event.iteration_id === task.iterationId);
        return paged(mine, page, at);
      },
      diff: async (id, a, b) =>
        inProblem(id, () => ({
          problem_id: id,
          a,
          b,
          input: [],
          modules: {
            length: [{ path: '/characters', a: 8, b: 6 }],
            report: [{ path: '/title', a: 'x', b: 'y' }],
          },
        })),
      async exportOf(id, format) {
        const problem = findProblem(id);
        if (problem === undefined) return missing(`problem ${id}`);
        const rows = problem.iterations.map((iteration) => ({
          ...iterationSummary(iteration),
          outputs: Object.fromEntries([...iteration.outputs].map(([name, output]) => [name, output.json])),
        }));
        return { cursor: events.cursor(), value: exportedText(() => Readable.from(rows), format) };
      },
      nodes: async (page) => paged([...nodes.values()], page, at),
      webhooks: async (page) => paged([...webhooks.values()], page, at),
      grants: async (page) => paged([...granted.values()].map(grantOf), page, at),
      problemFits: async () => at({ fits: true }),
      deployments: async (page) => paged([...deployments.values()], page, at),
      deployment: async (id) =>
        deployments.has(id) ? at(deployments.get(id)!) : missing(`deployment ${id}`),
      deploymentChanges: async (id) =>
        deployments.has(id)
          ? at({ added: [], removed: [], changed: [], may_change: [] })
          : missing(`deployment ${id}`),
      deploymentOperations: async (id, page) =>
        deployments.has(id) ? paged([operationOf(id)], page, at) : missing(`deployment ${id}`),
      deploymentOperation: async (id) =>
        deployments.has(id) ? at(operationOf(id)) : missing(`deployment ${id}`),
      services: async (page) => paged([...services.values()], page, at),
      service: async (name) => {
        const service = services.get(name);
        return service === undefined ? missing(`service ${name}`) : at(service);
      },
      placementOf: async (name, page) =>
        services.has(name)
          ? paged([{ cluster: 'local', score: 0.5, reason: null }], page, at)
          : missing(`service ${name}`),
      audit: async (_, page) => paged([], page, at),
      secrets: async (page) => paged([...secrets.values()], page, at),
      clusters: async (page) => paged([...clusters.values()], page, at),
      cluster: async (name) => {
        const cluster = clusters.get(name);
        return cluster === undefined ? missing(`cluster ${name}`) : at(cluster);
      },
      queues: async (page) => paged([], page, at),
      queueOfTask: async (task, page) => (find(task) === undefined ? missing('task') : paged([], page, at)),
      node: async (id) => {
        const node = nodes.get(id);
        return node === undefined ? missing(`node ${id}`) : at(node);
      },
      command: async (id) => {
        const one = commands.get(id);
        return one === undefined ? missing(`command ${id}`) : at(one);
      },
      graphs: async (page) =>
        paged(
          [...graphs.values()].map((versions) => versions.at(-1)!),
          page,
          at,
        ),
      graph: async (name, version) => {
        const versions = graphs.get(name);
        const graph = version === undefined ? versions?.at(-1) : versions?.[version - 1];
        return graph === undefined ? missing(`graph ${name}`) : at(graph);
      },
      stats: async () => at({ problems: problems.length, nodes: nodes.size }),
    },
    grants,
    sessions: new Sessions({ vault, wallMs: Date.now }),
    nodeBlobs: { holderOf: () => undefined, blobsOf: () => fake.blobs },
    blobs: {
      async put(sha256, content) {
        const chunks: Buffer[] = [];
        for await (const chunk of content) chunks.push(chunk as Buffer);
        const bytes = Buffer.concat(chunks);
        const digest = createHash('sha256').update(bytes).digest('hex');
        if (digest !== sha256) {
          const message = `The content hashes to ${digest}, not to ${sha256}.`;
          return { ok: false, kind: 'invalid', code: 'bad_digest', message };
        }
        const existed = blobs.has(sha256);
        blobs.set(sha256, bytes);
        return { ok: true, blob: { sha256, size: bytes.length }, existed };
      },
      async open(sha256) {
        const bytes = blobs.get(sha256);
        if (bytes === undefined) return missing(`blob ${sha256}`);
        return {
          size: bytes.length,
          read: (range) => Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes]),
          close: async () => {},
        };
      },
    },
  };
  return fake;
}

/** A node as the orchestrator shows it. */
export function fakeNode(fields: Json = {}): Json {
  return {
    node_id: v7(),
    module: 'length',
    instance: 'length-1',
    incarnation: 1,
    status: 'IDLE',
    desired_status: 'started',
    liveness: 'alive',
    capacity: 1,
    of_other_projects: 0,
    running: [],
    labels: {},
    version: '1.0.0',
    last_seen_at: AT,
    error: null,
    ...fields,
  };
}

function module(state: string, executionId: string | null): Json {
  return {
    state,
    attempts: 0,
    generation: 0,
    pass: null,
    items: null,
    loop_end: null,
    execution_id: executionId,
    node_id: executionId && v7(),
    waiting_reason: state === 'waiting' ? 'waiting for length' : null,
    waiting: state === 'waiting' ? { code: 'inputs', inputs: ['length'] } : null,
    progress: null,
    progress_message: null,
    output_type: 'json',
    reused_from: null,
    cached_from: null,
    command: null,
    overridden: [],
    retry_at: null,
    output: null,
    error: null,
    assigned_at: null,
    started_at: null,
    finished_at: null,
  };
}

function problemSummary(problem: FakeProblem): Json {
  const { tags, starred, archived, notes } = problem.remarks;
  return {
    project: 'default',
    ...{ tags, starred, archived, has_notes: notes !== '', revision: 1 },
    problem_id: problem.problemId,
    title: problem.title ?? '',
    graph: problem.graph,
    state: problem.iterations.at(-1)?.state,
    newest_iteration_id: problem.iterations.length,
    created_at: AT,
    iterations: problem.iterations.length,
  };
}

function jobStateOfFake({ state, modules }: FakeIteration): JobState {
  return jobStateOf(state as TaskState, String(modules.script?.state));
}

function iterationSummary(one: FakeIteration): Json {
  return {
    problem_id: one.task.problemId,
    iteration_id: one.task.iterationId,
    task_id: formatTaskId(one.task),
    state: one.state,
    graph: 'demo',
    graph_version: 1,
    parent_iteration_id: one.parent,
    reused: [],
    overridden: {},
    created_at: AT,
    started_at: AT,
    finished_at: one.state === 'running' ? null : AT,
    error: null,
    reason: null,
  };
}

const ITEM: Json = {
  item: 0,
  state: 'succeeded',
  execution_id: 'x',
  attempt: 1,
  node_id: 'n',
  cached_from: null,
  waiting_reason: null,
  retry_at: null,
  error: null,
  assigned_at: AT,
  started_at: AT,
  finished_at: AT,
};

function executions(one: FakeIteration): Json[] {
  return Object.entries(one.modules)
    .filter(([, state]) => state.execution_id !== null)
    .map(([name, state]) => ({
      execution_id: state.execution_id,
      module: name,
      attempt: 1,
      pass: null,
      item: null,
      outputs: 1,
      command: null,
      generation: 0,
      node_id: state.node_id,
      state: state.state,
      assigned_at: AT,
      started_at: AT,
      accepted_at: AT,
      finished_at: state.finished_at ?? null,
      whole_streams: {},
      error: null,
    }));
}

function paged<T = View>(
  items: readonly View[],
  page: PageRequest,
  at: <V>(value: unknown) => FoundJson<V>,
): FoundJson<Page<T>> | Refusal {
  const start = page.cursor === undefined ? 0 : Number(page.cursor);
  if (!Number.isInteger(start)) {
    return { ok: false, kind: 'malformed', code: 'bad_cursor', message: `${page.cursor} is not a cursor.` };
  }
  const end = start + (page.limit ?? 50);
  return at({ items: items.slice(start, end), next_cursor: end < items.length ? String(end) : null });
}
