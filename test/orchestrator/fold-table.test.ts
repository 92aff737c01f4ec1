/**
 * What each kind of fact changes, and which of its fields the fold reads: one case for each, so that a fold that forgets a field, or
 * reads another one, fails here.
 */
import { describe, expect, it } from 'vitest';
import type { CampaignError, CampaignSpec } from '../../src/model/campaign.js';
import type { KeyEntry } from '../../src/model/connection-key.js';
import type { ExecutionEnd } from '../../src/model/execution.js';
import { FACTS, type Fact, type FactOf, type FieldTypes, SUBJECTS } from '../../src/model/facts.js';
import { apply } from '../../src/model/fold.js';
import type { ServiceSpec } from '../../src/model/service.js';
import { compileGraph, type Task } from '../../src/model/task.js';
import { Journal } from '../../src/orchestrator/core/journal.js';
import { writeFact } from '../../src/orchestrator/core/rows.js';
import { State } from '../../src/orchestrator/core/state.js';
import { campaignToRow } from '../../src/orchestrator/tables/campaign-row.js';
import { clusterToRow } from '../../src/orchestrator/tables/cluster-row.js';
import { commandToRow } from '../../src/orchestrator/tables/command-row.js';
import { deploymentToRow } from '../../src/orchestrator/tables/deployment-row.js';
import { grantToRow } from '../../src/orchestrator/tables/grant-row.js';
import { itemToRow } from '../../src/orchestrator/tables/item-row.js';
import { nodeToRow } from '../../src/orchestrator/tables/node-row.js';
import { problemToRow } from '../../src/orchestrator/tables/problem-row.js';
import { secretToRow } from '../../src/orchestrator/tables/secret-row.js';
import { replicaToRow, serviceToRow } from '../../src/orchestrator/tables/service-row.js';
import { taskToRow } from '../../src/orchestrator/tables/task-row.js';
import { webhookToRow } from '../../src/orchestrator/tables/webhook-row.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { graphOf, loop, moduleSpec } from './core.js';

interface Case<T extends Fact['type']> {
  /** What has happened before. */
  readonly given: readonly Fact[];
  readonly fact: FactOf<T>;
  /** The fields that are others afterwards. */
  readonly changes: readonly string[];
  /** The fields of the fact that change nothing: they are shown only. */
  readonly unread?: readonly string[];
}

type AnyCase = Omit<Case<never>, 'fact'> & { readonly fact: Fact };

const task = { problem_id: 'p', iteration_id: 1 };
const ofA = { ...task, module: 'a' };
const ofX = { ...ofA, execution_id: 'x', attempt: 1, node_id: 'n' };
const node = { module: 'a', node_id: 'n' };
const error = { code: 'broken', message: 'it broke', retryable: false };
const ref = { problemId: 'p', iterationId: 1, owner: 'input', seq: 0 };
const blob = { sha256: 'aa', size: 3 };
const x = { execution_id: 'x' };

const created: FactOf<'problem.created'> = {
  type: 'problem.created',
  ...task,
  graph: 'g',
  title: 't',
  priority: 50,
};
const submitted: FactOf<'iteration.submitted'> = {
  ...{ type: 'iteration.submitted', ...task, graph: 'g', graph_version: 1, priority: 50 },
  ...{ parent_iteration_id: null, queued_at: 7, input: ref },
};
const joined: FactOf<'node.joined'> = {
  ...{ type: 'node.joined', ...node, instance: 'a-1', capacity: 2, incarnation: 1, boot_id: 'b' },
  desired_status: 'started',
};
const cluster: Omit<FactOf<'cluster.added'>, 'type'> = {
  ...{ cluster: 'hpc', engine: 'slurm', status: 'active', host: 'login', port: 22, user: 'ada' },
  ...{ host_key: 'ssh-ed25519 AAAA', identity: '/id', workdir: '/scratch', slots: 4 },
  ...{ resources: { cpus: 64, memory: 1024, gpus: 2 }, labels: { gpu: 'true' }, agent: 'managed' },
};
const added: FactOf<'cluster.added'> = { type: 'cluster.added', ...cluster };
const secretSet: FactOf<'secret.set'> = { type: 'secret.set', secret: 'api-key', sealed: 'sealed' };
const SECRET_FIELDS = ['created_at', 'name', 'sealed', 'updated_at'].map((field) => `secret.${field}`);
const spec: ServiceSpec = {
  ...{ name: 'web', type: 'service', count: 2, require: {} },
  run: {
    ...{ work: { kind: 'command', argv: ['true'] }, files: {}, env: {}, resources: { cpus: 1 } },
    ...{ result: 'none', keep: 'never', retryExitCodes: undefined },
  },
  restart: { backoffMs: 1000, maxBackoffMs: 30_000 },
};
const applied: FactOf<'service.applied'> = {
  ...{ type: 'service.applied', service: 'web', service_type: 'service', module: 'm', count: 2 },
  ...{ desired: 'running', generation: 1, spec, graph_version: 1, owner: 'alpha' },
};
const deployed: FactOf<'deployment.started'> = {
  ...{ type: 'deployment.started', problem_id: 'p', project: 'alpha', iteration_id: 1 },
  ...{ deployment: 'shop', operation: 'deploy', direction: 'up' },
};
const DEPLOYMENT_FIELDS = [
  ...['created_at', 'deployment_id', 'direction', 'name', 'operation', 'operation_id', 'project', 'state'],
  ...['updated_at', 'version'],
].map((field) => `deployment.${field}`);
const campaignSpec: CampaignSpec = {
  ...{ graph: 'g', graphVersion: 1, input: '{}', mode: 'interactive', propose: { kind: 'repeat' } },
  ...{ maxIterations: 9, maxParallel: 2, initializingMs: 60_000, deadlineAt: 90_000, stopOnFailure: true },
  objective: { field: 'a.loss', goal: 'min', minImprovement: 0.05 },
};
const campaign = { problem_id: 'p', campaign: 'sweep' };
const initializing: FactOf<'campaign.initializing'> = {
  ...{ type: 'campaign.initializing', ...campaign, project: 'alpha', graph: 'g' },
  ...{ mode: 'interactive', spec: campaignSpec },
};
const CAMPAIGN_FIELDS = [
  ...['begun', 'campaign_id', 'created_at', 'deadline', 'graph', 'graph_version', 'missing', 'name', 'open'],
  ...['paused', 'phase', 'project', 'rules', 'steps', 'until', 'updated_at'],
].map((field) => `campaign.${field}`);
const changed = (...fields: string[]): string[] => [
  'put campaigns',
  ...['updated_at', ...fields].map((field) => `campaign.${field}`),
];
const AT_RUN: readonly Fact[] = [initializing, { type: 'campaign.running', ...campaign }];
const iterated: FactOf<'campaign.iterated'> = { type: 'campaign.iterated', problem_id: 'p', iteration_id: 1 };
const campaignError: CampaignError = {
  ...{ type: 'iteration_failed', scope: 'iteration', context: { message: 'it broke' } },
};
const finalizing: FactOf<'campaign.finalizing'> = {
  ...{ type: 'campaign.finalizing', ...campaign, outcome: 'completed', ended_by: 'until' },
};
const ofWeb = { service: 'web', replica_id: 'web-1', task_id: 'w/1' };
const placed: FactOf<'replica.placed'> = {
  ...{ type: 'replica.placed', ...ofWeb, cluster: 'hpc', generation: 1, restarts: 3, number: 1 },
};
const RETRY_AT = '2026-01-01T00:00:00.000Z';
const SERVICE_FIELDS = [
  ...['created_at', 'desired', 'generation', 'graph_version', 'name', 'project', 'reasons', 'spec'],
  'updated_at',
].map((field) => `service.${field}`);
const REPLICA_FIELDS = [
  ...['desired', 'failures', 'generation', 'number', 'observed', 'open', 'pinned', 'replica_id', 'restarts'],
  ...['service', 'since', 'task_id'],
].map((field) => `replica.${field}`);
const REPLICA_ENDED = ['failures', 'observed', 'open', 'reason', 'retry_at', 'since'].map(
  (field) => `replica.${field}`,
);
const hooked: FactOf<'webhook.added'> = {
  ...{ type: 'webhook.added', webhook: 'chat', webhook_id: 'w', origin: 'https://chat', sealed: 'sealed' },
  ...{ signed: true, filter: ['iteration.failed'], problem: 'starred = true' },
};
const WEBHOOK_FIELDS = [
  ...['name', 'id', 'origin', 'sealed', 'signed', 'filter', 'problem', 'created_at', 'cursor'],
  ...['failures', 'missed'],
].map((field) => `webhook.${field}`);
const keyKept: FactOf<'key.kept'> = {
  ...{ type: 'key.kept', key_id: 'node k' },
  entry: {
    ...{ kind: 'node', key: 'k', modules: ['a'], instance: null, subscribe: false },
    ...{ enrolled_at: '2025-01-01T00:00:00.000Z', revoked_at: null },
  },
};
const granted: FactOf<'access.granted'> = {
  ...{ type: 'access.granted', access_id: 'g', name: 'ada', role: 'author', hash: 'hash', expires_at: 9_000 },
};
const GRANT_FIELDS = ['access_id', 'name', 'role', 'project', 'hash', 'created_at', 'expires_at'].map(
  (field) => `grant.${field}`,
);
const CLUSTER_FIELDS = [
  ...['name', 'type', 'status', 'host', 'port', 'user', 'host_key', 'identity', 'workdir', 'slots'],
  ...['resources', 'labels', 'agent', 'created_at'],
].map((field) => `cluster.${field}`);
const TASK: readonly Fact[] = [created, submitted];
const RUNNING: readonly Fact[] = [...TASK, joined, { type: 'iteration.started', ...task }];
const assigned: FactOf<'execution.assigned'> = {
  type: 'execution.assigned',
  ...ofX,
  lease: 'l',
  boot_id: 'b',
  cache_key: 'k',
};
const recorded: FactOf<'output.recorded'> = {
  type: 'output.recorded',
  ...ofX,
  output_seq: 1,
  last: true,
  size: 1,
};
/** A map of two items, at work on the first. */
const ofItem = { ...ofX, item: 0 };
const AT_ITEM: readonly Fact[] = [
  ...RUNNING,
  { type: 'map.started', ...ofA, items: 2 },
  { ...assigned, item: 0 },
  { type: 'execution.accepted', ...ofItem },
];
const ENDED_FIELDS = [
  ...[
    'accepted_at',
    'assigned_at',
    'attempt',
    'boot_id',
    'cache_key',
    'desired',
    'execution_id',
    'finished_at',
  ],
  ...['generation', 'item', 'last_seq', 'lease', 'node_id', 'outputs', 'pass', 'state'],
].map((field) => `execution.${field}`);
const ASSIGNED: readonly Fact[] = [...RUNNING, assigned];
const ACCEPTED: readonly Fact[] = [...ASSIGNED, { type: 'execution.accepted', ...ofX }];
const AT_WORK: readonly Fact[] = [...ACCEPTED, { type: 'execution.running', ...ofX }];
const DONE: readonly Fact[] = [
  ...AT_WORK,
  { type: 'output.recorded', ...ofX, output_seq: 1, last: true, size: 1 },
  { type: 'execution.succeeded', ...ofX, outputs: 1 },
];
const FAILED: readonly Fact[] = [
  ...AT_WORK,
  { type: 'execution.failed', ...ofX, outputs: 0, error },
  { type: 'module.boot_died', ...ofA, boot_id: 'b' },
  { type: 'module.failed', ...ofA, error },
];
const part = { command_id: 'c', node_id: 'n', execution_id: 'x' };
const issued: FactOf<'command.issued'> = {
  ...{ type: 'command.issued', ...ofA, command_id: 'c', command: 'stop', reason: 'why', by: 'user' },
  ...{ grace_ms: 5, parts: [{ node_id: 'n', execution_id: 'x' }] },
};
const passed: FactOf<'loop.passed'> = {
  ...{ type: 'loop.passed', ...task, from: 'a', to: 'a', modules: ['a'], pass: 2 },
  freed: [['aa', 'cached/a', 1]],
};
const COMMANDED: readonly Fact[] = [...AT_WORK, issued];

