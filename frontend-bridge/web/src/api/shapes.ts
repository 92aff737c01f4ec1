/**
 * The public JSON that this page reads: `/v1` answers and stream events, as the wire has them (`snake_case`, times as RFC 3339
 * UTC strings). State words are the model's own, so that none can drift.
 */

import type { ApprovalSpec } from '../../../../src/model/approval.js';
import type { AgentKind, AgentState, ClusterStatus, ClusterType } from '../../../../src/model/cluster.js';
import type { ObservedState } from '../../../../src/model/execution.js';
import type { EventType, Subject } from '../../../../src/model/facts.js';
import type { JobState } from '../../../../src/model/job.js';
import type { LoopEnd } from '../../../../src/model/loop.js';
import type { DesiredStatus, Liveness, NodeStatus } from '../../../../src/model/node.js';
import type { LogLevel } from '../../../../src/model/protocol.js';
import type { CommandFields } from '../../../../src/model/run.js';
import type { ReplicaState, ServiceDesire, ServiceType } from '../../../../src/model/service.js';
import type { TaskState } from '../../../../src/model/task-state.js';
import type { Standing, Waiting } from '../../../../src/model/waiting.js';

export type {
  ClusterStatus,
  CommandFields,
  DesiredStatus,
  EventType,
  JobState,
  Liveness,
  LogLevel,
  LoopEnd,
  NodeStatus,
  ObservedState,
  ReplicaState,
  TaskState,
};

/** The observed state of a module's newest execution, or why it has none. */
export type ModuleState = ObservedState | 'waiting' | 'skipped' | 'reused';

export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly retryable?: boolean;
  /** Of a task: the module that failed. */
  readonly module?: string;
  /** Where it was raised and what caused it. */
  readonly stack?: string;
}

