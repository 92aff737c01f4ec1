/**
 * The interface of the orchestrator for HTTP, WebSocket and CLI: the only entry for requests, the committed past
 * for questions, and the stream of what is committed next.
 *
 * Everything that is answered here has the shape of the public JSON: `snake_case`, times as RFC 3339 UTC strings.
 */
import type { Readable } from 'node:stream';
import type { Fault } from '../base/errors.js';
import type { JsonText } from '../base/json/json-text.js';
import type { Open } from '../contract/answer.js';
import type { CampaignJson, ListedCampaignJson } from '../contract/campaign.js';
import type { ClusterJson } from '../contract/cluster.js';
import type {
  DeploymentChangesJson,
  DeploymentJson,
  ListedDeploymentJson,
  OperationJson,
} from '../contract/deployment.js';
import type { GraphAnswerJson, GraphSummaryJson } from '../contract/graph.js';
import type {
  ApprovalJson,
  ExecutionJson,
  ItemAnswerJson,
  ItemJson,
  ItemStatesJson,
  TaskAnswerJson,
} from '../contract/iteration.js';
import type { JobIterationJson } from '../contract/job.js';
import type { NodeJson } from '../contract/node.js';
import type { WholeProblemJson } from '../contract/problem.js';
import type { PlacementJson, ServiceJson } from '../contract/service.js';
import type { Action, Role } from '../model/access.js';
import type { ApprovalRole, Decision } from '../model/approval.js';
import type { Asker, AuditResult, Deed } from '../model/audit.js';
import type { CampaignCommand, CampaignMode, Goal } from '../model/campaign.js';
import type { Cluster, ClusterStatus } from '../model/cluster.js';
import type { ModuleState } from '../model/execution.js';
import type { JobState } from '../model/job.js';
import type { BlobRef } from '../model/payload.js';
import type { Resources } from '../model/run.js';
import type { ServiceSpec } from '../model/service.js';
import type { TaskId } from '../model/task-id.js';
import type { TaskState } from '../model/task-state.js';
import type { GrantBook } from './access/grants.js';
import type { NodeKeys } from './access/node-keys.js';
import type { Sessions } from './access/sessions.js';