/** An execution is found by its own id. */
const OF_EXECUTION = ['problem_id', 'iteration_id', 'module', 'attempt', 'node_id'];
const endOf = <E extends ExecutionEnd>(end: E) => ({
  ...{ type: `execution.${end}` as const, ...ofX, outputs: 0, error, last_seq: 4, cause: 'stop' as const },
  final: { state: 'cancelled' as const, error },
});
const taskEnd = { ...task, error: { ...error, module: 'a' }, reason: 'because' };

/** The end of a task that nothing ran in. */
const ENDS_TASK = [
  'delete unfinished',
  'problem.created_at',
  'problem.created_seq',
  'problem.graph',
  'problem.newest_iteration_id',
  'problem.priority',
  'problem.problem_id',
  'problem.title',
  'problems',
  'put problems_by_state',
  'row of the end',
  'row of the task',
  'task.error',
  'task.finished_at',
  'task.reason',
  'task.state',
  'tasks',
];

/** The end of an execution. */
const ENDS_EXECUTION = [
  'execution.desired',
  'execution.error',
  'execution.final',
  'execution.finished_at',
  'execution.last_seq',
  'execution.state',
  'execution.stop',
  'node.executions',
  'row of the task',
];

/** A command that is issued. */
const BEGINS_COMMAND = [
  'command.by',
  'command.command',
  'command.command_id',
  'command.graceMs',
  'command.issued_at',
  'command.overtakes',
  'command.parts',
  'command.reason',
  'command.state',
  'command.target',
  'commands',
  'row of the command',
];