export interface FaultJson {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface PageJson<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/** An execution that a node works on. */
export interface RunningJson {
  readonly execution_id: string;
  readonly task_id: string;
  readonly module: string;
  /** When it was assigned. */
  readonly since?: string;
}

export interface NodeJson {
  readonly node_id: string;
  readonly module: string;
  readonly instance: string;
  readonly incarnation: number;
  readonly status: NodeStatus;
  readonly desired_status: DesiredStatus;
  readonly liveness: Liveness;
  readonly capacity: number;
  readonly running: readonly RunningJson[];
  readonly labels: Readonly<Record<string, string>>;
  /** As its last heartbeat said: cores in use, resident memory. */
  readonly load?: { readonly cpu: number; readonly memory_bytes: number } | null;
  readonly version: string;
  readonly last_seen_at: string | null;
  readonly error: ErrorJson | null;
  /** A condition that needs attention. */
  readonly warning?: { readonly code: string; readonly message: string; readonly hint?: string } | null;
}

/** Of a task that is not over, by module: those at work, and those that wait for something from outside of the task. */
export type StandingsJson = Readonly<Record<string, Standing>>;

export interface ProblemJson {
  readonly problem_id: string;
  readonly title: string | null;
  readonly graph: string;
  /** Its newest iteration's. */
  readonly state: TaskState;
  readonly standing?: StandingsJson;
  readonly created_at: string;
  readonly newest_iteration_id: number;
  readonly tags: readonly string[];
  readonly starred: boolean;
  readonly archived: boolean;
}

/** A problem by itself. */
export interface WholeProblemJson extends ProblemJson {
  /** `default`: of all that is bound to no other. */
  readonly project: string;
  /** Markdown. */
  readonly notes: string;
  /** What a change may be made to, and to nothing later. */
  readonly revision: number;
}

/** What people say about a problem, as far as it is to be another. */
export interface ProblemChangeJson {
  readonly title?: string;
  readonly tags?: readonly string[];
  readonly notes?: string;
  readonly starred?: boolean;
  readonly archived?: boolean;
}

export interface IterationJson {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly state: TaskState;
  readonly standing?: StandingsJson;
  readonly parent_iteration_id: number | null;
  /** Modules whose outputs were taken over: nothing ran for them. */
  readonly reused: readonly string[];
  /** By module, the inputs that are not what the graph would give it. */
  readonly overridden: Readonly<Record<string, readonly string[]>>;
  readonly created_at: string;
  readonly finished_at?: string | null;
}

export interface ModuleJson {
  readonly state: ModuleState;
  /** Of a module with several outputs: `output` is an object of them. */
  readonly output_names?: readonly string[];
  /** Executions that failed or succeeded. */
  readonly attempts: number;
  /** Of a module in a loop. */
  readonly pass: number | null;
  /** Of the last module of a loop that has ended, why. */
  readonly loop_end: LoopEnd | null;
  readonly execution_id: string | null;
  readonly node_id: string | null;
  /** Why it waits, or why it was skipped. */
  readonly waiting_reason: string | null;
  readonly waiting: Waiting | null;
  /** 0–1. */
  readonly progress: number | null;
  /** What it said with its progress. */
  readonly progress_message: string | null;
  /** Whose output stands for its own. */
  readonly reused_from: { readonly iteration_id: number; readonly execution_id: string } | null;
  /** Of a module with `cache`, whose output it has taken. */
  readonly cached_from: {
    readonly problem_id: string;
    readonly iteration_id: number;
    readonly execution_id: string;
  } | null;
  /** Inputs that are not what the graph would give it. */
  readonly overridden: readonly string[];
  readonly retry_at: string | null;
  readonly output: unknown;
  readonly error: ErrorJson | null;
  /** Of a run module, once its agent has told something of it. */
  readonly command?: CommandFields | null;
  readonly assigned_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

export interface TaskJson extends IterationJson {
  readonly graph: string;
  readonly graph_version: number;
  readonly input: unknown;
  /** By module and input, the values of what is overridden. */
  readonly overrides: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Why it failed. */
  readonly error: ErrorJson | null;
  /** What the person who stopped it gave as a reason. */
  readonly reason: string | null;
  readonly modules: Readonly<Record<string, ModuleJson>>;
}

/** The work of a run module as its graph declares it. */
export interface RunJson {
  readonly command?: readonly string[];
  readonly script?: string;
  readonly args?: readonly string[];
}

export interface GraphModuleJson {
  readonly inputs: readonly string[];
  readonly previous?: readonly string[];
  /** Null where it has `outputs`. */
  readonly output: string | null;
  /** JSON Schema of the output, with the comments of its type. */
  readonly schema?: unknown;
  /** Several outputs by their names. */
  readonly outputs?: Readonly<Record<string, { readonly type: string; readonly schema?: unknown }>>;
  readonly retry?: { readonly attempts?: number };
  /** Labels that its node has to have. */
  readonly require?: Readonly<Record<string, string>>;
  readonly timeout_ms?: number | null;
  /** Its work is a command. */
  readonly run?: RunJson | null;
  readonly on_error?: 'fail' | 'ignore';
  /** It runs only where this holds. */
  readonly when?: string;
  /** It does no work: a person decides. */
  readonly approve?: ApprovalSpec;
  /** It takes the output of an execution that was given the same. */
  readonly cache?: true;
}

/** Modules that run again until a condition holds. */
export interface LoopJson {
  readonly from: string;
  readonly to: string;
  readonly until: string;
  /** Passes in all. */
  readonly max: number;
  readonly on_max: 'fail' | 'continue';
  /** All of it, in playing order. */
  readonly modules: readonly string[];
}

export interface GraphJson {
  readonly name: string;
  readonly version: number;
  readonly source: {
    readonly name: string;
    readonly type: string;
    /** JSON Schema, draft 2020-12, of the type's JSON mapping. */
    readonly schema?: Readonly<Record<string, unknown>>;
  };
  readonly modules: Readonly<Record<string, GraphModuleJson>>;
  /** Fields of outputs that are kept in an index: `MODULE.FIELD`. */
  readonly index?: readonly string[];
  readonly loops?: readonly LoopJson[];
  readonly yaml?: string;
  readonly created_at?: string;
}

/** An input that shows what the graph is for. */
export interface SampleJson {
  readonly name: string;
  readonly title: string;
  readonly input: unknown;
}

export interface GraphSummaryJson {
  readonly name: string;
  readonly version: number;
}

/** One fact of the stream. What an event of a type carries beyond the common fields is read by the reducer, field by field. */
export interface EventJson extends Subject {
  readonly seq: number;
  readonly at: string;
  readonly type: EventType;
  readonly [field: string]: unknown;
}

/** Where a module of a task stands among those that wait for a slot of its nodes. */
export interface QueuePlaceJson {
  readonly module: string;
  /** Those that get a slot before it. */
  readonly ahead: number;
}

/** A module of the newest graphs: the nodes that take work for it, and its queue. */
export interface QueueJson {
  readonly module: string;
  readonly graphs: readonly string[];
  readonly nodes: number;
  readonly slots: number;
  readonly taken: number;
  readonly waiting: number;
}

export interface ActivityMinuteJson {
  readonly at: string;
  readonly submitted: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly aborted: number;
}

export interface ActivityJson {
  /** From here on everything is counted. */
  readonly since: string;
  readonly minutes: readonly ActivityMinuteJson[];
}

export interface ResourcesJson {
  readonly cpus?: number | null;
  /** Bytes. */
  readonly memory?: number | null;
  readonly gpus?: number | null;
}

/** A place where commands run. */
export interface ClusterJson {
  readonly name: string;
  readonly type: ClusterType;
  readonly status: ClusterStatus;
  readonly host?: string | null;
  readonly user?: string | null;
  readonly workdir?: string | null;
  readonly slots: number;
  readonly resources?: ResourcesJson | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly agent: AgentKind;
  readonly agent_state: AgentState;
  /** What keeps its agent from working. */
  readonly agent_error?: ErrorJson | null;
  readonly running: number;
}

/** Something that is kept running, as far as the page shows it. */
export interface ServiceJson {
  readonly name: string;
  readonly type: ServiceType;
  /** `null`: as many as there are clusters that fit. */
  readonly count: number | null;
  /** That its replicas play as nodes. */
  readonly module: string | null;
  readonly desired: ServiceDesire;
  readonly generation: number;
  readonly health: 'ok' | 'degraded';
  readonly reasons: readonly string[];
  readonly replicas: readonly ReplicaJson[];
}

export interface ReplicaJson {
  readonly replica_id: string;
  readonly cluster: string | null;
  readonly desired: 'running' | 'stopped';
  readonly observed: ReplicaState;
  readonly node_id: string | null;
  readonly restarts: number;
  readonly reason: string | null;
  /** Its newest run. */
  readonly task_id: string;
  readonly since: string;
  readonly retry_at: string | null;
}

/** A cluster as one more replica would find it. */
export interface PlacementJson {
  readonly cluster: string;
  /** The free share of its slots; `null` where it is ruled out. */
  readonly score: number | null;
  readonly reason: string | null;
}

/** A module that waits for a person. */
export interface ApprovalJson {
  readonly task_id: string;
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly module: string;
  readonly graph: string;
  readonly title: string;
  readonly role: ApprovalSpec['role'];
  readonly message: string;
  readonly requested_at: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Inputs that are too large for the list. */
  readonly left_out: readonly string[];
}

/** One run of a script. */
export interface JobJson {
  readonly job_id: string;
  readonly task_id: string;
  readonly name: string;
  readonly cluster: string | null;
  readonly job_type: string | null;
  readonly state: JobState;
  readonly exit_code: number | null;
  readonly engine_id: string | null;
  readonly submitted_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly error: ErrorJson | null;
}

/** A failed problem with the error of its newest iteration. */
export interface FailureJson extends ProblemJson {
  readonly finished_at: string | null;
  readonly fields: {
    readonly 'error.message'?: string | null;
    readonly 'error.module'?: string | null;
  };
}

export interface ExecutionJson {
  readonly execution_id: string;
  readonly module: string;
  readonly attempt: number;
  readonly node_id: string;
  readonly state: ObservedState;
  readonly assigned_at: string;
  readonly started_at: string | null;
  readonly accepted_at: string | null;
  readonly finished_at: string | null;
  readonly error: ErrorJson | null;
}
