/**
 * Everything that can happen, declared once: each kind of fact with its fields. All else that knows facts is derived from here: their
 * TypeScript types, the list of event types, the shapes in OpenAPI; a test holds the table in `docs/api.md` against it.
 *
 * F1. A *public* fact is an event: it has a gapless `seq`, and viewers get what it is about and its shown fields, in this order.
 * F2. The *withheld* fields of a public fact, and *private* facts as a whole, are never shown: leases, boots, references, answers.
 * F3. Facts are plain values that JSON carries; times of what is not shown are Unix milliseconds.
 */
import type { Role } from './access.js';
import type { ApprovalRole, Decision } from './approval.js';
import type { AuditResult } from './audit.js';
import type { CachedFrom } from './cached.js';
import type { CampaignEnd, CampaignError, CampaignMode, CampaignSpec, CampaignStop } from './campaign.js';
import type { AgentKind, ClusterStatus, ClusterType, ResourceFields } from './cluster.js';
import type { KeyEntry } from './connection-key.js';
import type { DeploymentOperation, Direction } from './deployment.js';
import type { ExecutionEnd } from './execution.js';
import type { Requirements } from './graph.js';
import type { LoopEnd } from './loop.js';
import type { DesiredStatus, NodeStatus } from './node.js';
import type { BlobRef, PayloadRef } from './payload.js';
import type { LogLevel, ReportedError, StreamName } from './protocol.js';
import type { Resources } from './run.js';
import type { ReplicaEnd, ServiceDesire, ServiceSpec, ServiceType } from './service.js';
import type { TaskId } from './task-id.js';
import type { TaskEnd } from './task-state.js';
import type { Waiting } from './waiting.js';

/** F3. What a field holds, by the word that declares it. A field may be absent where a `?` follows its word. */
export interface FieldTypes {
  readonly text: string;
  /** Of something that Tutti has named: it needs no escapes in JSON. */
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Unix milliseconds. */
  readonly moment: number;
  readonly number: number;
  /** A whole number ≥ 0. */
  readonly count: number;
  readonly 'count or null': number | null;
  readonly flag: boolean;
  readonly json: unknown;
  readonly words: readonly string[];
  readonly texts: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /** By module, names of inputs. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly waiting: Waiting;
  readonly 'asked role': ApprovalRole;
  readonly decision: Decision;
  readonly level: LogLevel;
  readonly error: ReportedError;
  readonly 'task error': TaskError;
  readonly blob: BlobRef;
  readonly stream: StreamName;
  readonly source: { readonly iteration_id: number; readonly execution_id: string };
  readonly 'cached source': CachedFrom;
  readonly status: NodeStatus;
  readonly 'desired status': DesiredStatus;
  readonly cause: StopCause;
  readonly final: FinalReport;
  readonly 'final state': FinalReport['state'];
  readonly 'task stop': 'cancelled' | 'aborted';
  readonly reference: PayloadRef;
  readonly references: Readonly<Record<string, PayloadRef>>;
  /** By module, labels. */
  readonly requirements: Requirements;
  /** By run module. */
  readonly 'asked resources': Readonly<Record<string, Resources>>;
  /** By file. */
  readonly blobs: Readonly<Record<string, BlobRef>>;
  /** By module and input. */
  readonly overrides: Readonly<Record<string, Readonly<Record<string, PayloadRef>>>>;
  readonly engine: ClusterType;
  readonly 'cluster status': ClusterStatus;
  readonly 'agent kind': AgentKind;
  readonly role: Role;
  readonly 'deployment operation': DeploymentOperation;
  readonly direction: Direction;
  readonly 'campaign mode': CampaignMode;
  readonly 'campaign end': CampaignEnd;
  readonly 'campaign stop': CampaignStop;
  readonly 'campaign error': CampaignError;
  readonly 'campaign spec': CampaignSpec;
  readonly 'task end': TaskEnd;
  readonly 'service type': ServiceType;
  readonly 'service desire': ServiceDesire;
  readonly 'service spec': ServiceSpec;
  readonly 'replica end': ReplicaEnd;
  readonly 'audit result': AuditResult;
  readonly 'key entry': KeyEntry;
  /** By its name, what something is about. */
  readonly target: Readonly<Record<string, string | number>>;
  readonly 'loop end': LoopEnd;
  readonly resources: ResourceFields;
  readonly issuer: 'user' | 'orchestrator';
  /** `overtakes`: the node may get the command before the assignment that it is about. */
  readonly 'command parts': readonly {
    readonly node_id: string;
    readonly execution_id?: string;
    readonly overtakes?: true;
  }[];
  readonly ids: readonly string[];
  readonly counts: readonly number[];
  /** By name, where a named output stands among those of its execution. */
  readonly 'named outputs': Readonly<Record<string, NamedOutput>>;
  readonly 'index entries': readonly IndexEntry[];
  readonly 'payload names': readonly PayloadName[];
  readonly 'blob uses': readonly BlobUse[];
  readonly 'item names': readonly ItemName[];
  /** When each expires, and its key. */
  readonly expiries: readonly (readonly [at: number, key: string])[];
}