const CASES: { readonly [T in Fact['type']]: Case<T> } = {
  'problem.created': {
    given: [],
    fact: { ...created, tags: ['x'], notes: 'n', starred: true, archived: true },
    changes: [
      'problem.archived',
      'problem.created_at',
      'problem.created_seq',
      'problem.graph',
      'problem.newest_iteration_id',
      'problem.notes',
      'problem.priority',
      'problem.problem_id',
      'problem.starred',
      'problem.tags',
      'problem.title',
      'problems',
      'put problem_ids',
      'put problems_by_mark',
    ],
    unread: ['iteration_id'],
  },
  'problem.changed': {
    given: TASK,
    fact: {
      ...{ type: 'problem.changed', problem_id: 'p', title: 'u', tags: ['x'], notes: 'n' },
      ...{ starred: true, archived: true, gained: ['starred'], lost: ['tag/y'] },
    },
    changes: [
      'delete problems_by_mark',
      'problem.archived',
      'problem.changed_seq',
      'problem.notes',
      'problem.starred',
      'problem.tags',
      'problem.title',
      'put problems_by_mark',
      'row of the problem',
    ],
  },
  'iteration.submitted': {
    given: [created],
    fact: { ...submitted, require: { a: { zone: 'x' } }, resources: { a: { cpus: 2 } } },
    changes: [
      'problem.newest_iteration_id',
      'put unfinished',
      'row of the problem',
      'row of the task',
      'task.created_at',
      'task.desired',
      'task.graph',
      'task.graph_version',
      'task.input',
      'task.iteration_id',
      'task.priority',
      'task.problem_id',
      'task.problem_seq',
      'task.queue_seq',
      'task.queued_at',
      'task.require',
      'task.resources',
      'task.state',
      'tasks',
    ],
    unread: ['overridden'],
  },
  'iteration.started': {
    given: TASK,
    fact: { type: 'iteration.started', ...task },
    changes: ['row of the task', 'task.started_at', 'task.state'],
  },
  'iteration.succeeded': {
    given: DONE,
    fact: { type: 'iteration.succeeded', ...taskEnd },
    changes: [
      'delete unfinished',
      'execution.desired',
      'executions',
      'problem.created_at',
      'problem.created_seq',
      'problem.graph',
      'problem.newest_iteration_id',
      'problem.priority',
      'problem.problem_id',
      'problem.title',
      'problems',
      'put problems_by_state',
      'row of the end',
      'row of the task',
      'task.error',
      'task.finished_at',
      'task.reason',
      'task.state',
      'tasks',
    ],
  },
  'iteration.failed': {
    given: FAILED,
    fact: { type: 'iteration.failed', ...taskEnd },
    changes: [
      'delete unfinished',
      'execution.desired',
      'executions',
      'problem.created_at',
      'problem.created_seq',
      'problem.graph',
      'problem.newest_iteration_id',
      'problem.priority',
      'problem.problem_id',
      'problem.title',
      'problems',
      'put problems_by_state',
      'row of the end',
      'row of the task',
      'task.finished_at',
      'task.reason',
      'task.state',
      'tasks',
    ],
  },
  'iteration.cancelled': {
    given: TASK,
    fact: { type: 'iteration.cancelled', ...taskEnd },
    changes: ENDS_TASK,
  },
  'iteration.aborted': {
    given: TASK,
    fact: { type: 'iteration.aborted', ...taskEnd },
    changes: ENDS_TASK,
  },
  'iteration.suspended': {
    given: RUNNING,
    fact: { type: 'iteration.suspended', ...task, reason: 'preempted' },
    changes: ['row of the task', 'task.state'],
    unread: ['reason'],
  },
  'iteration.resumed': {
    given: [...RUNNING, { type: 'iteration.suspended', ...task }],
    fact: { type: 'iteration.resumed', ...task },
    changes: ['row of the task', 'task.state'],
  },
  'module.waiting': {
    given: TASK,
    fact: {
      ...{ type: 'module.waiting', ...ofA, reason: 'why', retry_at: '2026-01-01T00:00:00.000Z' },
      waiting: { code: 'retry' },
    },
    changes: [
      'module.attempts',
      'module.generation',
      'module.phase',
      'module.reason',
      'module.retry_at',
      'module.waiting',
      'row of the task',
    ],
  },
  'module.skipped': {
    given: TASK,
    fact: { type: 'module.skipped', ...ofA, reason: 'why' },
    changes: ['module.attempts', 'module.generation', 'module.phase', 'module.reason', 'row of the task'],
  },
  'module.reused': {
    given: TASK,
    fact: {
      type: 'module.reused',
      ...ofA,
      cached_from: { problem_id: 'q', iteration_id: 1, execution_id: 'y' },
      output_seq: 2,
      outputs: { plot: { output_seq: 2 } },
      indexed: { 'a.seq': '1' },
    },
    changes: [
      'module.attempts',
      'module.cached_from',
      'module.generation',
      'module.indexed',
      'module.phase',
      'module.reused',
      'module.reused_outputs',
      'row of the task',
    ],
    unread: ['size', 'output'],
  },
  'map.started': {
    given: RUNNING,
    fact: { type: 'map.started', ...ofA, items: 2 },
    changes: [
      ...['module.attempts', 'module.generation', 'module.items', 'module.map', 'module.phase'],
      'row of the task',
    ],
  },
  'item.waiting': {
    given: [...AT_ITEM, { type: 'execution.failed', ...ofItem, outputs: 0, error }],
    fact: { type: 'item.waiting', ...ofA, item: 0, reason: 'why', retry_at: '2026-01-01T00:00:00.000Z' },
    changes: ['module.map', 'row of the task'],
  },
  'item.succeeded': {
    given: [
      ...[...AT_ITEM, { ...recorded, item: 0 }],
      { type: 'execution.succeeded', ...ofItem, outputs: 1 },
    ],
    fact: { type: 'item.succeeded', ...ofA, item: 0, ...x },
    changes: [
      ...['executions', ...ENDED_FIELDS],
      ...['item.generation', 'item.item', 'item.module', 'item.output'],
      ...['module.items', 'module.map', 'row of the item', 'row of the task'],
    ],
  },
  'item.reused': {
    given: [...RUNNING, { type: 'map.started', ...ofA, items: 2 }],
    fact: {
      ...{ type: 'item.reused', ...ofA, item: 0, size: 3, blob, output: 1 },
      cached_from: { problem_id: 'q', iteration_id: 1, execution_id: 'y' },
    },
    changes: [
      ...['item.cached_from', 'item.generation', 'item.item', 'item.module', 'item.output'],
      ...['module.items', 'module.map', 'put blob_refs', 'row of the item', 'row of the task'],
    ],
    unread: ['size', 'output'],
  },
  'module.mapped': {
    given: [...RUNNING, { type: 'map.started', ...ofA, items: 0 }],
    fact: {
      ...{ type: 'module.mapped', ...ofA, items: 0, size: 2, sha256: 'aa', blob, output: [] },
      indexed: { 'a.seq': '1' },
    },
    changes: [
      ...[
        'module.indexed',
        'module.map',
        'module.mapped',
        'module.phase',
        'put blob_refs',
        'row of the task',
      ],
    ],
    unread: ['items', 'output', 'sha256', 'size'],
  },
  'approval.requested': {
    given: TASK,
    fact: { type: 'approval.requested', ...ofA, role: 'operator', message: 'deploy?' },
    changes: [
      ...['module.attempts', 'module.generation', 'module.phase', 'module.reason', 'module.waiting'],
      ...['put approvals', 'row of the task'],
    ],
  },
  'module.served': {
    given: [
      ...TASK,
      {
        ...{ type: 'module.waiting', ...ofA, reason: 'why' },
        waiting: { code: 'service', service: 'web', until: 'soon' },
      },
    ],
    fact: { type: 'module.served', ...ofA, service: 'web' },
    changes: ['module.phase', 'module.reason', 'module.waiting', 'row of the task'],
    unread: ['service'],
  },
  'approval.decided': {
    given: [...TASK, { type: 'approval.requested', ...ofA, role: 'operator', message: 'deploy?' }],
    fact: {
      ...{ type: 'approval.decided', ...ofA, decision: 'approve', by: 'ada', reason: 'it is good' },
      indexed: { 'a.decision': 'approve' },
    },
    changes: [
      ...['delete approvals', 'module.indexed', 'module.phase', 'module.reason', 'module.waiting'],
      'row of the task',
    ],
    unread: ['by', 'reason'],
  },
  'loop.passed': {
    given: [...DONE, { type: 'module.succeeded', ...ofA, ...x }],
    fact: passed,
    changes: [
      ...['delete blob_refs', 'module.attempts', 'module.generation', 'module.pass', 'module.phase'],
      ...['module.previous', 'row of the task'],
    ],
    unread: ['from', 'to'],
  },
  'loop.ended': {
    given: [...DONE, { type: 'module.succeeded', ...ofA, ...x }],
    fact: { type: 'loop.ended', ...task, from: 'a', to: 'a', pass: 1, why: 'exhausted', error },
    changes: ['module.error', 'module.loop_end', 'module.phase', 'row of the task', 'task.error'],
    unread: ['to', 'pass'],
  },
  'module.reset': {
    given: [
      ...[...FAILED, { ...passed, freed: [] }],
      { type: 'module.boot_died', ...ofA, boot_id: 'b' },
      { type: 'loop.ended', ...task, from: 'a', to: 'a', pass: 2, why: 'exhausted', error },
    ],
    fact: { type: 'module.reset', ...ofA, pass: 1, freed: [['aa', 'cached/a', 1]] },
    changes: [
      'delete blob_refs',
      'module.died_boots',
      'module.error',
      'module.generation',
      'module.loop_end',
      'module.pass',
      'module.phase',
      'row of the task',
      'task.error',
    ],
  },
  'execution.assigned': {
    given: RUNNING,
    fact: { ...assigned },
    changes: [
      'execution.assigned_at',
      'execution.attempt',
      'execution.boot_id',
      'execution.cache_key',
      'execution.desired',
      'execution.execution_id',
      'execution.generation',
      'execution.lease',
      'execution.node_id',
      'execution.outputs',
      'execution.pass',
      'execution.state',
      'executions',
      'module.attempts',
      'module.generation',
      'module.phase',
      'node.executions',
      'row of the task',
    ],
  },
  'execution.accepted': {
    given: ASSIGNED,
    fact: { type: 'execution.accepted', ...ofX },
    changes: ['execution.accepted_at', 'execution.state', 'row of the task'],
    unread: [...OF_EXECUTION],
  },
  'execution.running': {
    given: ACCEPTED,
    fact: { type: 'execution.running', ...ofX },
    changes: ['execution.started_at', 'execution.state', 'row of the task'],
    unread: [...OF_EXECUTION],
  },
  'execution.progress': {
    given: AT_WORK,
    fact: { type: 'execution.progress', ...ofX, progress: 0.5, message: 'half' },
    changes: ['execution.message', 'execution.progress', 'row of the task'],
    unread: [...OF_EXECUTION],
  },
  'execution.log': {
    given: AT_WORK,
    fact: {
      type: 'execution.log',
      ...ofX,
      logged_at: '2026-01-01T00:00:00.000Z',
      level: 'info',
      message: 'hello',
      fields: {},
      bytes: 9,
      ...{ stream: 'stdout', blob },
    },
    changes: ['execution.log', 'execution.whole_streams', 'put blob_refs', 'row of the task'],
    unread: ['module', 'attempt', 'node_id', 'logged_at', 'level', 'message', 'fields', 'is_full'],
  },
  'execution.command': {
    given: AT_WORK,
    fact: {
      ...{ type: 'execution.command', ...ofX, cluster: 'hpc', engine: 'slurm', argv: ['fit', '7'] },
      ...{ engine_id: '4711', host: 'node7', started_at: '2026-01-01T00:00:00.000Z' },
      ...{
        ended_at: '2026-01-01T00:00:01.000Z',
        exit_code: 137,
        signal: 'SIGKILL',
        folder: '/scratch/x/work',
      },
    },
    changes: ['execution.command', 'execution.log', 'row of the task'],
    unread: [...OF_EXECUTION],
  },
  'execution.stopping': {
    given: AT_WORK,
    fact: { type: 'execution.stopping', ...ofX, cause: 'stop', reason: 'why' },
    changes: ['execution.desired', 'execution.stop', 'row of the task'],
    unread: [...OF_EXECUTION, 'reason'],
  },
  'execution.ending': {
    given: AT_WORK,
    fact: { type: 'execution.ending', ...ofX, state: 'failed', outputs: 3, error },
    changes: ['execution.final', 'execution.last_seq', 'row of the task'],
    unread: [...OF_EXECUTION],
  },
  'execution.succeeded': {
    given: AT_WORK,
    fact: endOf('succeeded'),
    changes: [
      'put results',
      'execution.desired',
      'execution.error',
      'execution.final',
      'execution.finished_at',
      'execution.last_seq',
      'execution.state',
      'execution.stop',
      'module.attempts',
      'node.executions',
      'row of the task',
    ],
    unread: [...OF_EXECUTION, 'outputs'],
  },
  'execution.failed': {
    given: AT_WORK,
    fact: endOf('failed'),
    changes: [
      'execution.desired',
      'execution.error',
      'execution.final',
      'execution.finished_at',
      'execution.last_seq',
      'execution.state',
      'execution.stop',
      'module.attempts',
      'node.executions',
      'row of the task',
    ],
    unread: [...OF_EXECUTION, 'outputs'],
  },
  'execution.cancelled': {
    given: AT_WORK,
    fact: endOf('cancelled'),
    changes: ENDS_EXECUTION,
    unread: [...OF_EXECUTION, 'outputs'],
  },
  'execution.preempted': {
    given: AT_WORK,
    fact: endOf('preempted'),
    changes: ENDS_EXECUTION,
    unread: [...OF_EXECUTION, 'outputs'],
  },
  'execution.rejected': {
    given: ASSIGNED,
    fact: endOf('rejected'),
    changes: ENDS_EXECUTION,
    unread: [...OF_EXECUTION, 'outputs'],
  },
  'execution.lost': {
    given: AT_WORK,
    fact: endOf('lost'),
    changes: ENDS_EXECUTION,
    unread: [...OF_EXECUTION, 'outputs'],
  },
  'output.recorded': {
    given: AT_WORK,
    fact: {
      type: 'output.recorded',
      ...ofX,
      output_seq: 1,
      last: true,
      name: 'plot',
      size: 3,
      blob,
      indexed: { 'a.seq': '1' },
    },
    changes: [
      'execution.blobs',
      'execution.indexed',
      'execution.last_seq',
      'execution.named',
      'execution.outputs',
      'put blob_refs',
      'row of the task',
    ],
    unread: ['module', 'attempt', 'node_id', 'size', 'sha256', 'output'],
  },
  'output.refused': {
    given: AT_WORK,
    fact: { type: 'output.refused', ...ofX, output_seq: 1, code: 'bad_payload', message: 'no' },
    changes: [],
    unread: [
      'problem_id',
      'iteration_id',
      'module',
      'execution_id',
      'attempt',
      'node_id',
      'output_seq',
      'code',
      'message',
    ],
  },
  'node.joined': {
    given: [joined],
    fact: { ...joined, incarnation: 2, boot_id: 'c', desired_status: 'stopped', replaces: 'b' },
    changes: ['node.boot_id', 'node.desired', 'node.incarnation', 'put boots', 'row of the node'],
    unread: ['module', 'instance'],
  },
  'node.status': {
    given: [joined],
    fact: {
      type: 'node.status',
      ...node,
      status: 'ERROR',
      desired_status: 'started',
      error,
      last_seen_at: 9,
    },
    changes: ['node.error', 'node.last_seen_at', 'node.status', 'row of the node'],
    unread: ['module', 'desired_status'],
  },
  'node.unresponsive': {
    given: [joined],
    fact: { type: 'node.unresponsive', ...node, reason: 'silent', last_seen_at: 9 },
    changes: ['node.last_seen_at', 'node.liveness', 'row of the node'],
    unread: ['module', 'reason'],
  },
  'node.dead': {
    given: [joined],
    fact: { type: 'node.dead', ...node, reason: 'silent', last_seen_at: 9 },
    changes: ['node.last_seen_at', 'node.liveness', 'row of the node'],
    unread: ['module', 'reason'],
  },
  'node.deaf': {
    given: [joined],
    fact: { type: 'node.deaf', ...node, reason: 'deaf', left_out: true },
    changes: [],
    unread: ['module', 'node_id', 'reason', 'left_out'],
  },
  'node.left': {
    given: [joined, { type: 'node.turned', node_id: 'n', status: 'IDLE' }],
    fact: { type: 'node.left', ...node, last_seen_at: 9 },
    changes: ['node.last_seen_at', 'node.liveness', 'node.status', 'row of the node'],
    unread: ['module'],
  },
  'node.alive': {
    given: [joined, { type: 'node.dead', ...node, reason: 'silent', last_seen_at: 8 }],
    fact: { type: 'node.alive', ...node, reason: 'back', last_seen_at: 9 },
    changes: ['node.last_seen_at', 'node.liveness', 'row of the node'],
    unread: ['module', 'reason'],
  },
  'node.conflict': {
    given: [joined],
    fact: { type: 'node.conflict', ...node, instance: 'a-1', code: 'instance_in_use', message: 'twice' },
    changes: [],
    unread: ['module', 'node_id', 'instance', 'code', 'message'],
  },
  'graph.stored': {
    given: [],
    fact: { type: 'graph.stored', graph: 'h', graph_version: 1, yaml: 'y', types: {} },
    changes: ['put graphs'],
    unread: ['problem_id'],
  },
  'cluster.added': {
    given: [],
    fact: { ...added },
    changes: [...CLUSTER_FIELDS, 'clusters', 'put clusters'],
  },
  'cluster.changed': {
    given: [added],
    fact: { ...cluster, type: 'cluster.changed', slots: 9, labels: {} },
    changes: ['cluster.labels', 'cluster.slots', 'put clusters'],
  },
  'cluster.removed': {
    given: [added],
    fact: { type: 'cluster.removed', cluster: 'hpc' },
    changes: [...CLUSTER_FIELDS, 'clusters', 'delete clusters'],
  },
  'cluster.online': {
    given: [added],
    fact: { type: 'cluster.online', cluster: 'hpc', reason: 'heard' },
    changes: [],
    unread: ['cluster', 'reason'],
  },
  'cluster.offline': {
    given: [added],
    fact: { type: 'cluster.offline', cluster: 'hpc', reason: 'silent' },
    changes: [],
    unread: ['cluster', 'reason'],
  },
  'command.issued': {
    given: AT_WORK,
    fact: { ...issued },
    changes: BEGINS_COMMAND,
    unread: ['node_id'],
  },
  'command.acked': {
    given: COMMANDED,
    fact: { type: 'command.acked', ...ofA, command_id: 'c', command: 'stop' },
    changes: ['command.state', 'row of the command'],
    unread: ['problem_id', 'iteration_id', 'module', 'node_id', 'command', 'error'],
  },
  'command.stopped': {
    given: COMMANDED,
    fact: { type: 'command.stopped', ...ofA, ...part },
    changes: ['command.parts', 'row of the command'],
    unread: ['problem_id', 'iteration_id', 'module'],
  },
  'command.refused': {
    given: COMMANDED,
    fact: { type: 'command.refused', ...ofA, command_id: 'c', command: 'stop' },
    changes: BEGINS_COMMAND,
    unread: ['problem_id', 'iteration_id', 'module', 'node_id', 'command', 'error'],
  },
  'command.expired': {
    given: COMMANDED,
    fact: { type: 'command.expired', ...ofA, command_id: 'c', command: 'stop' },
    changes: BEGINS_COMMAND,
    unread: ['problem_id', 'iteration_id', 'module', 'node_id', 'command', 'error'],
  },
  'task.requeued': {
    given: TASK,
    fact: { type: 'task.requeued', ...task, queue_seq: 9, queued_at: 99 },
    changes: ['row of the task', 'task.queue_seq', 'task.queued_at'],
  },
  'task.stopping': {
    given: TASK,
    fact: { type: 'task.stopping', ...task, desired: 'cancelled', reason: 'why' },
    changes: ['row of the task', 'task.desired', 'task.reason'],
  },
  'task.compared': {
    given: TASK,
    fact: { type: 'task.compared', ...task, of: 'a', met: [2] },
    changes: ['row of the task', 'task.compared'],
  },
  'task.abandoned': {
    given: TASK,
    fact: { type: 'task.abandoned', ...task, error },
    changes: ['row of the task', 'task.error', 'task.reason'],
  },
  'module.succeeded': {
    given: DONE,
    fact: { type: 'module.succeeded', ...ofA, ...x },
    changes: ['module.phase', 'row of the task'],
  },
  'module.failed': {
    given: AT_WORK,
    fact: { type: 'module.failed', ...ofA, error, node_id: 'n', attempt: 1 },
    changes: ['module.error', 'module.phase', 'row of the task', 'task.error'],
  },
  'module.stopped': {
    given: AT_WORK,
    fact: { type: 'module.stopped', ...ofA },
    changes: ['module.phase', 'row of the task'],
  },
  'module.boot_died': {
    given: AT_WORK,
    fact: { type: 'module.boot_died', ...ofA, boot_id: 'b' },
    changes: ['module.died_boots', 'row of the task'],
  },
  'execution.confirmed': {
    given: AT_WORK,
    fact: { type: 'execution.confirmed', ...x },
    changes: ['execution.accepted', 'row of the task'],
  },
  'execution.progressed': {
    given: AT_WORK,
    fact: { type: 'execution.progressed', ...x, progress: 0.5, message: 'half' },
    changes: ['execution.message', 'execution.progress'],
  },
  'execution.line_left_out': {
    given: AT_WORK,
    fact: { type: 'execution.line_left_out', ...x },
    changes: ['execution.log'],
  },
  'node.described': {
    given: [joined],
    fact: {
      type: 'node.described',
      node_id: 'n',
      version: '2',
      capacity: 3,
      labels: { gpu: 'yes' },
      last_seen_at: 9,
    },
    changes: ['node.capacity', 'node.labels', 'node.last_seen_at', 'node.version', 'row of the node'],
  },
  'node.turned': {
    given: [joined],
    fact: { type: 'node.turned', node_id: 'n', status: 'ERROR', error },
    changes: ['node.error', 'node.status'],
  },
  'node.desired': {
    given: [joined],
    fact: { type: 'node.desired', node_id: 'n', desired_status: 'stopped' },
    changes: ['node.desired', 'row of the node'],
  },
  'node.forgotten': {
    given: [joined],
    fact: { type: 'node.forgotten', node_id: 'n' },
    changes: [
      'delete nodes',
      'node.boot_id',
      'node.capacity',
      'node.desired',
      'node.executions',
      'node.incarnation',
      'node.instance',
      'node.labels',
      'node.last_seen_at',
      'node.liveness',
      'node.module',
      'node.node_id',
      'node.status',
      'node.version',
      'nodes',
    ],
  },
  'command.answered': {
    given: COMMANDED,
    fact: { type: 'command.answered', ...part, error },
    changes: ['command.parts', 'row of the command'],
  },
  'blob.stored': {
    given: [],
    fact: { type: 'blob.stored', sha256: 'aa', size: 3, lease_until: 9 },
    changes: ['put blobs'],
  },
  'request.answered': {
    given: [],
    fact: { type: 'request.answered', key: 'k', hash: 'h', answer: {}, expires_at: 9 },
    changes: ['put idempotency', 'put idempotency_by_time'],
  },
  'iteration.indexed': {
    given: [],
    fact: { type: 'iteration.indexed', ...task, problem_seq: 3, index: [['a.seq', 'n1']], summary: {} },
    changes: ['put iteration_index'],
    // It is in the summary.
    unread: ['problem_id'],
  },
  'index.completed': {
    given: [],
    fact: { type: 'index.completed', graph: 'g', field: 'a.seq', since: 2 },
    changes: ['put meta'],
  },
  'ages.doubted': {
    given: [],
    fact: { type: 'ages.doubted', expected_at: 5, leapt_to: 9 },
    changes: ['put meta'],
  },
  'ages.trusted': { given: [], fact: { type: 'ages.trusted' }, changes: ['delete meta'] },
  'iteration.thinned': {
    given: [],
    fact: {
      ...{ type: 'iteration.thinned', ...task, problem_seq: 3, index: [['a.seq', 'n1']], event_pages: [4] },
      ...{ payloads: [['x', 1]], blobs: [['aa', 'x', 1]], results: ['k'] },
      ...{ items: [['a', 0, 1]], item_executions: ['x'] },
    },
    changes: [
      'delete blob_refs',
      'delete item_executions',
      'delete items',
      'delete iteration_index',
      'delete payloads',
      'delete results',
      'delete task_events',
    ],
  },
  'iteration.removed': {
    given: [],
    fact: { type: 'iteration.removed', ...task },
    changes: ['delete iterations'],
  },
  'problem.hidden': {
    given: [],
    fact: { type: 'problem.hidden', problem_id: 'p', problem_seq: 3, marks: ['starred'] },
    changes: [
      'delete campaign_specs',
      'delete campaigns',
      'delete problem_ids',
      'delete problem_marks',
      'delete problems_by_mark',
      'delete problems_by_state',
    ],
  },
  'problem.removed': {
    given: [],
    fact: { type: 'problem.removed', problem_seq: 3 },
    changes: ['delete problems'],
  },
  'events.removed': {
    given: [],
    fact: { type: 'events.removed', pages: [1, 4] },
    changes: ['delete events'],
  },
  'blob.removed': { given: [], fact: { type: 'blob.removed', sha256: 'aa' }, changes: ['delete blobs'] },
  'answers.removed': {
    given: [],
    fact: { type: 'answers.removed', expired: [[9, 'k']], keys: ['k'] },
    changes: ['delete idempotency', 'delete idempotency_by_time'],
  },
  'commands.removed': {
    given: [],
    fact: { type: 'commands.removed', command_ids: ['c'] },
    changes: ['delete commands'],
  },
  'secret.set': {
    given: [secretSet],
    fact: { ...secretSet, sealed: 'other' },
    changes: ['put secrets', 'secret.sealed', 'secret.updated_at'],
  },
  'secret.resealed': {
    given: [secretSet],
    fact: { type: 'secret.resealed', secret: 'api-key', sealed: 'other' },
    changes: ['put secrets', 'secret.sealed'],
  },
  'secret.removed': {
    given: [secretSet],
    fact: { type: 'secret.removed', secret: 'api-key' },
    changes: [...SECRET_FIELDS, 'delete secrets', 'secrets'],
  },
  'key.kept': {
    given: [keyKept],
    fact: { ...keyKept, entry: { ...keyKept.entry, revoked_at: '2026-01-01T00:00:00.000Z' } as KeyEntry },
    changes: ['put connection_keys', 'key'],
  },
  'key.dropped': {
    given: [keyKept],
    fact: { type: 'key.dropped', key_id: 'node k' },
    changes: ['delete connection_keys', 'key', 'keys'],
  },
  'deployment.started': {
    given: [],
    fact: deployed,
    changes: [...DEPLOYMENT_FIELDS, 'put deployments', 'deployments'],
  },
  'deployment.succeeded': {
    given: [deployed],
    fact: { ...deployed, type: 'deployment.succeeded' },
    changes: ['deployment.state', 'deployment.updated_at', 'put deployments'],
    unread: ['deployment', 'iteration_id', 'operation'],
  },
  'deployment.failed': {
    given: [deployed],
    fact: { ...deployed, type: 'deployment.failed', message: 'web_start: the command ended with 3' },
    changes: ['deployment.message', 'deployment.state', 'deployment.updated_at', 'put deployments'],
    unread: ['deployment', 'iteration_id', 'operation'],
  },
  'campaign.initializing': {
    given: [],
    fact: initializing,
    changes: [...CAMPAIGN_FIELDS, 'campaigns', 'put campaign_specs', 'put campaigns'],
    unread: ['mode'],
  },
  'campaign.missing': {
    given: [initializing],
    fact: { type: 'campaign.missing', problem_id: 'p', modules: ['a'] },
    changes: changed('missing'),
  },
  'campaign.running': {
    given: [initializing],
    fact: { type: 'campaign.running', ...campaign },
    changes: changed('missing', 'phase', 'until'),
    unread: ['campaign'],
  },
  'campaign.paused': {
    given: AT_RUN,
    fact: { type: 'campaign.paused', ...campaign },
    changes: changed('paused'),
    unread: ['campaign'],
  },
  'campaign.resumed': {
    given: [...AT_RUN, { type: 'campaign.paused', ...campaign }],
    fact: { type: 'campaign.resumed', ...campaign },
    changes: changed('paused'),
    unread: ['campaign'],
  },
  'campaign.stepped': {
    given: AT_RUN,
    fact: { type: 'campaign.stepped', problem_id: 'p' },
    changes: changed('steps'),
  },
  'campaign.asked': {
    given: AT_RUN,
    fact: { type: 'campaign.asked', problem_id: 'p', task_id: 'q/1' },
    changes: changed('proposal'),
  },
  'campaign.iterated': {
    given: AT_RUN,
    fact: iterated,
    changes: changed('begun', 'open'),
  },
  'campaign.judged': {
    given: [...AT_RUN, iterated],
    fact: { type: 'campaign.judged', problem_id: 'p', iteration_id: 1, state: 'succeeded', value: 0.5 },
    changes: changed('best', 'newest_succeeded', 'open'),
  },
  'campaign.closed': {
    given: AT_RUN,
    fact: { type: 'campaign.closed', problem_id: 'p', why: 'until' },
    changes: changed('stop'),
  },
  'campaign.finalizing': {
    given: AT_RUN,
    fact: finalizing,
    changes: changed('outcome', 'phase'),
    unread: ['campaign', 'error'],
  },
  'campaign.completed': {
    given: [...AT_RUN, finalizing],
    fact: { type: 'campaign.completed', ...campaign, iterations: 0, ended_by: 'until' },
    changes: changed('ended_at', 'phase'),
    unread: ['campaign', 'ended_by', 'iterations'],
  },
  'campaign.aborted': {
    given: [...AT_RUN, { type: 'campaign.finalizing', ...campaign, outcome: 'aborted' }],
    fact: { type: 'campaign.aborted', ...campaign, iterations: 0 },
    changes: changed('ended_at', 'phase'),
    unread: ['campaign', 'iterations'],
  },
  'campaign.errored': {
    given: [
      ...AT_RUN,
      { type: 'campaign.finalizing', ...campaign, outcome: 'errored', error: campaignError },
    ],
    fact: { type: 'campaign.errored', ...campaign, iterations: 0, error: campaignError },
    changes: changed('ended_at', 'phase'),
    unread: ['campaign', 'error', 'iterations'],
  },
  'service.applied': {
    given: [],
    fact: applied,
    changes: [...SERVICE_FIELDS, 'put services', 'services'],
    unread: ['count', 'module', 'service_type'],
  },
  'service.degraded': {
    given: [applied],
    fact: { type: 'service.degraded', service: 'web', reasons: ['1 of 2 replicas: lost'] },
    changes: ['put services', 'service.reasons'],
  },
  'service.restored': {
    given: [applied, { type: 'service.degraded', service: 'web', reasons: ['1 of 2 replicas: lost'] }],
    fact: { type: 'service.restored', service: 'web' },
    changes: ['put services', 'service.reasons'],
  },
  'service.removed': {
    given: [applied],
    fact: { type: 'service.removed', service: 'web' },
    changes: [...SERVICE_FIELDS, 'delete services', 'services'],
  },
  'replica.placed': {
    given: [applied],
    fact: placed,
    changes: [...REPLICA_FIELDS, 'put replicas', 'replicas', 'runs'],
  },
  'replica.starting': {
    given: [applied, placed],
    fact: { type: 'replica.starting', ...ofWeb, cluster: 'hpc' },
    changes: ['put replicas', ...['cluster', 'observed', 'since'].map((field) => `replica.${field}`)],
    unread: ['service', 'task_id'],
  },
  'replica.running': {
    given: [applied, placed],
    fact: { type: 'replica.running', ...ofWeb },
    changes: ['put replicas', ...['observed', 'since'].map((field) => `replica.${field}`)],
    unread: ['service', 'task_id'],
  },
  'replica.ready': {
    given: [applied, placed],
    fact: { type: 'replica.ready', ...ofWeb, node_id: 'n' },
    changes: ['put replicas', ...['node_id', 'observed', 'since'].map((field) => `replica.${field}`)],
    unread: ['service', 'task_id'],
  },
  'replica.completed': {
    given: [applied, placed],
    fact: { type: 'replica.completed', ...ofWeb, reason: 'done', retry_at: RETRY_AT },
    changes: ['put replicas', ...REPLICA_ENDED],
    unread: ['service', 'task_id'],
  },
  'replica.failed': {
    given: [applied, placed],
    fact: { type: 'replica.failed', ...ofWeb, reason: 'exit_code: 1', retry_at: RETRY_AT },
    changes: ['put replicas', ...REPLICA_ENDED],
    unread: ['service', 'task_id'],
  },
  'replica.stopped': {
    given: [applied, placed],
    fact: { type: 'replica.stopped', ...ofWeb, reason: 'scaled down' },
    changes: ['put replicas', ...['observed', 'open', 'reason', 'since'].map((field) => `replica.${field}`)],
    unread: ['service', 'task_id'],
  },
  'replica.lost': {
    given: [applied, placed],
    fact: { type: 'replica.lost', ...ofWeb, reason: 'its node is gone', ended: true, retry_at: RETRY_AT },
    changes: ['put replicas', ...REPLICA_ENDED],
    unread: ['service', 'task_id'],
  },
  'replica.stopping': {
    given: [applied, placed],
    fact: {
      type: 'replica.stopping',
      replica_id: 'web-1',
      as: 'stopped',
      reason: 'scaled down',
      again: false,
    },
    changes: ['put replicas', 'replica.desired', 'replica.ending'],
  },
  'replica.waiting': {
    given: [applied, placed, { type: 'replica.starting', ...ofWeb, cluster: 'hpc' }],
    fact: { type: 'replica.waiting', replica_id: 'web-1' },
    changes: ['put replicas', ...['cluster', 'observed', 'since'].map((field) => `replica.${field}`)],
  },
  'replica.steady': {
    given: [applied, placed, { type: 'replica.failed', ...ofWeb, reason: 'x', retry_at: RETRY_AT }],
    fact: { type: 'replica.steady', replica_id: 'web-1' },
    changes: ['put replicas', 'replica.failures'],
  },
  'replica.forgotten': {
    given: [applied, placed],
    fact: { type: 'replica.forgotten', replica_id: 'web-1' },
    changes: [...REPLICA_FIELDS, 'delete replicas', 'replicas', 'runs'],
  },
  'webhook.added': {
    given: [],
    fact: hooked,
    changes: [...WEBHOOK_FIELDS, 'put webhooks', 'webhooks'],
  },
  'webhook.changed': {
    given: [hooked],
    fact: {
      ...{
        type: 'webhook.changed',
        webhook: 'chat',
        origin: 'https://other',
        sealed: 'other',
        signed: false,
      },
      ...{ filter: ['iteration.succeeded'], problem: 'starred = false' },
    },
    changes: [
      'put webhooks',
      ...['origin', 'sealed', 'signed', 'filter', 'problem'].map((field) => `webhook.${field}`),
    ],
  },
  'webhook.tried': {
    given: [hooked],
    fact: { type: 'webhook.tried', webhook: 'chat', cursor: 9, status: '503', delivered: false },
    changes: [
      'put webhooks',
      ...['cursor', 'failures', 'last_status', 'last_at'].map((field) => `webhook.${field}`),
    ],
  },
  'webhook.passed': {
    given: [hooked],
    fact: { type: 'webhook.passed', webhook: 'chat', cursor: 9, missed: 3 },
    changes: ['put webhooks', 'webhook.cursor', 'webhook.missed'],
  },
  'webhook.removed': {
    given: [hooked],
    fact: { type: 'webhook.removed', webhook: 'chat' },
    changes: [...WEBHOOK_FIELDS, 'delete webhooks', 'webhooks'],
  },
  'access.granted': {
    given: [],
    fact: granted,
    changes: [...GRANT_FIELDS, 'put grants', 'grants'],
  },
  'access.revoked': {
    given: [granted],
    fact: { type: 'access.revoked', access_id: 'g' },
    changes: [...GRANT_FIELDS, 'delete grants', 'grants'],
  },
  'audit.noted': {
    given: [],
    fact: {
      ...{
        type: 'audit.noted',
        audit_id: 1,
        first_at: 5,
        times: 2,
        by: 'ada',
        access_id: 'g',
        address: '::1',
      },
      ...{ project: 'steel', action: 'submit', operation: 'iterate', target: { problem_id: 'p' } },
      ...{ result: 'refused', code: 'task_ended', message: 'it has ended' },
    },
    changes: ['put audit', 'audited'],
  },
  'boots.removed': {
    given: [],
    fact: { type: 'boots.removed', boot_ids: ['b'] },
    changes: ['delete boots'],
  },
};

