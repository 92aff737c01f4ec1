/** The twin of the engines: its commands are functions, its cluster is an object. It keeps the same contract. */
import type {
  Capacity,
  EndReason,
  Engine,
  EngineUnavailable,
  Launch,
  LogStream,
  Observed,
  Range,
} from '../../nodes/agent/engine.js';
import { checkKey, checkLaunch, checkPath, signalOf } from '../../nodes/agent/package-launch.js';

/** What a command finds when it runs. */
export interface MemoryRun {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The working folder. */
  readonly files: Map<string, Uint8Array>;
  write(stream: LogStream, text: string): void;
  /** SIGTERM. A command that goes on is killed after the grace period. */
  readonly terminated: AbortSignal;
}

/** Resolves with the exit code. */
export type MemoryProgram = (run: MemoryRun) => Promise<number>;

interface Attempt {
  readonly engineId: string;
  readonly startedAt?: number;
  readonly files: Map<string, Uint8Array>;
  readonly streams: { stdout: string; stderr: string };
  readonly terminate: AbortController;
  readonly ended: Promise<void>;
  end(exitCode: number | undefined, reason?: EndReason): void;
  result: { readonly at: number; readonly exitCode?: number; readonly reason?: EndReason } | undefined;
}

/** Outlives its engines, as a cluster outlives agents. */
export class MemoryCluster {
  readonly attempts = new Map<string, Attempt>();
  /** How often each key was started. */
  readonly starts = new Map<string, number>();
  readonly programs: Readonly<Record<string, MemoryProgram>>;
  /** While set, every call fails with it. */
  unavailable: EngineUnavailable | undefined;
  nextId = 1;

  /** By the name of the program, `argv[0]`. */
  constructor(programs: Readonly<Record<string, MemoryProgram>>) {
    this.programs = programs;
  }

  /** As if the machine lost the command. */
  lose(key: string): void {
    this.attempts.get(key)?.end(undefined, 'lost');
  }
}

export class MemoryEngine implements Engine {
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
  }

  async launch(launch: Launch, signal?: AbortSignal): Promise<{ readonly engineId: string }> {
    checkLaunch(launch);
    for (const value of [...launch.argv, ...Object.values(launch.env)])
      if (value.includes('\0')) throw new RangeError('an argument or a variable contains a NUL byte');
    signal?.throwIfAborted();
    this.#reach();
    const known = this.#cluster.attempts.get(launch.key);
    return { engineId: (known ?? this.#start(launch)).engineId };
  }

  async observe(keys: readonly string[]): Promise<ReadonlyMap<string, Observed>> {
    this.#reach();
    for (const key of keys) checkKey(key);
    return new Map(keys.map((key) => [key, observed(this.#cluster.attempts.get(key))]));
  }

  async waitForEnd(keys: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<void> {
    this.#reach();
    const over = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
    const given = new Promise<void>((resolve) => {
      if (over.aborted) resolve();
      over.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([given, ...keys.flatMap((key) => this.#cluster.attempts.get(key)?.ended ?? [])]);
  }

  async readLog(key: string, stream: LogStream, range: Range): Promise<Uint8Array | undefined> {
    this.#reach();
    const attempt = this.#cluster.attempts.get(key);
    return attempt?.startedAt === undefined ? undefined : part(Buffer.from(attempt.streams[stream]), range);
  }

  async readFile(key: string, path: string, range: Range): Promise<Uint8Array | undefined> {
    checkKey(key);
    checkPath(path);
    this.#reach();
    const bytes = this.#cluster.attempts.get(key)?.files.get(path);
    return bytes && part(bytes, range);
  }

  async stop(key: string, graceMs: number): Promise<void> {
    checkKey(key);
    this.#reach();
    const attempt = this.#cluster.attempts.get(key);
    if (attempt === undefined) {
      const tombstone = this.#attempt('', undefined);
      tombstone.end(undefined, 'stopped');
      this.#cluster.attempts.set(key, tombstone);
    } else await finish(attempt, graceMs, 'stopped');
  }

  async remove(key: string): Promise<void> {
    checkKey(key);
    this.#reach();
    this.#cluster.attempts.delete(key);
  }

  async probe(): Promise<Capacity> {
    this.#reach();
    return { cpus: 4, memoryBytes: 8 * 1024 ** 3, gpus: 0 };
  }

  async close(): Promise<void> {}

  #reach(): void {
    if (this.#cluster.unavailable) throw this.#cluster.unavailable;
  }

  #attempt(engineId: string, startedAt: number | undefined): Attempt {
    let resolve: () => void;
    const ended = new Promise<void>((settle) => {
      resolve = settle;
    });
    return {
      engineId,
      ...(startedAt !== undefined && { startedAt }),
      files: new Map(),
      streams: { stdout: '', stderr: '' },
      terminate: new AbortController(),
      ended,
      result: undefined,
      end(exitCode, reason) {
        this.result ??= {
          at: Date.now(),
          ...(exitCode !== undefined && { exitCode }),
          ...(reason && { reason }),
        };
        resolve();
      },
    };
  }

  #start({ key, argv, env, pathEnv = {}, files, resources = {} }: Launch): Attempt {
    const attempt = this.#attempt(String(this.#cluster.nextId++), Date.now());
    this.#cluster.attempts.set(key, attempt);
    this.#cluster.starts.set(key, (this.#cluster.starts.get(key) ?? 0) + 1);
    for (const { path, bytes } of files) attempt.files.set(path, bytes);
    const { walltimeMs = 0 } = resources;
    if (walltimeMs > 0) {
      const timer = setTimeout(() => void finish(attempt, 5000, 'walltime'), walltimeMs);
      void attempt.ended.then(() => clearTimeout(timer));
    }
    void this.#run(attempt, argv, { ...env, ...pathEnv });
    return attempt;
  }

  async #run(
    attempt: Attempt,
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<void> {
    const program = this.#cluster.programs[argv[0]!];
    if (program === undefined) {
      attempt.end(attempt.files.has(argv[0]!.replace(/^\.\//, '')) ? 126 : 127);
      return;
    }
    const { files, streams, terminate } = attempt;
    const write = (stream: LogStream, text: string) => {
      streams[stream] += text;
    };
    attempt.end(
      await program({ argv, env, files, write, terminated: terminate.signal }),
      terminate.signal.reason,
    );
  }
}

/** SIGTERM, then SIGKILL. */
async function finish(attempt: Attempt, graceMs: number, reason: EndReason): Promise<void> {
  attempt.terminate.abort(reason);
  const kill = setTimeout(() => attempt.end(137, reason), graceMs);
  await attempt.ended;
  clearTimeout(kill);
}

function part(bytes: Uint8Array, { offset = 0, maxBytes }: Range): Uint8Array {
  return bytes.subarray(offset, offset + maxBytes);
}

function observed(attempt: Attempt | undefined): Observed {
  if (attempt === undefined) return { state: 'unknown' };
  const { engineId, startedAt, streams, result } = attempt;
  const logs = { stdout: Buffer.byteLength(streams.stdout), stderr: Buffer.byteLength(streams.stderr) };
  if (result === undefined)
    return { state: 'running', engineId, startedAt: startedAt!, host: 'memory', logs };
  const { at, exitCode, reason } = result;
  const signal = exitCode === undefined ? undefined : signalOf(exitCode);
  return {
    ...{ state: 'ended', engineId, logs, endedAt: at },
    ...(startedAt !== undefined && { startedAt, host: 'memory' }),
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(reason !== undefined && { reason }),
  };
}
