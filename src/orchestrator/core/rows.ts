/**
 * The rows of a batch, all from one place: those that a fact leads to by itself, at once, and those of all that the batch has changed, once, as it
 * is when the batch ends.
 */
import type { Command } from '../../model/command.js';
import type { Moment } from '../../model/durable.js';
import type { Fact, IndexEntry, ItemName } from '../../model/facts.js';
import { mappedRef, takenRef } from '../../model/map.js';
import { marksOf, NO_REMARKS } from '../../model/problem.js';
import { type DoneItem, moduleName, phaseOf, type Task, takenBlobs } from '../../model/task.js';
import { formatTaskId } from '../../model/task-id.js';
import { TASK_ENDS } from '../../model/task-state.js';
import type { Key } from '../../store/store.js';
import { listed } from '../projects/listing.js';
import { campaignToRow } from '../tables/campaign-row.js';
import { clusterToRow } from '../tables/cluster-row.js';
import { commandToRow } from '../tables/command-row.js';
import { deploymentToRow } from '../tables/deployment-row.js';
import { streamOwner } from '../tables/execution-row.js';
import { grantToRow } from '../tables/grant-row.js';
import { indexKey } from '../tables/index-key.js';
import { itemKey, itemToRow } from '../tables/item-row.js';
import { nodeToRow } from '../tables/node-row.js';
import { marksRowOf, type ProblemRow, problemToRow } from '../tables/problem-row.js';
import { AGES_DOUBTED, type AuditRow, lateIndexKey, type ResultRow } from '../tables/records.js';
import { EMPTY, encodeRow } from '../tables/row.js';
import { secretToRow } from '../tables/secret-row.js';
import { replicaToRow, serviceToRow } from '../tables/service-row.js';
import { summaryNow } from '../tables/summary.js';
import { taskToRow } from '../tables/task-row.js';
import { webhookToRow } from '../tables/webhook-row.js';
import type { Journal } from './journal.js';
import type { State } from './state.js';
import { indexKeysNow } from './tasks/indexing.js';
import { problemIn } from './tasks/problem.js';

/** Adds the payloads, and the rows of what the batch has changed. */
export function writeRows(state: State, journal: Journal): void {
  for (const { ref, bytes } of journal.payloads)
    journal.put('payloads', [ref.problemId, ref.iterationId, ref.owner, ref.seq], bytes);
  for (const problem of journal.problems) writeProblem(journal, problemToRow(problem));
  for (const task of journal.tasks)
    journal.putRow('iterations', [task.id.problemId, task.id.iterationId], taskToRow(task));
  for (const done of journal.items) writeItem(journal, done);
  for (const node of journal.nodes)
    if (state.nodes.has(node.nodeId)) journal.putRow('nodes', [node.nodeId], nodeToRow(node));
  for (const command of journal.commands) writeCommand(state, journal, command);
}

/** Throws where a row that the batch has changed so far cannot be encoded. */
export function tryRows(journal: Journal): void {
  for (const problem of journal.problems) encodeRow(problemToRow(problem));
  for (const task of journal.tasks) encodeRow(taskToRow(task));
  for (const done of journal.items) encodeRow(itemToRow(done));
  for (const node of journal.nodes) encodeRow(nodeToRow(node));
  for (const command of journal.commands) encodeRow(commandToRow(command));
}

/** An item that is done, and where its executions are told from now on. */
function writeItem(journal: Journal, done: DoneItem): void {
  const { task, position, generation, item, executions } = done;
  const { problemId, iterationId } = task.id;
  journal.putRow('items', itemKey(done), itemToRow(done));
  const place: ItemName = [moduleName(task, position), generation, item];
  for (const { id } of executions) journal.putRow('item_executions', [problemId, iterationId, id], place);
}