/** These say whose something is that is made, or take rows away by it. */
const READ_PROJECT: ReadonlySet<Fact['type']> = new Set<Fact['type']>([
  'problem.created',
  'problem.changed',
  'problem.hidden',
  'iteration.thinned',
  'iteration.indexed',
  'webhook.added',
  'access.granted',
  'audit.noted',
]);
/** These say which pass begins. */
const READ_PASS: ReadonlySet<Fact['type']> = new Set<Fact['type']>([
  'module.reset',
  'loop.passed',
  'loop.ended',
]);

describe.each(Object.entries(CASES) as [Fact['type'], AnyCase][])(
  '%s',
  (type, { given, fact, changes, unread = [] }) => {
    it('changes what it is to change, and nothing else', () => {
      const [{ parts: before }, { parts: after, rows }] = [fold(given), fold([...given, fact])];
      const names = new Set([...before.keys(), ...after.keys()]);
      const changed = [...[...names].filter((name) => before.get(name) !== after.get(name)), ...rows];
      expect(changed.sort()).toEqual([...changes].sort());
    });

    it('has no field that is not read, but for those that are shown only', () => {
      const after = text(fold([...given, fact]));
      const found = Object.entries(wordsOf(type)).filter(([field, word]) => {
        // Where it is the problem's, rows and state have it from there.
        if (field === 'project' && !READ_PROJECT.has(type)) return false;
        // Where it is the module's, its run has it.
        if (field === 'pass' && !READ_PASS.has(type)) return false;
        // Where it is the execution's, that was assigned with it.
        if (field === 'item' && 'execution_id' in fact && type !== 'execution.assigned') return false;
        const fields: Readonly<Record<string, unknown>> = fact;
        try {
          const changed = { ...fields, [field]: otherThan(word.replace('?', '') as Word, fields[field]) };
          return text(fold([...given, changed as Fact])) === after;
        } catch {
          // What it is about is not there.
          return false;
        }
      });
      expect(found.map(([field]) => field).sort()).toEqual([...unread].sort());
    });
  },
);