export type Request =
  | ({
      readonly kind: 'submit';
      readonly graph: string;
      /** The source's value, in the JSON mapping of its type. */
      readonly input: unknown;
      /** 0–100, higher first. @default 50 */
      readonly priority?: number;
      /** The program that asks, by a name that it finds its own iterations by (`client` of an iteration). @default none */
      readonly client?: string;
      /** By module, labels that nodes (of a run module: clusters) must have for this task, beside those of the graph. @default none */
      readonly require?: Readonly<Record<string, Readonly<Record<string, string>>>>;
      /** By run module, what one execution takes in this task. @default as the graph says */
      readonly resources?: Readonly<Record<string, Resources>>;
      /** The trace that the request belongs to: valid W3C Trace Context, not looked at when a request is repeated. @default none */
      readonly traceparent?: string;
    } & ProblemChange)
  /** A task of the built-in graph of jobs, which is stored with the first of them. */
  | {
      readonly kind: 'submit_job';
      readonly name: string;
      /** The script itself. */
      readonly script: string;
      readonly args?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly jobType?: string;
      /** @default whichever is the best */
      readonly cluster?: string;
      readonly resources?: Resources;
      /** Labels that the cluster must have. */
      readonly require?: Readonly<Record<string, string>>;
      /** As of a submission. */
      readonly traceparent?: string;
    }
  | {
      readonly kind: 'iterate';
      readonly problemId: string;
      /** @default the newest succeeded iteration, none if there is none */
      readonly parentIterationId?: number;
      /** @default the parent's */
      readonly input?: unknown;
      /**
       * Modules whose outputs in the parent are taken over as they are: nothing runs for them. With it (also an empty one) the parent may
       * have ended in any way, as long as these have an output there. @default none, and the parent has succeeded
       */
      readonly reuse?: readonly string[];
      /** By module and input, a value that this module alone gets instead of what the graph would give it. @default none */
      readonly overrides?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
      /** As of a submission. */
      readonly require?: Readonly<Record<string, Readonly<Record<string, string>>>>;
      readonly resources?: Readonly<Record<string, Resources>>;
      readonly client?: string;
      readonly traceparent?: string;
    }
  | {
      readonly kind: 'change_problem';
      readonly problemId: string;
      readonly change: ProblemChange;
      /** The one that the change was made to. @default whichever is the newest */
      readonly revision?: number;
    }
  | {
      readonly kind: 'task_command';
      readonly taskId: TaskId;
      readonly command: 'stop' | 'reset' | 'preempt' | 'terminate';
      readonly module?: string;
      readonly reason?: string;
      /** Of the person who asks. @default they may command any task */
      readonly role?: Role;
    }
  | {
      readonly kind: 'decide_approval';
      readonly taskId: TaskId;
      readonly module: string;
      readonly decision: Decision;
      readonly reason?: string;
      /** Of the person who decides. */
      readonly role: Role;
      /** Their name. @default nobody has one */
      readonly by?: string;
    }
  | {
      readonly kind: 'node_command';
      readonly nodeId: string;
      readonly command: 'start' | 'stop' | 'reset' | 'terminate';
      readonly reason?: string;
    }
  | {
      readonly kind: 'configure';
      readonly nodeId: string;
      readonly configuration: string;
      /** @default 10000 */
      readonly timeoutMs?: number;
    }
  /** Only one that is dead and has no work. */
  | { readonly kind: 'remove_node'; readonly nodeId: string }
  | { readonly kind: 'add_cluster'; readonly cluster: NewCluster }
  /** It is added, or changed where there is another of its name. */
  | {
      readonly kind: 'declare_cluster';
      readonly cluster: Omit<NewCluster, 'status'>;
      /** @default as it is; of a new one `active` */
      readonly status?: ClusterStatus;
    }
  | {
      readonly kind: 'change_cluster';
      readonly name: string;
      readonly status?: ClusterStatus;
      readonly slots?: number;
      readonly labels?: Readonly<Record<string, string>>;
    }
  /** Only one on which nothing runs. */
  | { readonly kind: 'remove_cluster'; readonly name: string }
  /** Stored, or replaced. `value`: at most `MAX_SECRET_BYTES` in UTF-8. */
  | { readonly kind: 'set_secret'; readonly name: string; readonly value: string }
  | { readonly kind: 'remove_secret'; readonly name: string }
  /** A new deployment, and its first operation. */
  | {
      readonly kind: 'deploy';
      /** @default that of the blueprint */
      readonly name?: string;
      /** YAML; or else `csar`. */
      readonly blueprint?: string;
      /** The SHA-256 of a stored blob. */
      readonly csar?: string;
      readonly inputs: Readonly<Record<string, unknown>>;
      /** By path beside the blueprint, the SHA-256 of a stored blob: of each file that it names. A CSAR has its own. */
      readonly files: Readonly<Record<string, string>>;
      /** As of a submission. */
      readonly traceparent?: string;
    }
  | {
      readonly kind: 'operate_deployment';
      /** Its id, or its name: of several, that of the newest. */
      readonly deploymentId: string;
      readonly operation: 'continue' | 'undeploy';
      /** To continue: from the beginning, whatever has been done. @default false */
      readonly clean?: boolean;
      readonly traceparent?: string;
    }
  /** Another blueprint for a deployment: what has changed is replaced. */
  | ({
      readonly kind: 'update_deployment';
      readonly deploymentId: string;
      readonly traceparent?: string;
    } & AskedUpdate)
  /** Stops its newest operation. */
  | { readonly kind: 'cancel_deployment'; readonly deploymentId: string }
  | ({ readonly kind: 'run_campaign'; readonly name: string } & AskedCampaign)
  | {
      readonly kind: 'command_campaign';
      readonly campaignId: string;
      readonly command: CampaignCommand;
    }
  /** Stored, or changed. `files`: by path beside the service file, the SHA-256 of a stored blob. */
  | {
      readonly kind: 'apply_service';
      readonly spec: ServiceSpec;
      readonly files: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'command_service';
      readonly name: string;
      readonly command: 'scale' | 'restart' | 'stop' | 'start';
      /** To scale. */
      readonly count?: number;
    }
  /** Its replicas are stopped first. */
  | { readonly kind: 'remove_service'; readonly name: string }
  | { readonly kind: 'add_webhook'; readonly webhook: NewWebhook }
  /** It is added, or changed where there is another of its name. */
  | { readonly kind: 'declare_webhook'; readonly webhook: NewWebhook }
  | { readonly kind: 'remove_webhook'; readonly name: string }
  /** One delivery of an event that says that it is a test; the answer says how it went. */
  | { readonly kind: 'test_webhook'; readonly name: string }
  /** The answer has the token, which nothing else ever shows. */
  | { readonly kind: 'grant_access'; readonly grant: NewGrant }
  | { readonly kind: 'revoke_access'; readonly id: string }
  | {
      readonly kind: 'put_graph';
      /** @default as the graph says */
      readonly name?: string;
      readonly yaml: string;
      /** By path beside the graph file, the SHA-256 of a stored blob: of each file that its run modules name. @default none */
      readonly files?: Readonly<Record<string, string>>;
    };