/** The rows that the fact leads to by itself. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one case for each fact, and each says by itself which rows it leads to.
export function writeFact(state: State, journal: Journal, fact: Fact, { seq, at }: Moment): void {
  switch (fact.type) {
    case 'problem.created':
      journal.putRow('problem_ids', [fact.problem_id], seq);
      if (fact.project !== undefined) journal.put('projects', [fact.project], EMPTY);
      for (const mark of marksOf({ ...NO_REMARKS, ...fact }))
        journal.put('problems_by_mark', listed(fact.project, [mark, seq]), EMPTY);
      return;
    case 'problem.changed': {
      const { createdSeq } = problemIn(state, journal, fact.problem_id)!;
      for (const mark of fact.lost)
        journal.delete('problems_by_mark', listed(fact.project, [mark, createdSeq]));
      for (const mark of fact.gained)
        journal.put('problems_by_mark', listed(fact.project, [mark, createdSeq]), EMPTY);
      return;
    }
    case 'iteration.submitted':
      writeSubmitted(state, journal, fact);
      return;
    case 'approval.requested':
      journal.put('approvals', approvalKey(taskOf(state, fact), fact.module), EMPTY);
      return;
    case 'approval.decided':
      journal.delete('approvals', approvalKey(taskOf(state, fact), fact.module));
      return;
    case 'module.reused':
      if (fact.cached_from) writeTaken(state, journal, fact);
      return;
    case 'item.reused':
    case 'module.mapped':
      writeOwnBlob(state, journal, fact);
      return;
    case 'execution.succeeded':
      writeResult(state, journal, fact);
      return;
    case 'module.reset': {
      const task = taskOf(state, fact);
      const position = task.graph.index.get(fact.module)!;
      const { problem_id, iteration_id } = fact;
      for (const [sha256, owner, seq] of fact.freed ?? [])
        journal.delete('blob_refs', [sha256, problem_id, iteration_id, owner, seq]);
      // Its earlier outputs no longer count.
      for (const { cacheKey, observed } of task.runs[position]!.executions)
        if (cacheKey !== undefined && observed === 'succeeded') journal.delete('results', [cacheKey]);
      if (task.graph.modules[position]!.spec.approve)
        journal.delete('approvals', approvalKey(task, fact.module));
      return;
    }
    case 'loop.passed': {
      const { problem_id, iteration_id, freed = [] } = fact;
      for (const [sha256, owner, seq] of freed)
        journal.delete('blob_refs', [sha256, problem_id, iteration_id, owner, seq]);
      return;
    }
    case 'iteration.succeeded':
    case 'iteration.failed':
    case 'iteration.cancelled':
    case 'iteration.aborted':
      writeEnded(journal, fact.problem_id, fact.iteration_id);
      return;
    case 'output.recorded':
      if (fact.blob) {
        const { problem_id, iteration_id, execution_id, output_seq } = fact;
        journal.put(
          'blob_refs',
          [fact.blob.sha256, problem_id, iteration_id, execution_id, output_seq],
          EMPTY,
        );
      }
      return;
    case 'execution.log':
      if (fact.stream && fact.blob) {
        const { problem_id, iteration_id, execution_id } = fact;
        const owner = streamOwner(fact.stream, execution_id);
        journal.put('blob_refs', [fact.blob.sha256, problem_id, iteration_id, owner, 0], EMPTY);
      }
      return;
    case 'node.joined':
      if (fact.replaces !== undefined)
        journal.putRow('boots', [fact.replaces], { node_id: fact.node_id, replaced_at: at });
      return;
    case 'node.forgotten':
      journal.delete('nodes', [fact.node_id]);
      return;
    case 'graph.stored': {
      const { yaml, types, files } = fact;
      const row = { yaml, types, created_at: at, ...(files && { files }) };
      journal.putRow('graphs', [fact.graph, fact.graph_version], row);
      return;
    }
    case 'cluster.added':
    case 'cluster.changed':
      journal.putRow('clusters', [fact.cluster], clusterToRow(state.clusters.get(fact.cluster)!));
      return;
    case 'cluster.removed':
      journal.delete('clusters', [fact.cluster]);
      return;
    case 'secret.set':
    case 'secret.resealed':
      journal.putRow('secrets', [fact.secret], secretToRow(state.secrets.get(fact.secret)!));
      return;
    case 'secret.removed':
      journal.delete('secrets', [fact.secret]);
      return;
    case 'key.kept':
      journal.putRow('connection_keys', [fact.key_id], fact.entry);
      return;
    case 'key.dropped':
      journal.delete('connection_keys', [fact.key_id]);
      return;
    case 'deployment.started':
    case 'deployment.succeeded':
    case 'deployment.failed': {
      const { problem_id } = fact;
      journal.putRow('deployments', [problem_id], deploymentToRow(state.deployments.get(problem_id)!));
      return;
    }
    case 'campaign.initializing':
      journal.putRow('campaign_specs', [fact.problem_id], fact.spec);
      writeCampaign(state, journal, fact.problem_id);
      return;
    case 'campaign.missing':
    case 'campaign.running':
    case 'campaign.paused':
    case 'campaign.resumed':
    case 'campaign.stepped':
    case 'campaign.asked':
    case 'campaign.iterated':
    case 'campaign.judged':
    case 'campaign.closed':
    case 'campaign.finalizing':
    case 'campaign.completed':
    case 'campaign.aborted':
    case 'campaign.errored':
      writeCampaign(state, journal, fact.problem_id);
      return;
    case 'service.applied':
    case 'service.degraded':
    case 'service.restored':
      journal.putRow('services', [fact.service], serviceToRow(state.services.get(fact.service)!));
      return;
    case 'service.removed':
      journal.delete('services', [fact.service]);
      return;
    case 'replica.placed':
    case 'replica.starting':
    case 'replica.running':
    case 'replica.ready':
    case 'replica.completed':
    case 'replica.failed':
    case 'replica.stopped':
    case 'replica.lost':
    case 'replica.stopping':
    case 'replica.waiting':
    case 'replica.steady':
      journal.putRow('replicas', [fact.replica_id], replicaToRow(state.replicas.get(fact.replica_id)!));
      return;
    case 'replica.forgotten':
      journal.delete('replicas', [fact.replica_id]);
      return;
    case 'webhook.added':
    case 'webhook.changed':
    case 'webhook.tried':
    case 'webhook.passed':
      journal.putRow('webhooks', [fact.webhook], webhookToRow(state.webhooks.get(fact.webhook)!));
      return;
    case 'webhook.removed':
      journal.delete('webhooks', [fact.webhook]);
      return;
    case 'access.granted':
      journal.putRow('grants', [fact.access_id], grantToRow(state.grants.get(fact.access_id)!));
      return;
    case 'access.revoked':
      journal.delete('grants', [fact.access_id]);
      return;
    case 'audit.noted': {
      const { type: _, first_at, ...rest } = fact;
      const row: AuditRow = { ...rest, at: first_at ?? at, last_at: at };
      journal.putRow('audit', [fact.audit_id], row);
      return;
    }
    case 'blob.stored': {
      const { sha256, size, lease_until, projects } = fact;
      journal.putRow('blobs', [sha256], { size, lease_until, ...(projects && { projects }) });
      return;
    }
    case 'request.answered': {
      const { key, hash, answer, expires_at } = fact;
      journal.putRow('idempotency', [key], { hash, answer, expires_at });
      journal.put('idempotency_by_time', [expires_at, key], EMPTY);
      return;
    }
    case 'iteration.indexed': {
      const summary = encodeRow(fact.summary);
      for (const key of indexKeysIn(fact)) journal.put('iteration_index', key, summary);
      return;
    }
    case 'index.completed':
      journal.putRow('meta', lateIndexKey(fact.graph, fact.field), { since: fact.since });
      return;
    case 'ages.doubted': {
      const { expected_at, leapt_to } = fact;
      journal.putRow('meta', AGES_DOUBTED, { expected_at, leapt_to });
      return;
    }
    case 'ages.trusted':
      journal.delete('meta', AGES_DOUBTED);
      return;
    default:
      writeRemoved(journal, fact);
  }
}

function writeCampaign(state: State, journal: Journal, id: string): void {
  journal.putRow('campaigns', [id], campaignToRow(state.campaigns.get(id)!));
}

/** The rows that retention takes away. */
function writeRemoved(journal: Journal, fact: Fact): void {
  switch (fact.type) {
    case 'iteration.thinned': {
      const { problem_id, iteration_id, event_pages, payloads, blobs, results = [] } = fact;
      for (const id of fact.item_executions ?? [])
        journal.delete('item_executions', [problem_id, iteration_id, id]);
      for (const name of fact.items ?? []) journal.delete('items', [problem_id, iteration_id, ...name]);
      for (const key of results) journal.delete('results', [key]);
      for (const key of indexKeysIn(fact)) journal.delete('iteration_index', key);
      for (const seq of event_pages) journal.delete('task_events', [problem_id, iteration_id, seq]);
      for (const [owner, seq] of payloads) journal.delete('payloads', [problem_id, iteration_id, owner, seq]);
      for (const [sha256, owner, seq] of blobs)
        journal.delete('blob_refs', [sha256, problem_id, iteration_id, owner, seq]);
      return;
    }
    case 'iteration.removed':
      journal.delete('iterations', [fact.problem_id, fact.iteration_id]);
      return;
    case 'problem.hidden':
      for (const table of ['problem_ids', 'campaigns', 'campaign_specs'] as const)
        journal.delete(table, [fact.problem_id]);
      for (const ended of TASK_ENDS)
        journal.delete('problems_by_state', listed(fact.project, [ended, fact.problem_seq]));
      for (const mark of fact.marks)
        journal.delete('problems_by_mark', listed(fact.project, [mark, fact.problem_seq]));
      journal.delete('problem_marks', [fact.problem_seq]);
      return;
    case 'problem.removed':
      journal.delete('problems', [fact.problem_seq]);
      return;
    case 'events.removed':
      for (const seq of fact.pages) journal.delete('events', [seq]);
      return;
    case 'blob.removed':
      journal.delete('blobs', [fact.sha256]);
      return;
    case 'answers.removed':
      for (const [at, key] of fact.expired) journal.delete('idempotency_by_time', [at, key]);
      for (const key of fact.keys) journal.delete('idempotency', [key]);
      return;
    case 'commands.removed':
      for (const id of fact.command_ids) journal.delete('commands', [id]);
      return;
    case 'boots.removed':
      for (const id of fact.boot_ids) journal.delete('boots', [id]);
      return;
    default:
      return;
  }
}

