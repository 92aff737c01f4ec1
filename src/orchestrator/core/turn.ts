/** The input of `decide`: the steps, and all outside data that the decision may depend on. */
import type { IdSource } from '../../base/ids.js';
import type { Peer, Route } from '../../bus/bus.js';
import type { Asker, AuditNote } from '../../model/audit.js';
import type { Blueprint } from '../../model/blueprint.js';
import type { CachedResult } from '../../model/cached.js';
import type { CampaignSpec, Judgement } from '../../model/campaign.js';
import type { DeploymentPlan } from '../../model/deployment.js';
import type { Graph, ModuleSpec } from '../../model/graph.js';
import type { BlobRef, PayloadRef } from '../../model/payload.js';
import type { Output, RefusalCode, ReportedError, ToOrchestrator } from '../../model/protocol.js';
import type { Execution } from '../../model/task.js';
import type { TaskId } from '../../model/task-id.js';
import type { Proposed } from '../../scheduling/campaign-scheduler.js';
import type { MessageFault } from '../../wire/envelope.js';
import type { TypeRegistry, TypesJson } from '../../wire/types.js';
import type { KeyChanges } from '../access/kept-keys.js';
import type { NewGrant, Request } from '../port.js';
import type { ProblemRow } from '../tables/problem-row.js';
import type { IdempotencyRow } from '../tables/records.js';
import type { TaskRow } from '../tables/task-row.js';
import type { Journal } from './journal.js';
import type { State } from './state.js';

/** Who asks, and for what, before it was made ready. */
export interface Asking extends Asker {
  readonly operation: Request['kind'];
  readonly action: string;
}

/** Settings that do not change while the orchestrator runs. */
export interface Settings {
  readonly epoch: number;
  readonly storeId: string;
  readonly token: string | undefined;
  readonly heartbeatIntervalMs: number;
  readonly outputWindow: number;
  readonly inlineMaxBytes: number;
  /** How long a stopped execution may take to end. */
  readonly graceMs: number;
  readonly maxFrameBytes: number;
  /** Unfinished tasks; further ones are refused. */
  readonly maxTasks: number;
  /** As nodes are told it; a host of `*` stands for the host that they dialled. */
  readonly outputsEndpoint: string;
  /** Where nodes dial in: agents get their work there, each from the queue of its cluster. */
  readonly controlEndpoint: string;
  readonly blobUrl: string;
  /** Executions have spans of their own, which those of nodes belong below. */
  readonly isTracing: boolean;
}

/** A value that was stored or encoded before the batch: inline bytes, or a blob that is there. */
export type PreparedInput =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly sha256: string; readonly size: number };

/** A value that one module gets as one of its inputs. */
export interface PreparedOverride {
  readonly module: string;
  readonly input: string;
  readonly value: PreparedInput;
}

export interface SealedWebhook {
  readonly name: string;
  /** The one whose events it gets. @default all */
  readonly project?: string;
  readonly origin: string;
  readonly sealed: string;
  readonly signed: boolean;
  readonly filter?: readonly string[];
  readonly problem?: string;
}

export interface WebhookAttempt {
  readonly isDelivered: boolean;
  /** An HTTP status, or why there is none. */
  readonly status: string;
  /** The receiver has asked not to be tried again before that. */
  readonly retryAfterMs?: number;
}

/** How far a webhook's deliveries have come: by an attempt, or past events that are not for it. */
export interface WebhookProgress {
  readonly name: string;
  readonly id: string;
  readonly cursor: number;
  readonly attempt?: WebhookAttempt;
  /** Events that were removed before they were looked at. */
  readonly missed?: number;
}

export interface PreparedGrant extends NewGrant {
  readonly id: string;
  /** SHA-256 of the token, in hexadecimal. */
  readonly hash: string;
  /** The token, encrypted (`orchestrator/access/vault.ts`). */
  readonly sealed: string;
}

