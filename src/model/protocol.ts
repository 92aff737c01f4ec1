/**
 * The node protocol in the model's words: what `proto/tutti/v1/node.proto` says, as unions. `wire/` maps the two.
 */
import type { ClusterReach } from './cluster.js';
import type { NodeCmd, NodeStatus } from './node.js';
import type { BlobRef, Payload } from './payload.js';
import type { AssignedRun, CommandNote, Resources } from './run.js';
import type { TaskId } from './task-id.js';
import type { TaskCmd } from './task-state.js';

export const PROTOCOL_VERSION = 1;

export interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  /** Where it was raised and what caused it, as the node's language writes it; at most `MAX_STACK_BYTES`. */
  readonly stack?: string;
  /** Further details for programs, by name: for a command its `exit_code`, its `signal` and the end of its `stderr`. */
  readonly details?: Readonly<Record<string, string>>;
}

/** The error without its stack: for everything but the execution, the node or the command that it happened to. */
export function withoutStack<E extends ReportedError>({ stack: _, ...error }: E): Omit<E, 'stack'> {
  return error;
}

export const REPORT_STATES = [
  'ACCEPTED',
  'REJECTED',
  'RUNNING',
  'PROGRESS',
  'FAILED',
  'CANCELLED',
  'PREEMPTED',
] as const;
export type ReportState = (typeof REPORT_STATES)[number];
/** `SUCCEEDED`: the last output is published and not yet acknowledged. */
export type HeldState = ReportState | 'SUCCEEDED';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface HeldExecution {
  readonly executionId: string;
  readonly lease: string;
  readonly state: HeldState;
}

export interface Hello {
  readonly kind: 'hello';
  readonly module: string;
  readonly instance: string;
  readonly bootId: string;
  readonly version: string;
  /** At least 1. */
  readonly capacity: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Empty: whatever the graph declares. */
  readonly outputType: string;
  readonly status: NodeStatus;
  readonly held: readonly HeldExecution[];
  /** Where `held` has no room for all. */
  readonly heldInAll?: number;
  readonly token: string;
  /** The types that the author wrote the node against; absent: those of the graph. */
  readonly schemas?: readonly TypeSchema[];
  /** It uses the types that an assignment names and carries. @default false */
  readonly typesByAssignment?: boolean;
  /** Of an agent: what its cluster has in all. */
  readonly resources?: Resources;
}

/** A node's own idea of a type. */
export interface TypeSchema {
  /** A protobuf message's full name, or `json:<name>`. */
  readonly type: string;
  /** Of the schema in canonical form: equal hashes mean equal schemas. */
  readonly hash: string;
  /** A serialised `google.protobuf.FileDescriptorSet`, or the JSON Schema; may be empty. */
  readonly definition: Uint8Array;
}

export interface Heartbeat {
  readonly kind: 'heartbeat';
  readonly status: NodeStatus;
  readonly running: readonly string[];
  readonly load?: Load;
}

/** The current resource use of a node's process. */
export interface Load {
  /** Cores in use, on average since the heartbeat before. */
  readonly cpu: number;
  /** Resident. */
  readonly memoryBytes: number;
  /** Executions whose work is going on. */
  readonly executing: number;
}

export interface NodeReport {
  readonly kind: 'node_report';
  readonly status: NodeStatus;
  readonly error?: ReportedError;
}

export interface ExecutionReport {
  readonly kind: 'execution_report';
  readonly executionId: string;
  readonly lease: string;
  readonly state: ReportState;
  readonly lastSeq: number;
  readonly progress: number;
  readonly message: string;
  readonly error?: ReportedError;
}

export interface CommandAck {
  readonly kind: 'command_ack';
  readonly commandId: string;
  /** Empty for a node command. */
  readonly executionId: string;
  readonly accepted: boolean;
  readonly error?: ReportedError;
}

export interface ConfigReply {
  readonly kind: 'config_reply';
  readonly transactionId: string;
  readonly success: boolean;
  readonly configuration: string;
  readonly error?: ReportedError;
}

export interface LogLine {
  readonly kind: 'log';
  readonly executionId: string;
  readonly lease: string;
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
  /** In the place of a line: what an agent has learned of the command. */
  readonly command?: CommandNote;
  /** Of a line that stands for a part of a stream: the blob with all of the stream. */
  readonly whole?: WholeStream;
}

export const STREAMS = ['stdout', 'stderr'] as const;
/** The streams of a command. */
export type StreamName = (typeof STREAMS)[number];

export interface WholeStream {
  readonly stream: StreamName;
  readonly blob: BlobRef;
}

export interface Goodbye {
  readonly kind: 'goodbye';
}

/** Of an agent: executions that have ended, whose working folders it keeps. */
export interface Kept {
  readonly kind: 'kept';
  readonly executions: readonly KeptExecution[];
}

export interface KeptExecution {
  readonly executionId: string;
  readonly lease: string;
}

/** To an agent: the tasks of these executions are removed. */
export interface Forget {
  readonly kind: 'forget';
  readonly executionIds: readonly string[];
}

export type NodeMessage =
  | Hello
  | Heartbeat
  | NodeReport
  | ExecutionReport
  | CommandAck
  | ConfigReply
  | LogLine
  | Goodbye
  | Kept;