function indexKeysIn(fact: {
  readonly project?: string;
  readonly problem_seq: number;
  readonly iteration_id: number;
  readonly index: readonly IndexEntry[];
}): Key[] {
  return fact.index.map(([field, element]) =>
    listed(fact.project, indexKey(field, element, fact.problem_seq, fact.iteration_id)),
  );
}

function taskOf(
  { tasks }: Pick<State, 'tasks'>,
  { problem_id, iteration_id }: { readonly problem_id: string; readonly iteration_id: number },
): Task {
  return tasks.get(formatTaskId({ problemId: problem_id, iterationId: iteration_id }))!;
}

/** The blobs of what it has taken are its own as well. */
function writeTaken(state: State, journal: Journal, fact: Extract<Fact, { type: 'module.reused' }>): void {
  const task = taskOf(state, fact);
  const phase = phaseOf(task, task.graph.index.get(fact.module)!);
  for (const [sha256, owner, seq] of takenBlobs(phase))
    journal.put('blob_refs', [sha256, fact.problem_id, fact.iteration_id, owner, seq], EMPTY);
}

/** A blob that no execution of the task has put out. */
function writeOwnBlob(
  state: State,
  journal: Journal,
  fact: Extract<Fact, { type: 'item.reused' | 'module.mapped' }>,
): void {
  const { blob, module, problem_id, iteration_id } = fact;
  if (!blob) return;
  const task = taskOf(state, fact);
  const { generation } = task.runs[task.graph.index.get(module)!]!;
  const of = { module, generation };
  const { owner, seq } =
    fact.type === 'item.reused' ? takenRef(task.id, of, fact.item, blob) : mappedRef(task.id, of, blob);
  journal.put('blob_refs', [blob.sha256, problem_id, iteration_id, owner, seq], EMPTY);
}