export interface NamedOutput {
  readonly output_seq: number;
  readonly size?: number;
  readonly blob?: BlobRef;
}

/** An indexed field, and the element that stands for an iteration's value in its index. */
export type IndexEntry = readonly [field: string, element: string];
/** A payload of an iteration, by the iteration or execution that it came from. */
export type PayloadName = readonly [owner: string, seq: number];
/** An item of an iteration: the run of its module that it belongs to, and its number. */
export type ItemName = readonly [module: string, generation: number, item: number];
/** A blob that an iteration uses, and for what. */
export type BlobUse = readonly [sha256: string, owner: string, seq: number];

/** The cause of a task's failure, and its place. */
export type TaskError = ReportedError & {
  readonly module?: string;
  readonly node_id?: string;
  readonly attempt?: number;
  /** Of a module with `map`. */
  readonly item?: number;
};

/** The final report, which ends an execution once all its outputs are there. */
export interface FinalReport {
  readonly state: (typeof FINAL_STATES)[number];
  readonly error?: ReportedError;
}

export const FINAL_STATES = ['failed', 'cancelled', 'preempted'] as const;
export const STOP_CAUSES = ['stop', 'terminate', 'reset', 'preempt', 'timeout'] as const;
export type StopCause = (typeof STOP_CAUSES)[number];

/**
 * The subjects of facts: the fields that come first. `project`: of the problem, unless it is `default`; `emit` adds it. `pass`: of a module in
 * a loop. `item`: of a module with `map`.
 */
export const SUBJECTS = {
  nothing: {},
  problem: { problem_id: 'id', project: 'id?' },
  task: { problem_id: 'id', project: 'id?', iteration_id: 'count' },
  module: { problem_id: 'id', project: 'id?', iteration_id: 'count', module: 'text', pass: 'count?' },
  /** `item`: its number, from 0. */
  item: {
    problem_id: 'id',
    project: 'id?',
    iteration_id: 'count',
    module: 'text',
    pass: 'count?',
    item: 'count',
  },
  execution: {
    problem_id: 'id',
    project: 'id?',
    iteration_id: 'count',
    module: 'text',
    pass: 'count?',
    item: 'count?',
    execution_id: 'id',
    attempt: 'count',
    node_id: 'id',
  },
  node: { module: 'text', node_id: 'id' },
  /** Of a deployment, its problem: it is of a project then. All other graphs are shared. */
  graph: { problem_id: 'id?', project: 'id?' },
  /** A task, a module or a node. */
  target: { problem_id: 'id?', project: 'id?', iteration_id: 'count?', module: 'text?', node_id: 'id?' },
  'part of a target': {
    problem_id: 'id?',
    project: 'id?',
    iteration_id: 'count?',
    module: 'text?',
    execution_id: 'id?',
    node_id: 'id',
  },
} as const;