/** A campaign, in the words of its file. */
export interface AskedCampaign {
  readonly graph: string;
  /** What the points are put into; without points, the input of all its iterations. */
  readonly input: unknown;
  readonly policy: AskedPolicy;
  readonly schedule?: AskedSchedule;
  /** Of all its iterations: see `submit`. */
  readonly client?: string;
  /** The name or the id of one, or one that is brought up first and taken down at the end. */
  readonly deployment?: string | AskedDeployment;
  /** Of the person who asks. @default they may bring up deployments */
  readonly role?: Role;
}

export interface AskedDeployment {
  /** YAML; or else `csar`. */
  readonly blueprint?: string;
  /** The SHA-256 of a stored blob. */
  readonly csar?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** As of a deployment. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface AskedSchedule {
  readonly cron: string;
  /** By its IANA name. @default UTC */
  readonly time_zone?: string;
}

export interface AskedPolicy {
  readonly mode: CampaignMode;
  readonly propose: {
    readonly repeat?: true;
    /** By JSON pointer into the input, the values to try. */
    readonly grid?: Readonly<Record<string, readonly unknown[]>>;
    readonly random?: Readonly<
      Record<
        string,
        | readonly unknown[]
        | { readonly min: number; readonly max: number; readonly log?: boolean; readonly integer?: boolean }
      >
    >;
    /** Of `random`. @default 0 */
    readonly seed?: number;
    /** `<graph>.<module>` */
    readonly module?: string;
  };
  readonly until?: string;
  /** @default of a grid, the number of its points */
  readonly max_iterations?: number;
  /** @default 1 */
  readonly max_parallel?: number;
  /** A duration, or a time in RFC 3339. @default none */
  readonly deadline?: string;
  /** @default 5m */
  readonly initializing_deadline?: string;
  readonly objective?: {
    readonly field: string;
    readonly goal: Goal;
    readonly min_improvement?: number;
  };
  /** @default false */
  readonly stop_on_failure?: boolean;
}

/** What a deployment is to become. */
export interface AskedUpdate {
  /** YAML; or else `csar`. */
  readonly blueprint?: string;
  /** The SHA-256 of a stored blob. */
  readonly csar?: string;
  /** Inputs that are not given keep their values; inputs that had the default value get the new default. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** By path beside the blueprint, the SHA-256 of a blob: of each file that it names. */
  readonly files: Readonly<Record<string, string>>;
}

/** The action of each, in the table of rights. */
export const ACTION_OF: Readonly<Record<Request['kind'], Action>> = {
  submit: 'submit',
  submit_job: 'run_job',
  iterate: 'submit',
  change_problem: 'change_problem',
  task_command: 'command_task',
  decide_approval: 'decide_approval',
  node_command: 'control_node',
  configure: 'control_node',
  remove_node: 'control_node',
  add_cluster: 'manage_cluster',
  declare_cluster: 'manage_cluster',
  change_cluster: 'manage_cluster',
  remove_cluster: 'manage_cluster',
  set_secret: 'manage_secret',
  remove_secret: 'manage_secret',
  add_webhook: 'manage_webhook',
  declare_webhook: 'manage_webhook',
  remove_webhook: 'manage_webhook',
  test_webhook: 'manage_webhook',
  grant_access: 'manage_access',
  revoke_access: 'manage_access',
  deploy: 'manage_deployment',
  operate_deployment: 'manage_deployment',
  update_deployment: 'manage_deployment',
  cancel_deployment: 'manage_deployment',
  run_campaign: 'run_campaign',
  command_campaign: 'run_campaign',
  apply_service: 'manage_service',
  command_service: 'manage_service',
  remove_service: 'manage_service',
  put_graph: 'store_graph',
};

/** The descriptive fields of a problem that are set. `null` resets a field. */
export interface ProblemChange {
  readonly title?: string | null;
  /** All of them: they take the place of those that it had. */
  readonly tags?: readonly string[] | null;
  /** Markdown. */
  readonly notes?: string | null;
  readonly starred?: boolean | null;
  readonly archived?: boolean | null;
}

export interface NewWebhook {
  readonly name: string;
  readonly url: string;
  /** Types of events. @default all */
  readonly filter?: readonly string[];
  /** A filter over problems. @default all events */
  readonly problem?: string;
  /** The key that signs deliveries. @default deliveries are not signed */
  readonly secret?: string;
}

export interface NewGrant {
  /** Of the person or program that gets the token. */
  readonly name: string;
  readonly role: Role;
  /** The one that it is bound to; `ALL_PROJECTS`: none. @default default */
  readonly project?: string;
  /** @default it does not expire */
  readonly expiresInMs?: number;
}

export type NewCluster = Omit<Cluster, 'createdAt'>;

/** Why a request was not done: what a caller can do about it differs by kind. */
export type RefusalKind =
  /** 400 */
  | 'malformed'
  /** 403 */
  | 'forbidden'
  /** 404 */
  | 'not_found'
  /** 409 */
  | 'conflict'
  /** 412 */
  | 'outdated'
  /** 413 */
  | 'too_large'
  /** 422 */
  | 'invalid'
  /** 429 */
  | 'too_many'
  /** 500 */
  | 'internal'
  /** 503 */
  | 'unavailable'
  /** 504 */
  | 'timeout';

export interface Refusal {
  readonly ok: false;
  readonly kind: RefusalKind;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details?: readonly Fault[];
  /** With `too_many` and `unavailable`: seconds. */
  readonly retryAfter?: number;
}

export type Answer =
  | {
      readonly ok: true;
      /** 201, 202 or 200. */
      readonly kind: 'created' | 'accepted' | 'done';
      readonly body: Readonly<Record<string, unknown>>;
    }
  | Refusal;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
  /** How it was found, where a filter, an order or fields were asked for. */
  readonly query?: QueryReport;
}