/** From now on, its output may be reused. */
function writeResult(
  { executions }: State,
  journal: Journal,
  { execution_id }: Extract<Fact, { type: 'execution.succeeded' }>,
): void {
  const { cacheKey, named, committed, blobs, task } = executions.get(execution_id)!;
  if (cacheKey === undefined) return;
  const outputs = [...(named ?? [['', committed] as const])].map(([name, seq]) => {
    const blob = blobs?.get(seq);
    return [name, { seq, ...(blob && { blob }) }];
  });
  const row: ResultRow = {
    problem_id: task.id.problemId,
    iteration_id: task.id.iterationId,
    execution_id,
    outputs: Object.fromEntries(outputs),
  };
  journal.putRow('results', [cacheKey], row);
}

function approvalKey({ problemSeq, project, id }: Task, module: string): Key {
  return listed(project, [problemSeq, id.problemId, id.iterationId, module]);
}

function writeSubmitted(
  state: Pick<State, 'tasks'>,
  journal: Journal,
  fact: Extract<Fact, { type: 'iteration.submitted' }>,
): void {
  const { problem_id, iteration_id } = fact;
  const task = taskOf(state, fact);
  // The index names the state of the newest iteration, and that is this one now.
  if (iteration_id > 1) {
    for (const ended of TASK_ENDS)
      journal.delete('problems_by_state', listed(task.project, [ended, task.problemSeq]));
  }
  journal.put('unfinished', listed(task.project, [task.problemSeq, problem_id, iteration_id]), EMPTY);
  for (const ref of [task.input, ...[...task.overrides.values()].flatMap((refs) => [...refs.values()])]) {
    // An input that was inherited is the parent's.
    if (ref.blob && ref.iterationId === iteration_id)
      journal.put('blob_refs', [ref.blob.sha256, problem_id, iteration_id, ref.owner, ref.seq], EMPTY);
  }
}

function writeEnded(journal: Journal, problemId: string, iterationId: number): void {
  const key = formatTaskId({ problemId, iterationId });
  const { task, problem } = journal.ended.get(key)!;
  journal.delete('unfinished', listed(task.project, [task.problemSeq, problemId, iterationId]));
  for (const { spec } of task.graph.modules)
    if (spec.approve) journal.delete('approvals', approvalKey(task, spec.name));
  const summary = encodeRow(summaryNow(problem, task));
  for (const key of indexKeysNow(task)) journal.put('iteration_index', key, summary);
  if (problem.newestIterationId === iterationId)
    journal.put('problems_by_state', listed(task.project, [task.state, task.problemSeq]), summary);
}

function writeProblem(journal: Journal, row: ProblemRow): void {
  journal.putRow('problems', [row.created_seq], row);
  if (row.changed_seq !== undefined) journal.putRow('problem_marks', [row.created_seq], marksRowOf(row));
}

function writeCommand(state: State, journal: Journal, command: Command): void {
  journal.putRow('commands', [command.commandId], commandToRow(command));
  const isOpen = state.commands.has(command.commandId);
  if (isOpen) journal.put('commands_pending', [command.commandId], EMPTY);
  else journal.delete('commands_pending', [command.commandId]);
}