/** Every kind of fact. One that shows something, if only that it has happened, is public. */
export const FACTS = {
  'problem.created': {
    about: 'task',
    shown: {
      graph: 'text',
      title: 'text',
      priority: 'count',
      tags: 'tags?',
      notes: 'text?',
      starred: 'flag?',
      archived: 'flag?',
    },
  },
  /** Only what is another now. */
  'problem.changed': {
    about: 'problem',
    shown: { title: 'text?', tags: 'tags?', notes: 'text?', starred: 'flag?', archived: 'flag?' },
    withheld: {
      /** The marks that it is found by from now on, and those that it is no longer found by. */
      gained: 'ids',
      lost: 'ids',
    },
  },
  'iteration.submitted': {
    about: 'task',
    shown: {
      graph: 'text',
      graph_version: 'count',
      priority: 'count',
      parent_iteration_id: 'count or null',
      client: 'text?',
      traceparent: 'id?',
      overridden: 'inputs?',
      require: 'requirements?',
    },
    withheld: {
      queued_at: 'moment',
      input: 'reference',
      /** The parent's outputs that `previous` edges carry, by module. */
      pinned: 'references?',
      overrides: 'overrides?',
      /** The resources of run modules that replace those of the graph. */
      resources: 'asked resources?',
    },
  },
  'iteration.started': { about: 'task', shown: {} },
  'iteration.succeeded': { about: 'task', shown: { error: 'task error?', reason: 'text?' } },
  'iteration.failed': { about: 'task', shown: { error: 'task error?', reason: 'text?' } },
  'iteration.cancelled': { about: 'task', shown: { error: 'task error?', reason: 'text?' } },
  'iteration.aborted': { about: 'task', shown: { error: 'task error?', reason: 'text?' } },
  'iteration.suspended': { about: 'task', shown: { reason: 'text?' } },
  'iteration.resumed': { about: 'task', shown: {} },
  'module.waiting': {
    about: 'module',
    shown: {
      reason: 'text',
      retry_at: 'time?',
      /** The reason as data. Older stores have none. */
      waiting: 'waiting?',
    },
  },
  'module.skipped': { about: 'module', shown: { reason: 'text' } },
  'module.reused': {
    about: 'module',
    shown: {
      /** Where an iteration takes it over from another of its problem. */
      reused_from: 'source?',
      /** Where a module with `cache` has taken it. One of the two is there. */
      cached_from: 'cached source?',
      output_seq: 'count',
      size: 'count?',
      blob: 'blob?',
      output: 'json?',
      /** Of a module with named outputs: `output_seq` is that of the last one, and `output` has those that are shown by their names. */
      outputs: 'named outputs?',
    },
    withheld: {
      /** By field, the element that stands for the value in the field's index. */
      indexed: 'texts?',
    },
  },
  'module.reset': {
    about: 'module',
    shown: {},
    withheld: {
      /** Blobs that it no longer uses. */
      freed: 'blob uses?',
    },
  },
  /** The list of a module with `map` was taken apart: it has so many items. */
  'map.started': { about: 'module', shown: { items: 'count' } },
  /** Its execution came to nothing: it begins again, at once or after a pause. */
  'item.waiting': { about: 'item', shown: { reason: 'text', retry_at: 'time?' } },
  /** The last output of this execution is its result. */
  'item.succeeded': { about: 'item', shown: { execution_id: 'id' } },
  /** It has taken a result instead of running. */
  'item.reused': {
    about: 'item',
    shown: {
      cached_from: 'cached source',
      size: 'count?',
      blob: 'blob?',
      output: 'json?',
    },
  },
  /** All items are done: the module succeeds with the list of their results. */
  'module.mapped': {
    about: 'module',
    shown: {
      items: 'count',
      size: 'count',
      /** Of the list's bytes. */
      sha256: 'id',
      blob: 'blob?',
      output: 'json?',
    },
    withheld: { indexed: 'texts?' },
  },
  /** The modules of a loop run again. */
  'loop.passed': {
    about: 'task',
    shown: {
      from: 'text',
      to: 'text',
      /** All that run again, in topological order. */
      modules: 'words',
      /** The one that begins. */
      pass: 'count',
    },
    withheld: {
      /** Blobs that the task no longer uses. */
      freed: 'blob uses?',
    },
  },
  /** There is no further pass. */
  'loop.ended': {
    about: 'task',
    shown: { from: 'text', to: 'text', pass: 'count', why: 'loop end', error: 'error?' },
  },
  /** A person is asked to decide. */
  'approval.requested': { about: 'module', shown: { role: 'asked role', message: 'text' } },
  /** The module succeeds with the decision as its output, or fails by it. */
  'approval.decided': {
    about: 'module',
    shown: { decision: 'decision', by: 'text?', reason: 'text?' },
    withheld: { indexed: 'texts?' },
  },
  /** The service of a service step is as it is asked for. */
  'module.served': { about: 'module', shown: { service: 'text' } },
  'execution.assigned': {
    about: 'execution',
    shown: {},
    withheld: {
      lease: 'text',
      boot_id: 'text',
      /** Of a module with `cache`, where its result is to be found. */
      cache_key: 'id?',
    },
  },
  'execution.accepted': { about: 'execution', shown: {} },
  'execution.running': { about: 'execution', shown: {} },
  'execution.progress': { about: 'execution', shown: { progress: 'number', message: 'text' } },
  'execution.log': {
    about: 'execution',
    shown: {
      logged_at: 'time',
      level: 'level',
      message: 'text',
      fields: 'texts',
      /** With `blob`: of a line that stands for a part of a stream, which stream, and the blob with all of it. */
      stream: 'stream?',
      blob: 'blob?',
    },
    withheld: {
      /** The share of the budget that a node's line uses; absent for the orchestrator's own lines. */
      bytes: 'count?',
      is_full: 'flag?',
    },
  },
  /** New information about the command of a run module. */
  'execution.command': {
    about: 'execution',
    shown: {
      cluster: 'text?',
      engine: 'engine?',
      argv: 'words?',
      engine_id: 'text?',
      host: 'text?',
      started_at: 'time?',
      ended_at: 'time?',
      exit_code: 'count?',
      signal: 'text?',
      folder: 'text?',
    },
  },
  'execution.stopping': { about: 'execution', shown: { cause: 'cause', reason: 'text?' } },
  'execution.ending': {
    about: 'execution',
    shown: { state: 'final state', outputs: 'count', error: 'error?' },
  },
  'execution.succeeded': {
    about: 'execution',
    shown: { outputs: 'count', error: 'error?' },
    withheld: { last_seq: 'count?', final: 'final?', cause: 'cause?' },
  },
  'execution.failed': {
    about: 'execution',
    shown: { outputs: 'count', error: 'error?' },
    withheld: { last_seq: 'count?', final: 'final?', cause: 'cause?' },
  },
  'execution.cancelled': {
    about: 'execution',
    shown: { outputs: 'count', error: 'error?' },
    withheld: { last_seq: 'count?', final: 'final?', cause: 'cause?' },
  },
  'execution.preempted': {
    about: 'execution',
    shown: { outputs: 'count', error: 'error?' },
    withheld: { last_seq: 'count?', final: 'final?', cause: 'cause?' },
  },
  'execution.rejected': {
    about: 'execution',
    shown: { outputs: 'count', error: 'error?' },
    withheld: { last_seq: 'count?', final: 'final?', cause: 'cause?' },
  },
  'execution.lost': {
    about: 'execution',
    shown: { outputs: 'count', error: 'error?' },
    withheld: { last_seq: 'count?', final: 'final?', cause: 'cause?' },
  },
  'output.recorded': {
    about: 'execution',
    shown: {
      output_seq: 'count',
      last: 'flag',
      /** Of a module with named outputs. */
      name: 'text?',
      size: 'count',
      /** Of the payload's bytes. Stores of schema 1 have none. */
      sha256: 'id?',
      blob: 'blob?',
      output: 'json?',
    },
    withheld: { indexed: 'texts?' },
  },
  'output.refused': { about: 'execution', shown: { output_seq: 'count', code: 'text', message: 'text' } },
  'node.joined': {
    about: 'node',
    shown: { instance: 'text', capacity: 'count', incarnation: 'count' },
    withheld: {
      boot_id: 'text',
      desired_status: 'desired status',
      /** The boot whose place it takes. */
      replaces: 'text?',
    },
  },
  'node.status': {
    about: 'node',
    shown: { status: 'status', desired_status: 'desired status', error: 'error?' },
    withheld: { last_seen_at: 'moment' },
  },
  'node.unresponsive': { about: 'node', shown: { reason: 'text' }, withheld: { last_seen_at: 'moment' } },
  'node.dead': { about: 'node', shown: { reason: 'text' }, withheld: { last_seen_at: 'moment' } },
  'node.deaf': { about: 'node', shown: { reason: 'text', left_out: 'flag' } },
  'node.left': { about: 'node', shown: {}, withheld: { last_seen_at: 'moment' } },
  'node.alive': { about: 'node', shown: { reason: 'text' }, withheld: { last_seen_at: 'moment' } },
  'node.conflict': { about: 'node', shown: { instance: 'text', code: 'text', message: 'text' } },
  'graph.stored': {
    about: 'graph',
    shown: { graph: 'text', graph_version: 'count' },
    withheld: {
      yaml: 'text',
      types: 'json',
      /** By path beside the graph file, those that its run modules name. */
      files: 'blobs?',
    },
  },
  /** All of the cluster. */
  'cluster.added': {
    about: 'nothing',
    shown: {
      cluster: 'text',
      engine: 'engine',
      status: 'cluster status',
      host: 'text?',
      port: 'count?',
      user: 'text?',
      host_key: 'text?',
      identity: 'text?',
      workdir: 'text',
      slots: 'count',
      resources: 'resources?',
      labels: 'texts',
      agent: 'agent kind',
    },
  },
  /** All of it, as it is from now on. */
  'cluster.changed': {
    about: 'nothing',
    shown: {
      cluster: 'text',
      engine: 'engine',
      status: 'cluster status',
      host: 'text?',
      port: 'count?',
      user: 'text?',
      host_key: 'text?',
      identity: 'text?',
      workdir: 'text',
      slots: 'count',
      resources: 'resources?',
      labels: 'texts',
      agent: 'agent kind',
    },
  },
  'cluster.removed': { about: 'nothing', shown: { cluster: 'text' } },
  /** Its agent is heard, or no longer is. */
  'cluster.online': { about: 'nothing', shown: { cluster: 'text', reason: 'text' } },
  'cluster.offline': { about: 'nothing', shown: { cluster: 'text', reason: 'text' } },
  /** An operation of a deployment has begun, as the iteration of the problem that the deployment is. */
  'deployment.started': {
    about: 'task',
    shown: { deployment: 'text', operation: 'deployment operation' },
    withheld: { direction: 'direction' },
  },
  'deployment.succeeded': {
    about: 'task',
    shown: { deployment: 'text', operation: 'deployment operation' },
  },
  'deployment.failed': {
    about: 'task',
    shown: { deployment: 'text', operation: 'deployment operation', message: 'text' },
  },
  /** A campaign has been asked for: it waits for nodes of all its modules. */
  'campaign.initializing': {
    about: 'problem',
    shown: { campaign: 'text', graph: 'text', mode: 'campaign mode' },
    withheld: { spec: 'campaign spec', next_at: 'moment?' },
  },
  'campaign.running': { about: 'problem', shown: { campaign: 'text' } },
  /** `outcome`: how it ends once nothing of it is under way. */
  'campaign.finalizing': {
    about: 'problem',
    shown: {
      campaign: 'text',
      outcome: 'campaign end',
      ended_by: 'campaign stop?',
      error: 'campaign error?',
    },
  },
  'campaign.completed': {
    about: 'problem',
    shown: { campaign: 'text', iterations: 'count', ended_by: 'campaign stop' },
  },
  'campaign.aborted': { about: 'problem', shown: { campaign: 'text', iterations: 'count' } },
  'campaign.errored': {
    about: 'problem',
    shown: { campaign: 'text', iterations: 'count', error: 'campaign error' },
  },
  'campaign.paused': { about: 'problem', shown: { campaign: 'text' } },
  'campaign.resumed': { about: 'problem', shown: { campaign: 'text' } },
  /** All of the service, as it is from now on. */
  'service.applied': {
    about: 'nothing',
    shown: {
      service: 'text',
      service_type: 'service type',
      module: 'text?',
      count: 'count',
      desired: 'service desire',
      generation: 'count',
    },
    withheld: { spec: 'service spec', graph_version: 'count', owner: 'text?' },
  },
  /** Its reasons, each with how many replicas it is about; also where they are others than before. */
  'service.degraded': { about: 'nothing', shown: { service: 'text', reasons: 'words' } },
  'service.restored': { about: 'nothing', shown: { service: 'text' } },
  /** Nothing of it is still running. */
  'service.removed': { about: 'nothing', shown: { service: 'text' } },
  /** A run of a replica, which is a task. `cluster`: the only one that it may run on. */
  'replica.placed': {
    about: 'nothing',
    shown: {
      service: 'text',
      replica_id: 'id',
      task_id: 'id',
      cluster: 'text?',
      generation: 'count',
      restarts: 'count',
    },
    withheld: { number: 'count' },
  },
  'replica.starting': {
    about: 'nothing',
    shown: { service: 'text', replica_id: 'id', task_id: 'id', cluster: 'text?' },
  },
  'replica.running': { about: 'nothing', shown: { service: 'text', replica_id: 'id', task_id: 'id' } },
  /** Its node is registered and started. */
  'replica.ready': {
    about: 'nothing',
    shown: { service: 'text', replica_id: 'id', task_id: 'id', node_id: 'id' },
  },
  'replica.completed': {
    about: 'nothing',
    shown: { service: 'text', replica_id: 'id', task_id: 'id', reason: 'text?', retry_at: 'time?' },
  },
  'replica.failed': {
    about: 'nothing',
    shown: { service: 'text', replica_id: 'id', task_id: 'id', reason: 'text', retry_at: 'time?' },
  },
  'replica.stopped': {
    about: 'nothing',
    shown: { service: 'text', replica_id: 'id', task_id: 'id', reason: 'text' },
  },
  /** `ended`: its run has, too; otherwise its cluster is out of reach, and may come back with it. */
  'replica.lost': {
    about: 'nothing',
    shown: {
      service: 'text',
      replica_id: 'id',
      task_id: 'id',
      reason: 'text',
      ended: 'flag',
      retry_at: 'time?',
    },
  },
  'command.issued': {
    about: 'target',
    shown: { command_id: 'id', command: 'text', reason: 'text' },
    withheld: { by: 'issuer', grace_ms: 'count', parts: 'command parts' },
  },
  'command.acked': { about: 'target', shown: { command_id: 'id', command: 'text', error: 'error?' } },
  'command.stopped': { about: 'part of a target', shown: { command_id: 'id' } },
  'command.refused': { about: 'target', shown: { command_id: 'id', command: 'text', error: 'error?' } },
  'command.expired': { about: 'target', shown: { command_id: 'id', command: 'text', error: 'error?' } },

  // Private: they have a place in the order of facts, and no number.
  'task.requeued': { about: 'task', withheld: { queue_seq: 'count', queued_at: 'moment' } },
  'task.stopping': { about: 'task', withheld: { desired: 'task stop', reason: 'text' } },
  /** Of a value that conditions look at: which comparisons it makes true; nothing where it is a blob. */
  'task.compared': { about: 'task', withheld: { of: 'text', met: 'counts?' } },
  'task.abandoned': { about: 'task', withheld: { error: 'error' } },
  'module.succeeded': { about: 'module', withheld: { execution_id: 'id' } },
  'module.failed': {
    about: 'module',
    withheld: { error: 'error', node_id: 'id?', attempt: 'count?', item: 'count?' },
  },
  'module.stopped': { about: 'module', withheld: {} },
  /** A process died, unasked, while it ran the module. */
  'module.boot_died': { about: 'module', withheld: { boot_id: 'text', item: 'count?' } },
  /** The node itself has said that it has it. */
  'execution.confirmed': { about: 'nothing', withheld: { execution_id: 'id' } },
  /** Progress that is not shown, since there is too much of it. */
  'execution.progressed': {
    about: 'nothing',
    withheld: { execution_id: 'id', progress: 'number', message: 'text' },
  },
  'execution.line_left_out': { about: 'nothing', withheld: { execution_id: 'id' } },
  'node.described': {
    about: 'nothing',
    withheld: { node_id: 'id', version: 'text', capacity: 'count', labels: 'texts', last_seen_at: 'moment' },
  },
  /** A status that is not shown: it changes with every execution, or flickers. */
  'node.turned': { about: 'nothing', withheld: { node_id: 'id', status: 'status', error: 'error?' } },
  'node.desired': { about: 'nothing', withheld: { node_id: 'id', desired_status: 'desired status' } },
  'node.forgotten': { about: 'nothing', withheld: { node_id: 'id' } },
  'command.answered': {
    about: 'nothing',
    withheld: { command_id: 'id', node_id: 'id', execution_id: 'id?', error: 'error?' },
  },
  'blob.stored': {
    about: 'nothing',
    withheld: {
      sha256: 'text',
      size: 'count',
      lease_until: 'moment',
      /** Those whose people have uploaded it. */
      projects: 'ids?',
    },
  },
  'request.answered': {
    about: 'nothing',
    withheld: { key: 'text', hash: 'text', answer: 'json', expires_at: 'moment' },
  },
  /** It had ended before its graph declared these fields. */
  'iteration.indexed': {
    about: 'task',
    withheld: { problem_seq: 'count', index: 'index entries', summary: 'json' },
  },
  /** An index has everything that ended before it was declared, too. */
  'index.completed': { about: 'nothing', withheld: { graph: 'text', field: 'text', since: 'count' } },
  /** The wall clock has leapt: nothing is removed for its age. */
  'ages.doubted': { about: 'nothing', withheld: { expected_at: 'moment', leapt_to: 'moment' } },
  'ages.trusted': { about: 'nothing', withheld: {} },
  /** Parts of an iteration that is being removed are gone. */
  'iteration.thinned': {
    about: 'task',
    withheld: {
      problem_seq: 'count',
      index: 'index entries',
      event_pages: 'counts',
      payloads: 'payload names',
      blobs: 'blob uses',
      /** Keys by which its results were found. */
      results: 'ids?',
      /** Items that are done, and the executions that were made for such. */
      items: 'item names?',
      item_executions: 'ids?',
    },
  },
  /** After all its parts. */
  'iteration.removed': { about: 'task', withheld: {} },
  /** It is to go with all its iterations: from now on it is not found by its id. */
  'problem.hidden': {
    about: 'nothing',
    withheld: { problem_id: 'id', project: 'id?', problem_seq: 'count', marks: 'ids' },
  },
  /** After all its iterations. */
  'problem.removed': { about: 'nothing', withheld: { problem_seq: 'count' } },
  'events.removed': { about: 'nothing', withheld: { pages: 'counts' } },
  'blob.removed': { about: 'nothing', withheld: { sha256: 'text' } },
  /** `keys`: of these, the answers have not been replaced by later ones. */
  'answers.removed': { about: 'nothing', withheld: { expired: 'expiries', keys: 'ids' } },
  'commands.removed': { about: 'nothing', withheld: { command_ids: 'ids' } },
  'boots.removed': { about: 'nothing', withheld: { boot_ids: 'ids' } },
  /** Stored, or replaced by another value. */
  'secret.set': { about: 'nothing', withheld: { secret: 'text', sealed: 'text' } },
  /** The same value, sealed with another key. */
  'secret.resealed': { about: 'nothing', withheld: { secret: 'text', sealed: 'text' } },
  'secret.removed': { about: 'nothing', withheld: { secret: 'text' } },
  /** A key of connections or a join token, as it is from now on. */
  'key.kept': { about: 'nothing', withheld: { key_id: 'text', entry: 'key entry' } },
  'key.dropped': { about: 'nothing', withheld: { key_id: 'text' } },
  /** Modules without a ready node, as long as it is initializing. */
  'campaign.missing': { about: 'problem', withheld: { modules: 'words' } },
  /** A person has asked for an iteration. */
  'campaign.stepped': { about: 'problem', withheld: {} },
  /** Its proposer is asked what to try next. */
  'campaign.asked': { about: 'problem', withheld: { task_id: 'id' } },
  /** An iteration has begun. */
  'campaign.iterated': { about: 'task', withheld: { next_at: 'moment?' } },
  /** One has ended. `value`: of the objective. */
  'campaign.judged': { about: 'task', withheld: { state: 'task end', value: 'number?' } },
  /** No further one begins. */
  'campaign.closed': { about: 'problem', withheld: { why: 'campaign stop' } },
  /** `again`: it is to run again after that. */
  'replica.stopping': {
    about: 'nothing',
    withheld: { replica_id: 'id', as: 'replica end', reason: 'text', again: 'flag' },
  },
  /** The cluster that had its run has not taken it: it waits for another. */
  'replica.waiting': { about: 'nothing', withheld: { replica_id: 'id' } },
  /** It has lasted: its next end is the first in a row. */
  'replica.steady': { about: 'nothing', withheld: { replica_id: 'id' } },
  'replica.forgotten': { about: 'nothing', withheld: { replica_id: 'id' } },
  /** All of the webhook. Its address and its secret are in `sealed`. */
  'webhook.added': {
    about: 'nothing',
    withheld: {
      webhook: 'text',
      webhook_id: 'id',
      /** The one whose events it gets. @default all */
      project: 'id?',
      origin: 'text',
      sealed: 'text',
      signed: 'flag',
      filter: 'words?',
      problem: 'text?',
    },
  },
  /** All of it, as it is from now on. */
  'webhook.changed': {
    about: 'nothing',
    withheld: {
      webhook: 'text',
      origin: 'text',
      sealed: 'text',
      signed: 'flag',
      filter: 'words?',
      problem: 'text?',
    },
  },
  /** The event behind its cursor was posted; `cursor`: where it stands now. */
  'webhook.tried': {
    about: 'nothing',
    withheld: { webhook: 'text', cursor: 'count', status: 'text', delivered: 'flag' },
  },
  /** Events up to `cursor` are not for it; `missed`: so many of them were removed before that was known. */
  'webhook.passed': { about: 'nothing', withheld: { webhook: 'text', cursor: 'count', missed: 'count?' } },
  'webhook.removed': { about: 'nothing', withheld: { webhook: 'text' } },
  /** `hash`: of the token, which is nowhere. */
  'access.granted': {
    about: 'nothing',
    withheld: {
      access_id: 'id',
      name: 'text',
      role: 'role',
      /** The one that it is bound to, or `*`. @default default */
      project: 'text?',
      hash: 'text',
      expires_at: 'moment?',
    },
  },
  'access.revoked': { about: 'nothing', withheld: { access_id: 'id' } },
  /** An entry of the audit, whole. Refusals that are alike share one: it is noted again with their number. */
  'audit.noted': {
    about: 'nothing',
    withheld: {
      audit_id: 'count',
      /** When the first of them was. @default it is the first */
      first_at: 'moment?',
      times: 'count',
      by: 'text?',
      access_id: 'id?',
      address: 'text?',
      project: 'text?',
      action: 'text',
      operation: 'text',
      target: 'target?',
      result: 'audit result',
      code: 'text?',
      message: 'text?',
    },
  },
} as const;