it('keeps what is indexed of an output without a name', () => {
  const output: FactOf<'output.recorded'> = {
    type: 'output.recorded',
    ...ofX,
    output_seq: 1,
    last: true,
    size: 3,
  };
  const indexed = (fact: Fact) => fold([...AT_WORK, fact]).parts.get('execution.indexed');
  expect(indexed(output)).toBeUndefined();
  expect(indexed({ ...output, indexed: { 'a.seq': '1' } })).toContain('a.seq');
});

type Word = keyof FieldTypes;

function wordsOf(type: Fact['type']): Readonly<Record<string, string>> {
  const declared: { about: keyof typeof SUBJECTS; shown?: object; withheld?: object } = FACTS[type];
  return { ...SUBJECTS[declared.about], ...declared.shown, ...declared.withheld };
}

interface Folded {
  /** All that the facts have made, by name: what is held, what its rows are, what they write by themselves. */
  readonly parts: ReadonlyMap<string, string>;
  /** Which rows the last fact has written anew. */
  readonly rows: readonly string[];
}

function fold(facts: readonly Fact[]): Folded {
  const state = new State();
  const graph = {
    ...graphOf('g', moduleSpec('a', ['source'])),
    index: ['a.seq'],
    loops: [loop('a', 'a', 'a.seq > 3', 2)],
  };
  const types = typesFromDescriptors(new Uint8Array());
  const compiled = compileGraph({ name: 'g', version: 1 }, graph);
  state.addGraph({ compiled, types, typesJson: types.toJson([]), yaml: '', createdAt: 0 });
  const parts = new Map<string, string>();
  let task: Task | undefined;
  let last = new Journal(0, 0, state.undo);
  for (const [index, fact] of facts.entries()) {
    last = new Journal(index, 0, state.undo);
    last.record(fact);
    const moment = { seq: index + 1, at: 1000 * (index + 1), nowMs: 0, changed: last };
    apply(state, fact, moment);
    writeFact(state, last, fact, moment);
    for (const { table, key, ...write } of last.writes) {
      const value = 'value' in write ? Buffer.from(write.value).toString() : '';
      parts.set(`${write.op} ${table}`, `${key.join()} ${value}`);
    }
    task ??= state.tasks.get('p/1');
  }
  const { tasks, executions, problems, nodes, commands, clusters, secrets, webhooks, grants } = state;
  const { services, replicas, runs, deployments, campaigns } = state;
  const maps = {
    ...{ tasks, executions, problems, nodes, commands, clusters, secrets, webhooks, grants },
    ...{ services, replicas, runs, deployments, campaigns, keys: state.keys },
  };
  for (const [name, held] of Object.entries(maps)) parts.set(name, [...held.keys()].join());
  parts.set('audited', String(state.audited));
  if (task) addRow(parts, 'task', taskToRow(task));
  for (const done of last.items)
    addRow(parts, 'item', { ...(itemToRow(done) as object), executions: undefined });
  for (const { desired } of executions.values()) parts.set('execution.desired', desired);
  for (const problem of problems.values()) addRow(parts, 'problem', problemToRow(problem));
  for (const node of nodes.values()) {
    addRow(parts, 'node', nodeToRow(node));
    parts.set('node.executions', [...node.executions].map(({ id }) => id).join());
  }
  for (const one of clusters.values()) addRow(parts, 'cluster', clusterToRow(one));
  for (const one of secrets.values()) addRow(parts, 'secret', secretToRow(one));
  for (const one of deployments.values()) addRow(parts, 'deployment', deploymentToRow(one));
  for (const one of campaigns.values()) addRow(parts, 'campaign', campaignToRow(one));
  for (const one of services.values()) addRow(parts, 'service', serviceToRow(one));
  for (const one of replicas.values()) addRow(parts, 'replica', replicaToRow(one));
  for (const one of webhooks.values()) addRow(parts, 'webhook', webhookToRow(one));
  parts.set('key', JSON.stringify([...state.keys.values()]));
  for (const one of grants.values()) addRow(parts, 'grant', grantToRow(one));
  for (const command of commands.values()) {
    const { by, graceMs, parts: of } = command;
    addRow(parts, 'command', {
      ...commandToRow(command),
      by,
      graceMs,
      overtakes: of.map((one) => one.overtakes),
    });
  }
  const sets = {
    problem: last.problems,
    task: last.tasks,
    node: last.nodes,
    command: last.commands,
    end: last.ended,
    item: new Set(last.items),
  };
  return {
    parts,
    rows: Object.entries(sets).flatMap(([name, { size }]) => (size > 0 ? [`row of the ${name}`] : [])),
  };
}