export interface ToOrchestrator {
  readonly protocolVersion: number;
  readonly nodeId: string;
  readonly incarnation: number;
  readonly messages: readonly NodeMessage[];
}

export interface Welcome {
  readonly kind: 'welcome';
  readonly nodeId: string;
  readonly incarnation: number;
  readonly heartbeatIntervalMs: number;
  readonly deadAfterMs: number;
  readonly outputsEndpoint: string;
  readonly blobUrl: string;
  readonly inlineMaxBytes: number;
  readonly maxFrameBytes: number;
  readonly outputWindow: number;
  readonly storeId: string;
  readonly drop: readonly string[];
  readonly outputType: string;
  /** A serialised `google.protobuf.FileDescriptorSet`; empty when the module deals in `json` and `bytes` only. */
  readonly descriptors: Uint8Array;
  /** Of an agent: the cluster that it represents. */
  readonly cluster?: ClusterReach;
  /** With it, the node gets and puts blobs. @default nobody needs a token for that */
  readonly blobToken?: string;
}

/** The answer to a heartbeat, where there is something to say. */
export interface HeartbeatReply {
  readonly kind: 'heartbeat_reply';
  /** In the place of the one before. */
  readonly blobToken: string;
}

/** The reaction of a peer to a refusal: try again, drop the named item, or end. */
export const REFUSALS = {
  say_hello: 'retry',
  stale_incarnation: 'retry',
  too_many: 'retry',
  instance_in_use: 'retry',
  unknown_module: 'retry',
  unknown_cluster: 'retry',
  blob_missing: 'retry',
  unknown_execution: 'forget',
  stale_execution: 'forget',
  bad_payload: 'forget',
  unknown_output: 'forget',
  duplicate_output: 'forget',
  missing_output: 'forget',
  too_large: 'forget',
  protocol_version: 'final',
  wrong_output_type: 'final',
  schema_mismatch: 'final',
  replaced: 'final',
  unauthorized: 'final',
  bad_frame: 'forget',
} as const;
export type RefusalCode = keyof typeof REFUSALS;

export interface Refused {
  readonly kind: 'refused';
  /** One of `REFUSALS`, or one of a newer orchestrator. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly incarnation?: number;
  readonly executionId?: string;
  readonly seq?: number;
  readonly commandId?: string;
  readonly transactionId?: string;
}

export interface NodeCommand {
  readonly kind: 'node_command';
  readonly commandId: string;
  readonly cmd: NodeCmd;
  readonly reason: string;
  readonly graceMs: number;
}

export interface TaskCommand {
  readonly kind: 'task_command';
  readonly commandId: string;
  readonly cmd: TaskCmd;
  readonly executionId: string;
  readonly reason: string;
  readonly graceMs: number;
}

export type InputValue =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: BlobRef; readonly url: string };

export interface Input {
  readonly name: string;
  readonly type: string;
  readonly value: InputValue;
  readonly previous: boolean;
}

export interface Assign {
  readonly kind: 'assign';
  readonly executionId: string;
  readonly lease: string;
  readonly taskId: TaskId;
  readonly module: string;
  readonly attempt: number;
  /** 0: there is none. */
  readonly timeoutMs: number;
  readonly inputs: readonly Input[];
  /** Of this task's graph version. @default that of the welcome */
  readonly outputType?: string;
  /** Of a module with named outputs. @default it has one, without a name */
  readonly outputs?: readonly OutputSpec[];
  /** Every protobuf type as this version means it. @default those of the welcome */
  readonly descriptors?: Uint8Array;
  /** W3C Trace Context: spans of this execution belong below. @default none */
  readonly traceparent?: string;
  /** Of a module in a loop: the pass that it is in, from 1. @default it is in no loop */
  readonly pass?: number;
  /** Of a module with `map`: the number of its item, from 0. @default it is for none */
  readonly item?: number;
  /** Of a run module. @default the node knows its work itself */
  readonly run?: AssignedRun;
}

export interface OutputSpec {
  /** Empty where a module has one output only. */
  readonly name: string;
  readonly type: string;
}

export interface OutputAck {
  readonly executionId: string;
  readonly seq: number;
  readonly ended: boolean;
}

export interface OutputAcks {
  readonly kind: 'output_acks';
  readonly acks: readonly OutputAck[];
}

export interface ConfigRequest {
  readonly kind: 'config_request';
  readonly transactionId: string;
  readonly configuration: string;
}

export type OrchestratorMessage =
  | Welcome
  | Refused
  | NodeCommand
  | TaskCommand
  | Assign
  | OutputAcks
  | ConfigRequest
  | Forget
  | HeartbeatReply;

export interface ToNode {
  readonly protocolVersion: number;
  readonly epoch: number;
  readonly incarnation: number;
  readonly messages: readonly OrchestratorMessage[];
}

export interface Output {
  readonly executionId: string;
  readonly lease: string;
  readonly seq: number;
  readonly last: boolean;
  /** Of a module with named outputs. @default it has one, without a name */
  readonly name?: string;
  /** With `last`: how many lines of its log the node has sent before. @default 0 */
  readonly logLines?: number;
  readonly type: string;
  readonly payload: Payload;
}

export interface Outputs {
  readonly protocolVersion: number;
  readonly outputs: readonly Output[];
}