type Facts = typeof FACTS;
type Subjects = typeof SUBJECTS;
type Words = Readonly<Record<string, string>>;
type Flat<T> = { [K in keyof T]: T[K] };

type FieldsOf<W extends Words> = {
  readonly [K in keyof W as W[K] extends `${string}?` ? never : K]: FieldTypes[W[K] & keyof FieldTypes];
} & {
  readonly [K in keyof W as W[K] extends `${string}?` ? K : never]?: W[K] extends `${infer Word}?`
    ? FieldTypes[Word & keyof FieldTypes]
    : never;
};

type PartOf<T extends keyof Facts, P extends string> = Facts[T] extends {
  readonly [K in P]: infer W extends Words;
}
  ? FieldsOf<W>
  : unknown;

type ShownOf<T extends keyof Facts> = { readonly type: T } & FieldsOf<Subjects[Facts[T]['about']]> &
  PartOf<T, 'shown'>;

type Public = { [T in keyof Facts]: Facts[T] extends { readonly shown: Words } ? T : never }[keyof Facts];

/** A public kind of fact: the type of an event. */
export type EventType = Public;

/** F2. A fact of one kind, with all its fields. */
export type FactOf<T extends keyof Facts> = Flat<ShownOf<T> & PartOf<T, 'withheld'>>;