export interface QueryReport {
  /** Whether an index led to what was found; otherwise everything was looked at, one by one. */
  readonly indexed: boolean;
  /** The field whose index was used. */
  readonly index?: string;
  /** How many were looked at. */
  readonly scanned: number;
  /** False when the time was over before the page was full: `next_cursor` goes on from there. */
  readonly complete: boolean;
  readonly elapsed_ms: number;
  readonly hint?: string;
}

export interface SearchQuery {
  /** `carbon_footprint.carbon_footprint < 0.2 and state = "succeeded" or title ~ "steel"` */
  readonly filter?: string;
  /** `FIELD`, `-FIELD` or `FIELD desc`; those without the field are left out. @default the order of the list */
  readonly order_by?: string;
  /** Names, with commas between them: each item gets them as `fields`. @default none */
  readonly fields?: string;
}

export interface PageRequest {
  /** 1–1000. @default 50 */
  readonly limit?: number;
  /** From an earlier page's `next_cursor`; another string is refused with `bad_cursor`. */
  readonly cursor?: string;
}

export interface ApprovalsWanted extends PageRequest {
  /** Only those that ask this role. */
  readonly role?: ApprovalRole | undefined;
}

export interface ItemsWanted extends PageRequest {
  /** Only items in this state. */
  readonly state?: ModuleState | undefined;
  /** Only items from this number on. */
  readonly from?: number | undefined;
}

export interface ProblemFilter extends SearchQuery {
  readonly graph?: string;
  readonly state?: TaskState;
  readonly starred?: boolean;
  /** @default both */
  readonly archived?: boolean;
  readonly tag?: string;
  /** A part of the title, a tag, the notes or the newest input's text, without regard to case. */
  readonly q?: string;
  /** RFC 3339. */
  readonly created_after?: string;
  readonly created_before?: string;
}

