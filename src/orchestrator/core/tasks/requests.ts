/**
 * Requests of people: new problems, further iterations, commands, graphs.
 *
 * 1. Every request is answered exactly once, after the commit of what it led to.
 */

import { missingRole } from '../../../model/access.js';
import { BY_CONFIGURATION } from '../../../model/audit.js';
import { campaignHasEnded } from '../../../model/campaign.js';
import type { GraphKey } from '../../../model/graph.js';
import { dependentsOf } from '../../../model/graph.js';
import { isPrivateGraph } from '../../../model/private-graph.js';
import {
  awaitedApproval,
  compileGraph,
  type Execution,
  phaseOf,
  type Task,
  takenBefore,
  takenBlobs,
} from '../../../model/task.js';
import { formatTaskId } from '../../../model/task-id.js';
import { type TaskState, taskHasEnded } from '../../../model/task-state.js';
import type { Answer, Refusal } from '../../port.js';
import { refusal } from '../../refusal.js';
import { problemFromRow } from '../../tables/problem-row.js';
import { storedProject } from '../../tables/row.js';
import type { TaskRow } from '../../tables/task-row.js';
import { aboutModule, aboutTask } from '../about.js';
import { noteDone, projectOfRequest } from '../access/audit.js';
import { grantAccess, revokeAccess } from '../access/grants.js';
import { hiddenFrom } from '../access/hidden.js';
import { removeSecret, setSecret } from '../access/secrets.js';
import { type Dedupe, recall, remember } from '../answers.js';
import { commandCampaign, runCampaign, underWay } from '../campaigns/campaigns.js';
import { addCluster, changeCluster, declareCluster } from '../clusters/clusters.js';
import { removeCluster } from '../clusters/remove-cluster.js';
import { cancellable, deploy, operate } from '../deployments/deployments.js';
import { emit } from '../emit.js';
import { issue } from '../executions/commands.js';
import { configure } from '../executions/configuration.js';
import { removeNode } from '../nodes/admission.js';
import { tryAgain } from '../nodes/deaf.js';
import { announceTypes } from '../nodes/module-types.js';
import { leaveQueue, stopExecution } from '../schedule/planner.js';
import { applyService, commandService, dropService } from '../services/services.js';
import type { PreparedRequest, Step, Turn } from '../turn.js';
import { addWebhook, declareWebhook, noteProgress, removeWebhook } from '../webhooks/webhooks.js';
import { decideApproval, resume } from './approvals.js';
import { changeProblem, remarksFrom } from './change-problem.js';
import { created, createTask, queueTime, tooManyTasks } from './create-task.js';
import { blobsOf, isSameGraph } from './graph-files.js';
import { problemIn } from './problem.js';
import { takeOver } from './reuse.js';
import { executionsUnderWay, stopTask } from './stop-task.js';

const DEFAULT_PRIORITY = 50;

export function receiveRequest(turn: Turn, step: Extract<Step, { kind: 'request' }>): void {
  const { request, bound, dedupe, id, asking } = step;
  const hidden = hiddenFrom(turn, bound, request);
  if (hidden) {
    turn.journal.answer(id, hidden);
    return;
  }
  const before = dedupe && recall(turn, dedupe);
  if (before) {
    turn.journal.answer(id, before);
    return;
  }
  if (request.kind === 'configure') {
    const underWay = dedupe && joinUnderWay(turn, id, dedupe);
    if (!underWay && configure(turn, id, request, dedupe) && asking)
      noteDone(turn, asking, request, { project: undefined });
    return;
  }
  const { length } = turn.journal.facts;
  const project = projectOfRequest(turn, request);
  const answer = carryOut(turn, request);
  // The configuration is applied at each start, and mostly changes nothing.
  const isSaidAgain = asking?.by === BY_CONFIGURATION && turn.journal.facts.length === length;
  if (asking && answer.ok && !isSaidAgain) noteDone(turn, asking, request, { project, body: answer.body });
  remember(turn, dedupe, answer);
  turn.journal.answer(id, answer);
}

/** A repeated configuration request whose first one the node has not answered yet. */
function joinUnderWay(turn: Turn, id: number, dedupe: Dedupe): boolean {
  for (const transaction of turn.state.configurations.values()) {
    if (transaction.dedupe?.key !== dedupe.key) continue;
    if (transaction.dedupe.hash === dedupe.hash) turn.state.undo.append(transaction.requests, id);
    else {
      const message = `Idempotency-Key ${dedupe.key} was used for another request`;
      turn.journal.answer(id, refusal('invalid', 'idempotency_mismatch', message));
    }
    return true;
  }
  return false;
}