export type Fact = { [T in keyof Facts]: FactOf<T> }[keyof Facts];
/** The end of a task. */
export type TaskEndFact = { [E in TaskEnd]: FactOf<`iteration.${E}`> }[TaskEnd];
/** The end of an execution. */
export type ExecutionEndFact = { [E in ExecutionEnd]: FactOf<`execution.${E}`> }[ExecutionEnd];
export type PublicFact = { [T in Public]: FactOf<T> }[Public];

/** A public fact with what it shows only. */
export type ShownFact = { [T in Public]: Flat<ShownOf<T>> }[Public];

/** A public fact as viewers get it; `at` is RFC 3339 in UTC. */
export type FactEvent = {
  [T in Public]: Flat<{ readonly seq: number; readonly at: string } & ShownOf<T>>;
}[Public];

/** Facts that by themselves are not worth a commit: they become durable with the next one that is. */
export const LAZY: ReadonlySet<Fact['type']> = new Set<Fact['type']>([
  'execution.progressed',
  'execution.line_left_out',
  'node.turned',
]);

/** The words of the fields that are shown. */
export type ShownWord = {
  [T in Public]: WordsOf<Facts[T]['shown']> | WordsOf<Subjects[Facts[T]['about']]>;
}[Public];
type WordsOf<W extends Words> = { [K in keyof W]: W[K] extends `${infer Word}?` ? Word : W[K] }[keyof W];