/** Modules and executions by their own fields, all others as a whole. */
function addRow(parts: Map<string, string>, name: string, row: unknown): void {
  for (const [field, value] of Object.entries(JSON.parse(JSON.stringify(row)) as object)) {
    if (field === 'modules')
      for (const module of Object.values(value as object)) addRow(parts, 'module', module);
    else if (field === 'executions') for (const one of value as object[]) addRow(parts, 'execution', one);
    else parts.set(`${name}.${field}`, JSON.stringify(value));
  }
}

function text({ parts, rows }: Folded): string {
  return JSON.stringify([...parts, rows]);
}

/** Another value of the same kind. */
function otherThan(word: Word, value: unknown): unknown {
  switch (word) {
    case 'text':
    case 'id':
      return `${String(value)}-other`;
    case 'time':
      return '2026-06-01T00:00:00.000Z';
    case 'moment':
    case 'number':
    case 'count':
    case 'count or null':
      return Number(value ?? 0) + 1;
    case 'flag':
      return value !== true;
    case 'level':
      return value === 'warn' ? 'info' : 'warn';
    case 'status':
      return value === 'IDLE' ? 'ERROR' : 'IDLE';
    case 'desired status':
      return value === 'stopped' ? 'started' : 'stopped';
    case 'cause':
      return value === 'timeout' ? 'stop' : 'timeout';
    case 'final':
      return { state: 'failed' };
    case 'final state':
      return value === 'failed' ? 'cancelled' : 'failed';
    case 'task stop':
      return value === 'aborted' ? 'cancelled' : 'aborted';
    case 'audit result':
      return value === 'done' ? 'refused' : 'done';
    case 'key entry':
      return { ...(value as KeyEntry), key: 'other' };
    case 'target':
      return { problem_id: 'other' };
    case 'issuer':
      return value === 'user' ? 'orchestrator' : 'user';
    case 'error':
    case 'task error':
      return { code: 'other', message: 'something else', retryable: true };
    case 'blob':
      return { sha256: 'other', size: 99 };
    case 'stream':
      return value === 'stderr' ? 'stdout' : 'stderr';
    case 'source':
      return { iteration_id: 77, execution_id: 'other' };
    case 'cached source':
      return { problem_id: 'other', iteration_id: 77, execution_id: 'other' };
    case 'reference':
      return { ...ref, owner: 'other' };
    case 'references':
      return { a: { ...ref, owner: 'other' } };
    case 'overrides':
      return { a: { source: { ...ref, owner: 'other' } } };
    case 'inputs':
      return { a: ['other'] };
    case 'words':
      return ['other'];
    case 'texts':
      return { 'a.seq': 'other' };
    case 'requirements':
      return { a: { zone: 'other' } };
    case 'asked resources':
      return { a: { cpus: 77 } };
    case 'blobs':
      return { 'run.sh': { sha256: 'other', size: 99 } };
    case 'tags':
      return ['other'];
    case 'json':
      return { other: true };
    case 'engine':
      return value === 'slurm' ? 'ssh' : 'slurm';
    case 'cluster status':
      return value === 'active' ? 'draining' : 'active';
    case 'role':
      return value === 'author' ? 'viewer' : 'author';
    case 'deployment operation':
      return value === 'deploy' ? 'continue' : 'deploy';
    case 'direction':
      return value === 'up' ? 'down' : 'up';
    case 'campaign mode':
      return value === 'automated' ? 'interactive' : 'automated';
    case 'campaign end':
      return value === 'aborted' ? 'completed' : 'aborted';
    case 'campaign stop':
      return value === 'finish' ? 'until' : 'finish';
    case 'campaign error':
      return { ...campaignError, context: { message: 'something else' } };
    case 'campaign spec':
      return { ...campaignSpec, maxIterations: 77 };
    case 'task end':
      return value === 'failed' ? 'succeeded' : 'failed';
    case 'service type':
      return value === 'service' ? 'batch' : 'service';
    case 'service desire':
      return value === 'running' ? 'stopped' : 'running';
    case 'service spec':
      return { ...spec, count: 77 };
    case 'replica end':
      return value === 'failed' ? 'lost' : 'failed';
    case 'agent kind':
      return value === 'managed' ? 'remote' : 'managed';
    case 'resources':
      return { cpus: 77 };
    case 'waiting':
      return { code: 'no_secret', secret: 'other' };
    case 'loop end':
      return value === 'max' ? 'until' : 'max';
    case 'asked role':
      return 'author';
    case 'decision':
      return 'deny';
    case 'named outputs':
      return { other: { output_seq: 99 } };
    case 'command parts':
    case 'index entries':
    case 'payload names':
    case 'blob uses':
    case 'item names':
    case 'expiries':
    case 'ids':
    case 'counts':
      return [];
    default:
      return word satisfies never;
  }
}