function carryOut(turn: Turn, request: Exclude<PreparedRequest, { kind: 'configure' }>): Answer {
  switch (request.kind) {
    case 'submit':
      return submit(turn, request);
    case 'iterate':
      return iterate(turn, request);
    case 'change_problem':
      return changeProblem(turn, request);
    case 'task_command':
      return commandTask(turn, request);
    case 'decide_approval':
      return decideApproval(turn, request);
    case 'node_command':
      return commandNode(turn, request);
    case 'remove_node':
      return removeNode(turn, request.nodeId);
    case 'add_cluster':
      return addCluster(turn, request);
    case 'declare_cluster':
      return declareCluster(turn, request);
    case 'change_cluster':
      return changeCluster(turn, request);
    case 'remove_cluster':
      return removeCluster(turn, request.name);
    case 'set_secret':
      return setSecret(turn, request);
    case 'remove_secret':
      return removeSecret(turn, request.name);
    case 'deploy':
      return deploy(turn, request);
    case 'operate_deployment':
      return operate(turn, request);
    case 'cancel_deployment': {
      const taskId = cancellable(turn, request.deploymentId);
      if ('ok' in taskId) return taskId;
      return commandTask(turn, { kind: 'task_command', taskId, command: 'stop', reason: 'cancelled' });
    }
    case 'run_campaign':
      return runCampaign(turn, request);
    case 'command_campaign':
      return commandCampaign(turn, request);
    case 'apply_service':
      return applyService(turn, request);
    case 'command_service':
      return commandService(turn, request);
    case 'remove_service':
      return dropService(turn, request.name);
    case 'add_webhook':
      return addWebhook(turn, request.webhook);
    case 'declare_webhook':
      return declareWebhook(turn, request.webhook);
    case 'remove_webhook':
      return removeWebhook(turn, request.name);
    case 'test_webhook': {
      const { isDelivered: delivered, status } = request.attempt;
      return { ok: true, kind: 'done', body: { name: request.name, delivered, status } };
    }
    case 'note_webhook':
      return noteProgress(turn, request.progress);
    case 'grant_access':
      return grantAccess(turn, request.grant);
    case 'revoke_access':
      return revokeAccess(turn, request.id);
    case 'put_graph':
      return putGraph(turn, request);
    default:
      return request satisfies never;
  }
}

function submit(turn: Turn, request: Extract<PreparedRequest, { kind: 'submit' }>): Answer {
  const full = tooManyTasks(turn);
  if (full) return full;
  const problemId = turn.ids.uuid();
  const graph: GraphKey = { name: request.graph, version: request.graphVersion };
  const priority = request.priority ?? DEFAULT_PRIORITY;
  const project = storedProject(request.project);
  emit(turn, {
    type: 'problem.created',
    problem_id: problemId,
    ...(project !== undefined && { project }),
    iteration_id: 1,
    graph: graph.name,
    priority,
    ...{ title: '', ...remarksFrom(request) },
  });
  const problem = turn.state.problems.get(problemId)!;
  const task = createTask(turn, problem, graph, { prepared: request.prepared, from: request });
  return created(task.id);
}

function iterate(turn: Turn, request: Extract<PreparedRequest, { kind: 'iterate' }>): Answer {
  const { loaded, state } = turn;
  const { problemId } = request;
  const full = tooManyTasks(turn);
  if (full) return full;
  if (state.beingRemoved.has(problemId)) {
    const message = `old iterations of problem ${problemId} are being removed`;
    return refusal('unavailable', 'being_removed', message, { retryAfter: 1 });
  }
  // C2 of `campaign.ts`.
  const campaign = state.campaigns.get(problemId);
  if (campaign && !campaignHasEnded(campaign)) return underWay(campaign);
  const row = loaded.problems.get(problemId);
  const problem = problemIn(state, turn.journal, problemId) ?? (row && problemFromRow(row));
  if (!problem) return refusal('not_found', 'unknown_problem', `no problem ${problemId}`);
  const parentId = request.parentIterationId ?? loaded.newestSucceeded.get(problemId);
  let parent: TaskRow | undefined;
  if (parentId !== undefined) {
    const key = formatTaskId({ problemId, iterationId: parentId });
    parent = loaded.parents.get(key);
    if (!parent && !state.tasks.has(key)) {
      return refusal('not_found', 'unknown_iteration', `problem ${problemId} has no iteration ${parentId}`);
    }
    const unfit = parentRefusal(
      parentId,
      parent?.state ?? state.tasks.get(key)!.state,
      request.reuse !== undefined,
    );
    if (unfit) return unfit;
  }
  if (!request.prepared && !parent) {
    return refusal(
      'invalid',
      'no_input',
      'no input is given, and there is no succeeded iteration to take it from',
      {
        details: [{ path: '/input', code: 'no_input', message: 'is needed if no iteration has succeeded' }],
      },
    );
  }
  const graph: GraphKey = { name: problem.graph, version: request.graphVersion };
  const reused = takeOver(turn, state.graph(graph.name, graph.version)!, parent, request);
  if ('ok' in reused) return reused;
  // Memory holds problems with unfinished iterations only: it comes back as it was stored.
  if (!state.problems.has(problemId)) state.undo.put(state.problems, problemId, problem);
  const { prepared } = request;
  const task = createTask(turn, problem, graph, { parent, prepared, reused, request, from: request });
  return created(task.id);
}