/** Requests with everything that needs no state worked out: inputs are encoded, graphs parsed. */
export type PreparedRequest =
  | (Extract<Request, { kind: 'submit' }> & {
      /** It belongs to this one. */
      readonly project: string;
      readonly graphVersion: number;
      readonly prepared: PreparedInput;
    })
  | (Extract<Request, { kind: 'iterate' }> & {
      readonly graphVersion: number;
      /** Absent: the parent's. */
      readonly prepared?: PreparedInput;
      readonly preparedOverrides?: readonly PreparedOverride[];
    })
  | Exclude<
      Request,
      {
        kind:
          | 'submit'
          | 'submit_job'
          | 'iterate'
          | 'put_graph'
          | 'set_secret'
          | 'deploy'
          | 'operate_deployment'
          | 'update_deployment'
          | 'apply_service'
          | 'run_campaign'
          | 'add_webhook'
          | 'declare_webhook'
          | 'test_webhook'
          | 'grant_access';
      }
    >
  | (Omit<Extract<Request, { kind: 'deploy' }>, 'blueprint' | 'csar' | 'name'> & {
      readonly name: string;
      readonly project: string;
      readonly blueprint: Blueprint;
      /** The data for its steps. */
      readonly prepared: PreparedInput;
      readonly types: TypeRegistry;
      readonly typesJson: TypesJson;
    })
  | {
      readonly kind: 'operate_deployment';
      readonly deploymentId: string;
      readonly traceparent?: string;
      /** Its newest operation, by which this one is prepared. */
      readonly after: number;
      /** The operation without its steps, which take clusters. */
      readonly asked: Omit<DeploymentPlan, 'steps'>;
      readonly operation: DeploymentPlan['operation'];
      /** By path, the SHA-256: of an update. @default those that it has */
      readonly files?: Readonly<Record<string, string>>;
      /** What its steps are given. */
      readonly prepared: PreparedInput;
      readonly types: TypeRegistry;
      readonly typesJson: TypesJson;
    }
  | (Extract<Request, { kind: 'apply_service' }> & {
      readonly project: string;
      readonly types: TypeRegistry;
      readonly typesJson: TypesJson;
    })
  | {
      readonly kind: 'run_campaign';
      readonly name: string;
      readonly project: string;
      readonly spec: CampaignSpec;
      /** To bring up first, or to wait for. */
      readonly deployment?:
        | { readonly kind: 'own'; readonly request: Extract<PreparedRequest, { kind: 'deploy' }> }
        | { readonly kind: 'named'; readonly id: string; readonly name: string };
      /** Of a module as proposer: the types of its private graph. */
      readonly proposer?: {
        readonly module: ModuleSpec;
        readonly files: Readonly<Record<string, BlobRef>>;
        readonly types: TypeRegistry;
        readonly typesJson: TypesJson;
      };
    }
  | { readonly kind: 'set_secret'; readonly name: string; readonly sealed: string }
  | { readonly kind: 'add_webhook' | 'declare_webhook'; readonly webhook: SealedWebhook }
  /** It has been posted to. */
  | { readonly kind: 'test_webhook'; readonly name: string; readonly attempt: WebhookAttempt }
  | { readonly kind: 'note_webhook'; readonly progress: WebhookProgress }
  | { readonly kind: 'grant_access'; readonly grant: PreparedGrant }
  | {
      readonly kind: 'put_graph';
      readonly name: string;
      readonly yaml: string;
      readonly graph: Graph;
      readonly types: TypeRegistry;
      readonly typesJson: TypesJson;
      /** By path beside the graph file, the SHA-256 of its blob. @default none */
      readonly files?: Readonly<Record<string, string>>;
    };

export type Step =
  | {
      readonly kind: 'control';
      readonly route: Route;
      /** The key that the peer has proved to hold, where connections are encrypted. */
      readonly key?: string;
      readonly frame: ToOrchestrator;
      readonly faults: readonly MessageFault[];
    }
  | {
      readonly kind: 'bad control';
      readonly route: Route;
      readonly code: RefusalCode;
      readonly message: string;
      /** That the frame was of, where that could be read. */
      readonly incarnation?: number;
    }
  | {
      readonly kind: 'outputs';
      readonly outputs: readonly Output[];
      readonly peer: Peer;
    }
  | { readonly kind: 'unreachable'; readonly route: Route }
  | {
      readonly kind: 'request';
      readonly id: number;
      readonly request: PreparedRequest;
      /** The project that the caller is bound to; `ALL_PROJECTS`: none. */
      readonly bound: string;
      /** @default the orchestrator itself asks: it is not in the audit */
      readonly asking?: Asking;
      readonly dedupe: { readonly key: string; readonly hash: string } | undefined;
    }
  /** Of what was done, or refused, outside the loop. */
  | { readonly kind: 'audit'; readonly id: number; readonly note: AuditNote }
  | { readonly kind: 'keep keys'; readonly id: number; readonly changes: KeyChanges }
  /** The data that an assignment was waiting for has arrived. */
  | { readonly kind: 'assign now'; readonly executionId: string }
  /** A blob's content is on the disk. */
  | {
      readonly kind: 'blob';
      readonly id: number;
      readonly sha256: string;
      readonly size: number;
      readonly projects?: readonly string[];
    }
  | {
      readonly kind: 'inspect nodes';
      readonly id: number;
      readonly nodeId: string | undefined;
      readonly bound: string;
    }
  /** Without a name: all of them. */
  | { readonly kind: 'inspect clusters'; readonly id: number; readonly name: string | undefined }
  /** Without a name: all of them. */
  | { readonly kind: 'inspect deployments'; readonly id: number; readonly bound: string }
  | { readonly kind: 'inspect campaigns'; readonly id: number; readonly bound: string }
  | { readonly kind: 'inspect services'; readonly id: number; readonly name: string | undefined }
  | { readonly kind: 'inspect placement'; readonly id: number; readonly service: string }
  | { readonly kind: 'inspect secrets'; readonly id: number }
  | { readonly kind: 'inspect webhooks'; readonly id: number; readonly bound: string }
  | { readonly kind: 'inspect grants'; readonly id: number }
  /** Without a task (as `formatTaskId` writes it): the queues of all modules. */
  | { readonly kind: 'inspect queue'; readonly id: number; readonly task: string | undefined }
  /** Time has passed. */
  | { readonly kind: 'wake' };

