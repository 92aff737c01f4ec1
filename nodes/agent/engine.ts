/**
 * The port behind which a cluster's way of running commands is hidden. The agent decides; an engine only does and tells.
 *
 * E1  The command of a key starts at most once, however often `launch` is called and wherever a caller died in between.
 * E2  What an engine says is known. Where it cannot tell (the connection is cut, the scheduler is silent), it throws
 *     `EngineUnavailable` and nothing has ended.
 * E3  After `stop`, no process of the command is left, and a launch that was still under way starts nothing.
 * E4  An engine keeps nothing in this process that it needs: everything is in the folder of the attempt on the cluster, so that
 *     another process with the same workdir adopts what this one started.
 * E5  Nothing that a user wrote becomes part of a shell line or of an ssh command.
 */

/** One attempt to run a command. */
export interface Launch {
  /**
   * Unique per attempt: 1 to 100 characters of `[a-z0-9-]`, starting with a letter or digit. Names the folder of the attempt
   * below the cluster's workdir.
   */
  readonly key: string;
  /**
   * The program and its arguments; never a shell line. The program is looked up in the PATH of the environment, or, with a
   * slash, from the working folder (`./job.sh`, which runs by its own `#!` line).
   */
  readonly argv: readonly [string, ...string[]];
  /** Added to the environment of the cluster. Names match `[A-Za-z_][A-Za-z0-9_]*`. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Environment variables whose values are paths below the working folder; the engine makes them absolute on the cluster:
   * `{ TUTTI_INPUTS: 'inputs', TUTTI_OUTPUT: 'output' }`. @default none
   */
  readonly pathEnv?: Readonly<Record<string, string>>;
  /** Put below the working folder before the start. */
  readonly files: readonly LaunchFile[];
  /** @default 1 cpu and nothing else */
  readonly resources?: Resources;
}

export interface LaunchFile {
  /** Relative to the working folder, with `/`, without `.` and `..`. Folders on the way are made. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** @default false */
  readonly executable?: boolean;
}

export interface Resources {
  /** @default 1 */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  /** @default 0 */
  readonly gpus?: number;
  /** Counts from the start of the command; the command is stopped when it is over. */
  readonly walltimeMs?: number;
}

/**
 * Why a command ended otherwise than by itself:
 * - `walltime`: its time was over;
 * - `stopped`: `stop` was called;
 * - `cancelled_outside`: somebody cancelled the batch job or ended the wrapper, and it was not this engine;
 * - `lost`: it is gone and nobody knows how it ended (the machine restarted, the node failed, the wrapper was killed).
 */
export type EndReason = 'walltime' | 'stopped' | 'cancelled_outside' | 'lost';

/** Bytes that the command has written to its two streams so far. */
export interface LogSizes {
  readonly stdout: number;
  readonly stderr: number;
}

export type Observed =
  /**
   * The engine does not know the key: the command was not started, or the attempt was removed. For a key whose `launch` has
   * resolved and that was not removed, it means that somebody emptied the workdir: the command is lost.
   */
  | { readonly state: 'unknown' }
  /** It waits in the scheduler's queue. */
  | { readonly state: 'submitted'; readonly engineId: string }
  | {
      readonly state: 'running';
      readonly engineId: string;
      /** Unix milliseconds by the cluster's clock. */
      readonly startedAt: number;
      /** The name of the machine on which it runs. */
      readonly host: string;
      readonly logs: LogSizes;
    }
  | {
      readonly state: 'ended';
      /** Empty if it was stopped before it was ever submitted. */
      readonly engineId: string;
      /** Absent if the command never started. */
      readonly startedAt?: number;
      /** Absent if nobody knows (`lost`). */
      readonly endedAt?: number;
      readonly host?: string;
      readonly logs: LogSizes;
      /** As a shell reports it: 128 + n after signal n, 126 for a program that cannot be executed, 127 for one that is not there. Absent if unknown. */
      readonly exitCode?: number;
      /** The signal's name (`SIGKILL`) if `exitCode` is 128 plus its number. */
      readonly signal?: string;
      /** Absent if the command ended by itself. */
      readonly reason?: EndReason;
    };

export type LogStream = 'stdout' | 'stderr';

/** A part of a file. */
export interface Range {
  /** @default 0 */
  readonly offset?: number;
  readonly maxBytes: number;
}

/** What a cluster has in total, as far as the engine can tell. */
export interface Capacity {
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly gpus?: number;
}

/** Every method throws `EngineUnavailable` while the cluster cannot be asked. A call may then be repeated as it is. */
export interface Engine {
  /**
   * Starts the command, or submits it, and returns the engine's own id (`pid` or job id). Calling it again for the same key
   * starts nothing a second time and returns the first id, also after `stop` and after the end.
   * @throws EngineRefused if the cluster says that this launch can never work (a resource that it does not have).
   */
  launch(launch: Launch, signal?: AbortSignal): Promise<{ readonly engineId: string }>;
  /** The state of every key, with one request to the cluster. The map has an entry for each key. */
  observe(keys: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, Observed>>;
  /**
   * Resolves as soon as one of the commands has ended (at once if one already has), after `timeoutMs`, or with the signal.
   * It only saves waiting: a command that was lost does not wake it, so call `observe` after it in any case.
   */
  waitForEnd(keys: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<void>;
  /** What the command has written to a stream, from an offset; empty at its end so far, undefined if it has not started. */
  readLog(key: string, stream: LogStream, range: Range): Promise<Uint8Array | undefined>;
  /** A part of a regular file below the working folder, e.g. the result; undefined if there is none. */
  readFile(key: string, path: string, range: Range): Promise<Uint8Array | undefined>;
  /**
   * SIGTERM to every process of the command, SIGKILL to what is left after `graceMs`. Resolves when nothing is left. A key that
   * was never launched can no longer be launched. Calling it again, or after the end, is harmless.
   */
  stop(key: string, graceMs: number): Promise<void>;
  /** Removes the folder of the attempt. Only for a key that has ended or was never launched; the key is then unknown. */
  remove(key: string): Promise<void>;
  /** What the cluster has. Also the test whether it can be used at all. */
  probe(signal?: AbortSignal): Promise<Capacity>;
  /** Closes connections. Commands go on running. Idempotent. */
  close(): Promise<void>;
}

/**
 * - `unreachable`: no connection, or it was cut;
 * - `host_key`: the host's key is not the pinned one;
 * - `login_refused`: the host does not accept the user or the identity;
 * - `missing_command`: a program that the engine needs is not there (`sbatch`, `setsid`, `tar`);
 * - `workdir`: the workdir cannot be made or written;
 * - `silent`: the scheduler does not answer, or not in time.
 */
export type UnavailableCode =
  | 'unreachable'
  | 'host_key'
  | 'login_refused'
  | 'missing_command'
  | 'workdir'
  | 'silent';

/** The cluster cannot be asked now. Nothing is known to have changed; the call may be repeated. The message is for people. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';
  readonly code: UnavailableCode;

  constructor(code: UnavailableCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The cluster refused the launch: repeating it cannot help. The message is the cluster's own. */
export class EngineRefused extends Error {
  override readonly name = 'EngineRefused';
}