/** An iteration goes on from one that has succeeded; where it reuses outputs, from any that has ended. */
function parentRefusal(parentId: number, standing: TaskState, reuses: boolean): Refusal | undefined {
  if (standing === 'succeeded' || (reuses && taskHasEnded(standing))) return undefined;
  const [code, fit] = reuses
    ? ['parent_not_ended', 'only the outputs of an ended one can be reused']
    : ['parent_not_succeeded', 'only a succeeded one can be a parent'];
  const message = `iteration ${parentId} is ${standing}, ${fit}`;
  return refusal('conflict', code, message, {
    details: [{ path: '/parent_iteration_id', code, message: `is ${standing}` }],
  });
}

/** Operations of deployments and runs of services are for those who may change deployments and services. */
function lackingRole(
  { graph }: Task,
  { role }: Extract<PreparedRequest, { kind: 'task_command' }>,
): ReturnType<typeof missingRole> {
  return role !== undefined && isPrivateGraph(graph.key.name)
    ? missingRole(role, 'operator', 'this token')
    : undefined;
}

function commandTask(turn: Turn, request: Extract<PreparedRequest, { kind: 'task_command' }>): Answer {
  const { state } = turn;
  const key = formatTaskId(request.taskId);
  const task = state.tasks.get(key);
  if (!task) {
    const ended = turn.loaded.parents.get(key);
    return ended
      ? refusal('conflict', 'task_ended', `task ${key} has ended: it is ${ended.state}`, {
          hint: 'to run it again, create a new iteration',
        })
      : refusal('not_found', 'unknown_task', `no task ${key}`);
  }
  const needed = lackingRole(task, request);
  if (needed) return refusal('forbidden', needed.code, needed.message, { hint: needed.hint });
  const position = request.module === undefined ? undefined : task.graph.index.get(request.module);
  if (request.module !== undefined && position === undefined) {
    const known = [...task.graph.index.keys()].join(', ');
    return refusal(
      'invalid',
      'unknown_module',
      `graph ${task.graph.key.name} has no module ${request.module}`,
      {
        details: [{ path: '/module', code: 'unknown_module', message: `one of ${known}` }],
      },
    );
  }
  if (request.command === 'reset' && position === undefined) {
    return refusal('invalid', 'module_needed', 'a reset needs the module to start again from', {
      details: [
        {
          path: '/module',
          code: 'module_needed',
          message: `one of ${[...task.graph.index.keys()].join(', ')}`,
        },
      ],
    });
  }
  if (task.desired !== 'ended' && request.command !== 'terminate') {
    return refusal('conflict', 'task_stopping', `task ${key} is being stopped`);
  }
  const reason = request.reason ?? '';
  const waited = task.runs.some((run) => run && awaitedApproval(run.phase));
  const scope = scopeOf(task, request.command, request.module);
  const running = scope.flatMap((at) => executionsUnderWay(task, at));
  const commandId = issue(turn, {
    by: 'user',
    target: {
      kind: 'task',
      taskId: task.id,
      project: task.project,
      module: request.module,
      cmd: request.command.toUpperCase() as Uppercase<typeof request.command>,
    },
    reason,
    parts: running.map((execution) => ({ nodeId: execution.nodeId, execution })),
  });
  switch (request.command) {
    case 'stop':
    case 'terminate':
      stopTask(turn, task, request.command, reason);
      break;
    case 'preempt':
      preempt(turn, task, running, reason);
      break;
    case 'reset':
      for (const execution of running) stopExecution(turn, execution, 'reset', reason);
      for (const at of scope) {
        const isAnew = scope.includes(task.graph.modules[at]!.loop?.body[0] ?? -1);
        const freed = [...takenBlobs(phaseOf(task, at)), ...(isAnew ? takenBefore(task, task.runs[at]) : [])];
        emit(turn, {
          type: 'module.reset',
          ...aboutModule(task, at),
          ...(isAnew && { pass: 1 }),
          ...(freed.length > 0 && { freed }),
        });
        leaveQueue(turn, task, at);
      }
      if (waited) resume(turn, task);
      break;
    default:
      request.command satisfies never;
  }
  state.broker.enqueue(task);
  return { ok: true, kind: 'accepted', body: { command_id: commandId } };
}