/** The stored data that the steps of a batch need, as of the end of the previous batch. */
export interface Loaded {
  readonly problems: ReadonlyMap<string, ProblemRow>;
  /** Ended iterations that a request names as parent, or chooses, by task key. */
  readonly parents: ReadonlyMap<string, TaskRow>;
  /** The newest succeeded iteration of problems that are iterated without naming a parent. */
  readonly newestSucceeded: ReadonlyMap<string, number>;
  /** Outputs that requests would reuse, decoded, by `reusableKey`; without those that are blobs. */
  readonly reusable: ReadonlyMap<string, ReusableValue>;
  /** Of parents, by task, the input's bytes where conditions look at them; no blobs. */
  readonly inputs: ReadonlyMap<string, Uint8Array>;
  /** Executions of finished tasks that somebody speaks of, by their id. */
  readonly executions: ReadonlyMap<string, Execution>;
  readonly answered: ReadonlyMap<string, IdempotencyRow>;
  /** Boots that say hello and have been replaced before. */
  readonly replacedBoots: ReadonlySet<string>;
  /** The sizes of the blobs that are there, of those that the batch refers to. */
  readonly blobs: ReadonlyMap<string, number>;
  /** The results of `State.lookUps`, by their keys. */
  readonly lookedUp: ReadonlyMap<string, LookedUp>;
  /** The results of `State.campaignLookUps`, by their keys. */
  readonly campaigns: ReadonlyMap<string, CampaignFound>;
}

export interface FoundInput {
  readonly kind: 'input';
  readonly prepared: PreparedInput;
  /** Of a blob: those whose people have uploaded the same. */
  readonly projects?: readonly string[];
  /** The iteration whose outputs it gets as `previous`. */
  readonly parent?: TaskRow;
}

/** What a campaign goes on with. */
export type CampaignFound =
  | { readonly kind: 'judgement'; readonly judgement: Judgement }
  | FoundInput
  /** That takes its deployment down. */
  | {
      readonly kind: 'operation';
      readonly request: Extract<PreparedRequest, { kind: 'operate_deployment' }>;
      /** The input of its task, kept. */
      readonly input: FoundInput;
    }
  | Exclude<Proposed, { kind: 'input' }>;

/** What a module with `cache` may take, what a service step is given, the list of a module with `map`, or the results of its items. */
export interface LookedUp {
  /** Of what it is given (`cache-key.ts`); nothing where that cannot be read. */
  readonly digest: string | undefined;
  /** By the version of the node. */
  readonly found: ReadonlyMap<string, Found>;
  /** Of a service step, by the names of its inputs; without those that are blobs. */
  readonly values?: ReadonlyMap<string, unknown>;
  /** Of a module with `map` that has not begun: its items, each as it stands in the list. */
  readonly list?:
    | { readonly kind: 'list'; readonly items: readonly Uint8Array[] }
    | { readonly kind: 'failed'; readonly error: ReportedError };
  /** Of one whose items are done. `no room`: the disk has none for it. */
  readonly results?:
    | {
        readonly kind: 'list';
        readonly bytes: Uint8Array;
        /** Where it is too large to go along by itself: its file is there. */
        readonly blob: BlobRef | undefined;
        /** Whose people have uploaded the same. */
        readonly projects: readonly string[] | undefined;
      }
    | { readonly kind: 'no room' }
    | { readonly kind: 'failed'; readonly error: ReportedError };
}

export interface Found {
  readonly result: CachedResult;
  /** By the `seq` of the output; no blobs. */
  readonly bytes: ReadonlyMap<number, Uint8Array>;
}

export interface ReusableValue {
  /** In bytes, encoded. */
  readonly size: number;
  readonly value: unknown;
  /** The value that its event shows, for `printJson`. */
  readonly shown: unknown;
}

export interface Turn {
  readonly state: State;
  readonly journal: Journal;
  readonly settings: Settings;
  readonly ids: IdSource;
  readonly loaded: Loaded;
  /** The loop's monotonic clock, on which pauses of the process itself do not count. */
  readonly nowMs: number;
  readonly wallMs: number;
}

/** Where `Loaded.reusable` has an output. */
export function reusableKey({ problemId, iterationId, owner, seq }: PayloadRef): string {
  return `${problemId}/${iterationId}/${owner}/${seq}`;
}

/** A lease says where its execution is stored, so that a late message about a finished task finds it without an index. */
export function makeLease(secret: string, task: TaskId): string {
  return `${secret}.${task.iterationId}.${task.problemId}`;
}

export function taskOfLease(lease: string): TaskId | undefined {
  const match = /^[\w-]+\.([1-9][0-9]{0,8})\.([0-9a-f-]{36})$/.exec(lease);
  return match?.[1] && match[2] ? { problemId: match[2], iterationId: Number(match[1]) } : undefined;
}

/** Where what a task brings along is stored: its input, or an override. */
export function ownRef(task: TaskId, owner: string, blob?: PayloadRef['blob']): PayloadRef {
  return {
    problemId: task.problemId,
    iterationId: task.iterationId,
    owner,
    seq: 0,
    ...(blob && { blob }),
  };
}