/** Every type of event. The list is the history, the stream and the replay at once. */
export const EVENT_TYPES: readonly EventType[] = (Object.keys(FACTS) as (keyof Facts)[]).filter(
  (type): type is EventType => 'shown' in FACTS[type],
);

/** F1. */
export function isPublic(fact: Fact): fact is PublicFact {
  return SHOWN_FIELDS.has(fact.type);
}

/** The subject of a fact, as far as the fact names it. */
export interface Subject {
  readonly type: string;
  readonly problem_id?: string;
  readonly project?: string;
  readonly iteration_id?: number;
  readonly module?: string;
  readonly pass?: number;
  readonly item?: number;
  readonly execution_id?: string;
  readonly attempt?: number;
  readonly node_id?: string;
}

/** The task that a fact is about. */
export function taskIdOf({ problem_id, iteration_id }: Subject): TaskId | undefined {
  return problem_id === undefined || iteration_id === undefined
    ? undefined
    : { problemId: problem_id, iterationId: iteration_id };
}

/** A public fact with its number and its time, encoded once for log, event socket and viewers. */
export interface EncodedEvent {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly fact: PublicFact;
  /** The event as one JSON object without line breaks. */
  readonly json: string;
}

/** The fields that a public fact shows beyond those that say what it is about. */
export function ownFieldsOf(type: EventType): readonly ShownField[] {
  return OWN_FIELDS.get(type)!;
}

/** The fields that a public fact shows, with their words: those that say what it is about come first. */
export function shownFieldsOf(type: EventType): readonly ShownField[] {
  return SHOWN_FIELDS.get(type)!;
}

export interface ShownField {
  readonly name: string;
  readonly word: ShownWord;
  readonly isOptional: boolean;
}

const SHOWN_FIELDS: ReadonlyMap<string, readonly ShownField[]> = new Map(
  EVENT_TYPES.map((type) => {
    const { about, shown } = FACTS[type];
    return [type, [...fieldsIn(SUBJECTS[about]), ...fieldsIn(shown)]];
  }),
);

const OWN_FIELDS: ReadonlyMap<string, readonly ShownField[]> = new Map(
  EVENT_TYPES.map((type) => [type, fieldsIn(FACTS[type].shown)]),
);

function fieldsIn(words: Readonly<Record<string, ShownWord | `${ShownWord}?`>>): ShownField[] {
  return Object.entries(words).map(([name, word]) => ({
    name,
    word: word.replace(/\?$/, '') as ShownWord,
    isOptional: word.endsWith('?'),
  }));
}
