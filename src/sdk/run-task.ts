/** The interface of an agent: executions of run modules, whose work is a command. */
import type { ClusterReach } from '../model/cluster.js';
import type { BlobRef } from '../model/payload.js';
import type { KeptExecution, LogLevel, StreamName } from '../model/protocol.js';
import type { AssignedRun, CommandNote, Resources } from '../model/run.js';
import type { SecretMask } from './secret-mask.js';
import type { TaskLogLine } from './task.js';

/** An input as it is stored. */
export interface RunInput {
  /** Of the source or of the module that gave it. */
  readonly name: string;
  readonly type: string;
  /** It comes from the parent iteration. */
  readonly previous: boolean;
  readonly bytes: Uint8Array;
  /** Its JSON text, of a message in the proto3 mapping; nothing for bytes. */
  readonly json: string | undefined;
  /**
   * The value at a path of names and indexes: a text as it is, any other value as JSON with its numbers as they are written. Nothing
   * where the path leads nowhere, and for bytes.
   */
  textAt(path: readonly string[]): string | undefined;
}

/** One execution of a run module. */
export interface RunTask {
  /** The task_id: `<problem_id>/<iteration_id>`. */
  readonly id: string;
  readonly executionId: string;
  /** A secret, by which the orchestrator knows the execution also when its node has forgotten it. */
  readonly lease: string;
  readonly module: string;
  readonly attempt: number;
  /** Of a module in a loop: the pass that it is in, from 1. Elsewhere 1. */
  readonly pass: number;
  /** Of a module with `map` in the graph file: the number of the item that it is for, from 0. Absent elsewhere. */
  readonly item?: number;
  /** Whether an earlier process of this agent was at work on it: its command may have been started. */
  readonly isResumed: boolean;
  readonly run: AssignedRun;
  readonly inputs: readonly RunInput[];
  /** Hides the secrets of the run in what its command writes. */
  readonly mask: SecretMask;
  /** Aborted when the command is to be stopped; its reason is a `TaskAbortedError`, which says how long the command may take to end. */
  readonly signal: AbortSignal;
  /** The command has started. */
  begun(): void;
  /** New information about the command: people see it, but it is not a log line. */
  tell(news: CommandNote): void;
  readonly log: Readonly<Record<LogLevel, TaskLogLine>>;
  /** Output of the command: each line becomes a log line with the stream's name as `fields.stream`. */
  print(stream: StreamName, bytes: Uint8Array): void;
  /** Both streams end, or go on elsewhere: lines that are not complete are told as they are. */
  endLines(): void;
  /** A line between the head and the tail of a stream that is too long for the log. `whole`: the blob with all of it, which stays as long as the task. */
  cut(stream: StreamName, message: string, fields: Readonly<Record<string, unknown>>, whole?: BlobRef): void;
  /** The content of a file of the graph. Errors: `blob_missing`, `blob_corrupt`, `blob_refused`. */
  fetch(file: { readonly blob: BlobRef; readonly url: string }): Promise<Uint8Array>;
  /** Stores a file of this machine as a blob, without holding it in memory. Errors: `blob_refused`. */
  keep(path: string): Promise<BlobRef>;
}

export type RunResult =
  /** Read as the output's type: bytes as they are, anything else from its JSON text. */
  | { readonly ok: true; readonly text: Uint8Array }
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: RunError };

export interface RunError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, string>>;
}

/** The work of an agent. */
export interface AgentPlay {
  /** With every welcome: the cluster that it represents. */
  welcomed(cluster: ClusterReach): void;
  /** Before it takes work. */
  ready(): Promise<void>;
  /** Runs the command, or goes on with the one that an earlier process has started. Does not reject. */
  run(task: RunTask): Promise<RunResult>;
  /** The end of this execution is known to both sides; it is no longer needed. */
  released(executionId: string): void;
  /** The tasks of these executions are removed: what is kept of them goes, too. */
  forget(executionIds: readonly string[]): void;
  /** The agent has ended; commands may still run. */
  ended(): Promise<void>;
}

/** How an agent tells of itself. */
export interface AgentControls {
  /** The executions that an earlier process of this agent held when it ended; `run` is called for each. */
  readonly held: readonly string[];
  /** The cluster cannot be asked, or it can be again (without an error). Until then, the agent has the status ERROR and gets no new work. */
  trouble(error?: { readonly code: string; readonly message: string }): void;
  /** The total resources of the cluster. */
  has(resources: Resources): void;
  /** Executions that have ended, whose working folders it keeps: with every welcome, so that it hears which of them to `forget`. */
  kept(executions: readonly KeptExecution[]): void;
  /** Ends the agent; the commands go on, and the next process of the agent adopts them. */
  leave(): void;
}
