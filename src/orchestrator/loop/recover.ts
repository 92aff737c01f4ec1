/**
 * The state as the store has it: what a fresh process knows before anybody has talked to it.
 *
 * Nodes are known but not registered: each gets the length of its own liveness limits to say hello, from when the orchestrator is
 * ready. Their executions wait with them.
 */

import { TuttiError } from '../../base/errors.js';
import { DEFAULT_PROJECT } from '../../model/access.js';
import { campaignHasEnded } from '../../model/campaign.js';
import type { Command } from '../../model/command.js';
import { hasEnded } from '../../model/execution.js';
import type { Secret } from '../../model/secret.js';
import type { Execution } from '../../model/task.js';
import { parseTaskId } from '../../model/task-id.js';
import { entriesOf, keysOf } from '../../store/pages.js';
import type { Reader } from '../../store/store.js';
import { State } from '../core/state.js';
import type { Timer } from '../core/timer.js';
import { unlisted } from '../projects/listing.js';
import { loadGraph, type ReadStoredGraph } from '../queries/graph-versions.js';
import { campaignFromRow } from '../tables/campaign-row.js';
import { clusterFromRow } from '../tables/cluster-row.js';
import type { CommandRow } from '../tables/command-row.js';
import { deploymentFromRow } from '../tables/deployment-row.js';
import { grantFromRow } from '../tables/grant-row.js';
import type { Clocks } from '../tables/module-from-row.js';
import { nodeFromRow } from '../tables/node-row.js';
import { problemFromRow } from '../tables/problem-row.js';
import { readProblemAt } from '../tables/read-rows.js';
import { secretFromRow } from '../tables/secret-row.js';
import { replicaFromRow, serviceFromRow } from '../tables/service-row.js';
import * as tables from '../tables/tables.js';
import { cursorOf } from '../tables/tables.js';
import { taskFromRow } from '../tables/task-row.js';
import { webhookFromRow } from '../tables/webhook-row.js';

/** An adopted execution gets at least so long, however old its assignment is: its node has to come back first. */
const ADOPTION_MS = 15_000;

/**
 * When something was recorded last before this start, by the wall clock of then: Unix milliseconds. What a stored time says about the future
 * is measured against it, since the wall clock may have been set meanwhile.
 */
export async function newestEventAt(store: Reader): Promise<number | undefined> {
  const [page] = await store.range('events', { prefix: [], reverse: true, limit: 1 });
  if (!page) return undefined;
  const text = Buffer.from(page.value).toString();
  const { at } = JSON.parse(text.slice(text.lastIndexOf('\n') + 1)) as { readonly at: string };
  return Date.parse(at);
}

export interface RecoverDeps {
  readonly store: Reader;
  readonly clocks: Clocks;
  readonly graceMs: number;
  readonly parseGraph: ReadStoredGraph;
  /** Whether the key at hand opens it: otherwise it is as if it were not there. @default it does */
  readonly isOpen?: (secret: Secret) => boolean;
}

export async function recover({
  store,
  clocks: now,
  graceMs,
  parseGraph,
  isOpen = () => true,
}: RecoverDeps): Promise<State> {
  const state = new State();
  const { undo } = state;
  const clocks = { ...now, lastMs: (await newestEventAt(store)) ?? now.wallMs };
  undo.set(state, 'cursor', await cursorOf(store));
  for await (const { key, value } of entriesOf(store, 'graphs')) {
    state.addGraph(loadGraph(String(key[0]), Number(key[1]), tables.graphs.decode(value), parseGraph));
  }
  for await (const { value } of entriesOf(store, 'clusters')) {
    const cluster = clusterFromRow(tables.clusters.decode(value));
    undo.put(state.clusters, cluster.name, cluster);
  }
  for await (const { value } of entriesOf(store, 'secrets')) {
    const secret = secretFromRow(tables.secrets.decode(value));
    if (isOpen(secret)) undo.put(state.secrets, secret.name, secret);
  }
  for await (const { value } of entriesOf(store, 'webhooks')) {
    const webhook = webhookFromRow(tables.webhooks.decode(value));
    undo.put(state.webhooks, webhook.name, webhook);
  }
  for await (const { value } of entriesOf(store, 'grants')) {
    const grant = grantFromRow(tables.grants.decode(value));
    undo.put(state.grants, grant.id, grant);
  }
  for await (const { key, value } of entriesOf(store, 'connection_keys'))
    undo.put(state.keys, String(key[0]), tables.keys.decode(value));
  const [newest] = await store.keys('audit', { prefix: [], reverse: true, limit: 1 });
  if (newest) undo.set(state, 'audited', Number(newest[0]));
  for await (const { value } of entriesOf(store, 'nodes')) {
    const node = state.addNode(nodeFromRow(tables.nodes.decode(value)));
    undo.set(node, 'heardMs', clocks.nowMs);
    if (node.liveness !== 'dead') {
      const { unresponsiveAfterMs } = state.livenessOf(node);
      state.timers.set(
        { kind: 'judge', nodeId: node.nodeId, isHeard: false },
        clocks.nowMs + unresponsiveAfterMs,
      );
    }
  }
  for await (const listed of keysOf(store, 'unfinished')) {
    const [, problemId, iterationId] = unlisted(listed).key;
    await recoverTask(store, state, clocks, graceMs, String(problemId), Number(iterationId));
  }
  for await (const { key } of entriesOf(store, 'commands_pending')) {
    const row = await store.get('commands', key);
    if (row) recoverCommand(state, tables.commands.decode(row), clocks, graceMs);
  }
  for await (const { value } of entriesOf(store, 'deployments')) {
    const deployment = deploymentFromRow(tables.deployments.decode(value));
    undo.put(state.deployments, deployment.id, deployment);
  }
  for await (const { value } of entriesOf(store, 'campaigns')) {
    const campaign = campaignFromRow(tables.campaigns.decode(value), clocks);
    undo.put(state.campaigns, campaign.id, campaign);
    if (!campaignHasEnded(campaign)) state.evaluateCampaign(campaign.id);
  }
  await recoverServices(store, state, clocks);
  undo.keep();
  return state;
}