/** The modules that a command is about. */
function scopeOf(task: Task, command: string, module: string | undefined): number[] {
  if (module === undefined || command === 'stop' || command === 'terminate') {
    return task.graph.modules.map(({ position }) => position);
  }
  const names = command === 'reset' ? [module, ...dependentsOf(task.graph.graph, module)] : [module];
  return names.flatMap((name) => task.graph.index.get(name) ?? []);
}

/** The slots go back; the task waits behind its equals. */
function preempt(turn: Turn, task: Task, running: readonly Execution[], reason: string): void {
  for (const execution of running) stopExecution(turn, execution, 'preempt', reason);
  const queued_at = queueTime(turn);
  emit(turn, { type: 'task.requeued', ...aboutTask(task), queue_seq: turn.journal.cursor, queued_at });
  // Entries that are already in a queue have their old rank.
  for (const position of task.runs.keys()) leaveQueue(turn, task, position);
  const idle = !task.graph.modules.some(({ position }) =>
    executionsUnderWay(task, position).some(({ desired }) => desired === 'running'),
  );
  if (running.length > 0 && idle && task.state === 'running') {
    emit(turn, {
      type: 'iteration.suspended',
      ...aboutTask(task),
      ...(reason && { reason }),
    });
  }
}

function commandNode(turn: Turn, request: Extract<PreparedRequest, { kind: 'node_command' }>): Answer {
  const { state } = turn;
  const node = state.nodes.get(request.nodeId);
  if (!node) return refusal('not_found', 'unknown_node', `no node ${request.nodeId}`);
  const desired = { start: 'started', stop: 'stopped', reset: 'started', terminate: 'terminated' } as const;
  emit(turn, { type: 'node.desired', node_id: node.nodeId, desired_status: desired[request.command] });
  if (node.desired === 'started') tryAgain(turn, node);
  const reachable = node.liveness !== 'dead' && node.route !== undefined;
  const commandId = issue(turn, {
    by: 'user',
    target: {
      kind: 'node',
      nodeId: node.nodeId,
      cmd: request.command.toUpperCase() as Uppercase<typeof request.command>,
    },
    reason: request.reason ?? '',
    parts: reachable ? [{ nodeId: node.nodeId }] : [],
  });
  if (node.isPlaceable) state.free(node.module);
  return { ok: true, kind: 'accepted', body: { command_id: commandId } };
}

/** Stores a new version, unless the newest one is the same. */
function putGraph(turn: Turn, request: Extract<PreparedRequest, { kind: 'put_graph' }>): Answer {
  const { state } = turn;
  const newest = state.graph(request.name);
  const files = blobsOf(turn, request.files ?? {}, 'bad_graph');
  if (!files.ok) return files;
  if (newest && isSameGraph(newest, request)) {
    return {
      ok: true,
      kind: 'done',
      body: { name: request.name, version: newest.compiled.key.version, changed: false },
    };
  }
  const key: GraphKey = { name: request.name, version: (newest?.compiled.key.version ?? 0) + 1 };
  const stored = {
    compiled: compileGraph(key, request.graph),
    types: request.types,
    typesJson: request.typesJson,
    yaml: request.yaml,
    createdAt: turn.wallMs,
    files: files.blobs,
  };
  state.addGraph(stored);
  announceTypes(turn, stored, newest);
  emit(turn, {
    type: 'graph.stored',
    graph: key.name,
    graph_version: key.version,
    yaml: request.yaml,
    types: request.typesJson,
    ...(Object.keys(files.blobs).length > 0 && { files: files.blobs }),
  });
  return {
    ok: true,
    kind: key.version === 1 ? 'created' : 'done',
    body: { name: key.name, version: key.version, changed: true },
  };
}