/** Entries of the audit that fit all of it. */
export interface AuditFilter {
  readonly by?: string;
  readonly address?: string;
  readonly action?: string;
  readonly result?: AuditResult;
  readonly project?: string;
  /** RFC 3339. */
  readonly after?: string;
  readonly before?: string;
}

/** JSON objects as the contract lists them. */
export type View = Readonly<Record<string, unknown>>;

/** The result of a query, and the event `seq` that it reflects. */
export interface Found<T> {
  readonly cursor: number;
  readonly value: T;
}

/** The same as JSON in UTF-8: a caller that only passes it on never reads its value. */
export interface FoundJson<T> extends Found<T> {
  readonly json: Uint8Array;
}

/** The format of an export; `spreadsheet`: no cell of a CSV is a formula, and Excel detects its encoding. */
export type ExportFormat = 'jsonl' | 'csv' | 'csv for spreadsheets';

/** Reads of what is committed. Each resolves to a `Refusal` (`not_found`, `malformed`) instead of throwing. */
/** Which of the jobs. */
export interface JobsWanted {
  /** @default any */
  readonly state?: JobState;
}

export interface Queries {
  /** The same questions, none of which is worked on any longer once the signal aborts: they are refused with `cancelled`. */
  until(signal: AbortSignal): Queries;
  problems(filter: ProblemFilter, page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  problem(problemId: string): Promise<FoundJson<Open<WholeProblemJson>> | Refusal>;
  /** By its `created_seq`, a number that no other problem ever has. */
  problemCreatedAt(createdSeq: number): Promise<FoundJson<Open<WholeProblemJson>> | Refusal>;
  /** Every tag that some problem has, in order. */
  tags(page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  /** Each with what its newest iteration says of it, newest first. */
  jobs(wanted: JobsWanted, page: PageRequest): Promise<FoundJson<Page<JobIterationJson>> | Refusal>;
  /** By their number, unless the query says otherwise. */
  iterations(
    problemId: string,
    page: PageRequest,
    query?: SearchQuery,
  ): Promise<FoundJson<Page<View>> | Refusal>;
  /** Iterations of all problems: those of the newest problem first, and of each the newest first. */
  searchIterations(query: SearchQuery, page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  iteration(task: TaskId): Promise<FoundJson<Open<TaskAnswerJson>> | Refusal>;
  /** An output of a module's newest succeeded execution, by its reference; all named ones of a module, by its name, as one JSON object. */
  output(task: TaskId, reference: string): Promise<Found<StoredOutput> | Refusal>;
  /** Modules that wait for a decision, those of the oldest problem first, each with its inputs. */
  approvals(wanted: ApprovalsWanted): Promise<FoundJson<Page<Open<ApprovalJson>>> | Refusal>;
  /** The items of a module with `map`, in their order. */
  items(
    task: TaskId,
    module: string,
    wanted: ItemsWanted,
  ): Promise<FoundJson<Page<Open<ItemJson>>> | Refusal>;
  /** How all of them stand. */
  itemStates(task: TaskId, module: string): Promise<FoundJson<Open<ItemStatesJson>> | Refusal>;
  item(task: TaskId, module: string, item: number): Promise<FoundJson<Open<ItemAnswerJson>> | Refusal>;
  executions(task: TaskId, page: PageRequest): Promise<FoundJson<Page<Open<ExecutionJson>>> | Refusal>;
  execution(task: TaskId, executionId: string): Promise<FoundJson<Open<ExecutionJson>> | Refusal>;
  executionOutput(task: TaskId, executionId: string, seq: number): Promise<Found<StoredOutput> | Refusal>;
  executionLog(
    task: TaskId,
    executionId: string,
    page: PageRequest,
  ): Promise<FoundJson<Page<View>> | Refusal>;
  /** Every event of the task, in order. */
  taskEvents(task: TaskId, page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  diff(problemId: string, a: number, b: number): Promise<FoundJson<View> | Refusal>;
  /** One record an iteration, with its outputs, in order, as text. */
  exportOf(problemId: string, format: ExportFormat): Promise<Found<AsyncIterable<Uint8Array>> | Refusal>;
  nodes(page: PageRequest): Promise<FoundJson<Page<Open<NodeJson>>> | Refusal>;
  node(nodeId: string): Promise<FoundJson<Open<NodeJson>> | Refusal>;
  /** By their names. */
  clusters(page: PageRequest): Promise<FoundJson<Page<Open<ClusterJson>>> | Refusal>;
  cluster(name: string): Promise<FoundJson<Open<ClusterJson>> | Refusal>;
  /** By their names. */
  /** The newest first. */
  campaigns(page: PageRequest): Promise<FoundJson<Page<Open<ListedCampaignJson>>> | Refusal>;
  campaign(campaignId: string): Promise<FoundJson<Open<CampaignJson>> | Refusal>;
  deployments(page: PageRequest): Promise<FoundJson<Page<Open<ListedDeploymentJson>>> | Refusal>;
  /** By its id, or by its name: of several, the newest. */
  deployment(which: string): Promise<FoundJson<Open<DeploymentJson>> | Refusal>;
  /** What an update would do. */
  deploymentChanges(
    which: string,
    asked: AskedUpdate,
  ): Promise<FoundJson<Open<DeploymentChangesJson>> | Refusal>;
  /** The oldest first. */
  deploymentOperations(
    which: string,
    page: PageRequest,
  ): Promise<FoundJson<Page<Open<OperationJson>>> | Refusal>;
  deploymentOperation(which: string, operation: number): Promise<FoundJson<Open<OperationJson>> | Refusal>;
  services(page: PageRequest): Promise<FoundJson<Page<Open<ServiceJson>>> | Refusal>;
  service(name: string): Promise<FoundJson<Open<ServiceJson>> | Refusal>;
  /** Every cluster with its score for one more replica, the best first, or with why it is ruled out. */
  placementOf(name: string, page: PageRequest): Promise<FoundJson<Page<Open<PlacementJson>>> | Refusal>;
  /** By their names, without their values. */
  secrets(page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  /** By their names, without their addresses and secrets. */
  webhooks(page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  /** By age, without their tokens. */
  grants(page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  /** Whether a filter holds for a problem: `{fits}`. Without a problem, only whether the filter is one. */
  problemFits(filter: string, problemId?: string): Promise<FoundJson<View> | Refusal>;
  /** Of all projects, the newest first. A page may be short, or empty, before there are no more. */
  audit(filter: AuditFilter, page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  /** Each module of the newest graphs: its nodes that take work, their slots, and how many executions wait for one. */
  queues(page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  /** The modules of a task that wait for a slot, each with how many come before it. */
  queueOfTask(task: TaskId, page: PageRequest): Promise<FoundJson<Page<View>> | Refusal>;
  command(commandId: string): Promise<FoundJson<View> | Refusal>;
  graphs(page: PageRequest): Promise<FoundJson<Page<GraphSummaryJson>> | Refusal>;
  /** With `version` absent: the newest. */
  graph(name: string, version?: number): Promise<FoundJson<Open<GraphAnswerJson>> | Refusal>;
  stats(): Promise<FoundJson<View>>;
}

export interface StoredOutput {
  /** The text of a payload that is JSON, another decoded; for a blob, its reference. */
  readonly json: JsonText;
  readonly type: string;
  /** Of one of several outputs, where an execution was asked for it by number. */
  readonly name?: string;
  /** The bytes as the node sent them, or where they are. */
  readonly raw:
    | { readonly kind: 'inline'; readonly bytes: Uint8Array }
    | { readonly kind: 'blob'; readonly blob: BlobRef };
  /** The execution that published it, where the iteration has taken it over from another. */
  readonly reusedFrom?: { readonly iterationId: number; readonly executionId: string };
}

export interface StreamEvent {
  readonly seq: number;
  readonly problemId: string | undefined;
  /** Of the problem; nothing where it is about none. */
  readonly project: string | undefined;
  /** The event as one JSON object. */
  readonly json: string;
}

/** The committed events: the past by `read`, the present by `onCommitted`. */
export interface EventStream {
  /** The newest committed `seq`; 0 if none. */
  cursor(): number;
  /** The oldest `seq` that can still be read; `cursor() + 1` when there is none. */
  oldest(): number;
  /** Events after `after`, in order: at least one when there is one, at most about `limit`, of bounded size together. */
  read(after: number, limit: number): Promise<readonly StreamEvent[]>;
  /** Called with the events of each commit, in order and in pieces of bounded size, right after it is durable. Returns the unsubscribe. */
  onCommitted(listener: (events: readonly StreamEvent[]) => void): () => void;
}

export interface Blobs {
  /** Streams the content in. Refuses a content that does not hash to `sha256` with `bad_digest`. */
  put(
    sha256: string,
    content: Readable,
  ): Promise<{ readonly ok: true; readonly blob: BlobRef; readonly existed: boolean } | Refusal>;
  /** A blob to be read. Refuses one that is not here with `not_found`, one whose file has changed with `blob_damaged`. */
  open(sha256: string): Promise<OpenBlob | Refusal>;
}

/** Either read it once, or close it. */
export interface OpenBlob {
  /** Of the file, in bytes. */
  readonly size: number;
  /** Bytes `start` to `end` (both inclusive), or all. Fails, before its end, where the file turns out to be damaged. */
  read(range?: { readonly start: number; readonly end: number }): Readable;
  close(): Promise<void>;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not. */
  readonly reason?: string;
  /** A condition that an operator should look into, although work is taken. */
  readonly hint?: string;
}

/** A refusal that a peer got, from any part of the orchestrator. */
export interface Refused {
  readonly via: 'control' | 'outputs' | 'events' | 'http' | 'stream';
  /** Who: a connection, an address; empty where it cannot be known. */
  readonly peer: string;
  readonly code: string;
  readonly message: string;
  /** @default 1 */
  readonly times?: number;
  /** The action for the audit. @default it is not recorded */
  readonly deed?: Deed;
}

/** The administration of node keys. */
export type KeyAdministration = Pick<
  NodeKeys,
  'list' | 'serverKeys' | 'enroll' | 'add' | 'revoke' | 'rotate'
>;

/** The gateway's questions about tokens. */
export type Grants = Pick<GrantBook, 'holderOf' | 'withHash' | 'isValid' | 'onChange'>;

/** The node that has shown a token. */
export interface NodeHolder {
  readonly nodeId: string;
  /** Its module and instance, for people to read. */
  readonly name: string;
}

/** The rights of a node over HTTP, with the token of its registration. */
export interface BlobsOfNodes {
  /** Whose a token is; nothing where it is nobody's, or has ended. */
  holderOf(token: string): NodeHolder | undefined;
  /** Blobs as this node may get and put them. */
  blobsOf(holder: NodeHolder): Blobs;
}

/** All that somebody may see and do: what is of another project than the one that they are bound to is not there. */
export interface Workspace {
  /** `ALL_PROJECTS`: they are bound to none. */
  readonly bound: string;
  /**
   * Decided, committed, then answered. The same key with the same request gives the same answer for 24 h, to everybody who is bound to the same
   * project; those who are bound to none count as of `default`.
   */
  request(request: Request, idempotencyKey?: string): Promise<Answer>;
  readonly queries: Queries;
  /** Of another project's events, number and time are left. */
  readonly events: EventStream;
  readonly blobs: Blobs;
}

export interface Coordinator {
  readonly epoch: number;
  readonly storeId: string;
  /**
   * The view and rights of a caller who is bound to this project, or to none (`ALL_PROJECTS`). Stored data cannot be reached in any other way. `asker`: who
   * that is, for the audit. Without one, what they do is not in it.
   */
  within(bound: string, asker?: Asker): Workspace;
  /** The newest committed `seq`. */
  cursor(): number;
  /** Whose a token is. */
  readonly grants: Grants;
  readonly sessions: Pick<Sessions, 'seal' | 'read' | 'isValid'>;
  readonly nodeBlobs: BlobsOfNodes;
  readiness(): Readiness;
  /** Something was done outside the orchestrator's own loop. It settles when that is in the audit, or cannot be now. */
  noteDone(deed: Deed): Promise<void>;
  /** The gateway has refused something itself: counted as `<via>_refused_<code>`, and logged as often as is good for the disk. */
  noteRefused(refused: Refused): void;
}

/** With the events of all projects: they are sorted out, by `maySee`, where they are passed on. */
export interface StreamingCoordinator extends Coordinator {
  readonly events: EventStream;
}