/** Each is compared with what is observed of it. */
async function recoverServices(store: Reader, state: State, clocks: Clocks): Promise<void> {
  const { undo } = state;
  for await (const { value } of entriesOf(store, 'services')) {
    const service = serviceFromRow(tables.services.decode(value));
    undo.put(state.services, service.spec.name, service);
    state.evaluate(service.spec.name);
  }
  for await (const { value } of entriesOf(store, 'replicas')) {
    const row = tables.replicas.decode(value);
    const service = state.services.get(row.service);
    if (!service)
      throw new TuttiError(
        'store_damaged',
        `replica ${row.replica_id} is of service ${row.service}, which is missing`,
      );
    const replica = replicaFromRow(row, service.spec, clocks);
    undo.put(state.replicas, replica.id, replica);
    undo.put(state.runs, replica.taskKey, replica.id);
  }
}

async function recoverTask(
  store: Reader,
  state: State,
  clocks: Clocks,
  graceMs: number,
  problemId: string,
  iterationId: number,
): Promise<void> {
  const bytes = await store.get('iterations', [problemId, iterationId]);
  const row = bytes && tables.iterations.decode(bytes);
  const graph = row && state.graph(row.graph, row.graph_version)?.compiled;
  if (!graph) {
    throw new TuttiError(
      'store_damaged',
      `task ${problemId}/${iterationId} is unfinished, and its record or its graph is missing`,
    );
  }
  const task = taskFromRow(row, graph, clocks);
  const { undo } = state;
  undo.put(state.tasks, task.key, task);
  undo.set(state, 'queuedAt', Math.max(state.queuedAt, task.queuedAt));
  let problem = state.problems.get(problemId);
  if (!problem) {
    const record = await readProblemAt(store, task.problemSeq);
    if (!record) throw new TuttiError('store_damaged', `problem ${problemId} has an iteration and no record`);
    problem = problemFromRow(record);
    undo.put(state.problems, problemId, problem);
  }
  undo.set(problem, 'unfinished', problem.unfinished + 1);
  for (const run of task.runs) {
    for (const execution of run?.executions ?? []) recoverExecution(state, execution, clocks, graceMs);
  }
  state.broker.enqueue(task);
}

function recoverExecution(state: State, execution: Execution, clocks: Clocks, graceMs: number): void {
  const { undo } = state;
  undo.put(state.executions, execution.id, execution);
  if (hasEnded(execution.observed)) return;
  const node = state.nodes.get(execution.nodeId);
  if (node) undo.add(node.executions, execution);
  const { timeoutMs } = execution.task.graph.modules[execution.position]!.spec;
  const arm = (afterMs: number, timer: Timer): void => state.timers.set(timer, clocks.nowMs + afterMs);
  if (timeoutMs !== undefined) {
    // The time without an orchestrator does not count, just as pauses of the process do not.
    const remainingMs = execution.assignedAt + timeoutMs - (clocks.lastMs ?? clocks.wallMs);
    arm(Math.min(timeoutMs + ADOPTION_MS, Math.max(remainingMs, ADOPTION_MS)), {
      kind: 'attempt over',
      execution,
    });
  }
  if (execution.desired === 'stopped') arm(graceMs, { kind: 'grace over', execution });
  // Complete, and waiting for lines of its log when the process before ended.
  else if (execution.lastSeq === execution.committed) arm(0, { kind: 'lines over', execution });
}

/** Sent again under the same id until it is acknowledged. */
function recoverCommand(state: State, row: CommandRow, clocks: Clocks, graceMs: number): void {
  const taskId = row.target.task_id === undefined ? undefined : parseTaskId(row.target.task_id);
  const { project = DEFAULT_PROJECT } = row;
  const cmd = row.command.toUpperCase();
  const target = taskId
    ? { kind: 'task' as const, taskId, project, module: row.target.module, cmd: cmd as 'STOP' }
    : { kind: 'node' as const, nodeId: row.target.node_id ?? '', cmd: cmd as 'STOP' };
  const command: Command = {
    commandId: row.command_id,
    by: 'user',
    target,
    reason: row.reason ?? '',
    graceMs,
    issuedAt: row.issued_at,
    deadlineMs: clocks.nowMs + ADOPTION_MS,
    parts: row.parts.map((part) => ({
      nodeId: part.node_id,
      executionId: part.execution_id,
      // Pending work ended with the connections of the previous process.
      overtakes: false,
      ackedAt: part.acked_at,
      stoppedAt: part.stopped_at,
      error: part.error,
    })),
    state: row.state,
  };
  state.undo.put(state.commands, command.commandId, command);
  state.timers.set({ kind: 'command again', commandId: command.commandId }, clocks.nowMs);
}
