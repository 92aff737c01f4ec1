/** An engine whose commands do what the test says, and a task as the SDK gives it. */

import {
  type Capacity,
  type Engine,
  EngineUnavailable,
  type Launch,
  type LogStream,
  type Observed,
  type Range,
} from '../../../nodes/agent/engine.js';
import { checkJsonText } from '../../../src/base/json/check-text.js';
import type { CommandNote, RunInput, RunTask } from '../../../src/sdk/index.js';
import { TaskAbortedError } from '../../../src/sdk/index.js';
import { SecretMask } from '../../../src/sdk/secret-mask.js';

interface Command {
  readonly launch: Launch;
  observed: Observed;
  readonly logs: Record<LogStream, Uint8Array>;
  result: Uint8Array | undefined;
}

export class FakeEngine implements Engine {
  readonly commands = new Map<string, Command>();
  readonly calls: string[] = [];
  /** While it is set, the cluster does not answer. */
  unavailable: EngineUnavailable | undefined;
  refusal: Error | undefined;
  /** What a command does as soon as it is launched. @default nothing */
  onLaunch: (launch: Launch) => void = () => {};
  #waiting = new Set<() => void>();

  async launch(launch: Launch): Promise<{ readonly engineId: string }> {
    this.#ask(`launch ${launch.key}`);
    if (this.refusal) throw this.refusal;
    if (!this.commands.has(launch.key)) {
      this.commands.set(launch.key, {
        launch,
        observed: { state: 'submitted', engineId: `id-${launch.key}` },
        logs: { stdout: new Uint8Array(), stderr: new Uint8Array() },
        result: undefined,
      });
      this.onLaunch(launch);
    }
    return { engineId: `id-${launch.key}` };
  }

  /** It runs, and has written this so far. */
  run(key: string, logs: Partial<Record<LogStream, Uint8Array | string>> = {}): void {
    const command = this.commands.get(key)!;
    for (const stream of ['stdout', 'stderr'] as const)
      if (logs[stream] !== undefined) command.logs[stream] = Buffer.from(logs[stream] as string);
    command.observed = { state: 'running', ...this.#about(key), startedAt: 1_000, host: 'here' };
  }

  end(key: string, how: Partial<Extract<Observed, { state: 'ended' }>> = {}, result?: string): void {
    const command = this.commands.get(key)!;
    if (result !== undefined) command.result = Buffer.from(result);
    command.observed = {
      state: 'ended',
      ...this.#about(key),
      ...{ startedAt: 1_000, endedAt: 3_500, host: 'here', exitCode: 0 },
      ...how,
    };
    for (const wake of this.#waiting) wake();
  }

  async observe(keys: readonly string[]): Promise<ReadonlyMap<string, Observed>> {
    this.#ask('observe');
    return new Map(keys.map((key) => [key, this.commands.get(key)?.observed ?? { state: 'unknown' }]));
  }

  waitForEnd(keys: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (keys.some((key) => this.commands.get(key)?.observed.state === 'ended')) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  async readLog(key: string, stream: LogStream, range: Range): Promise<Uint8Array | undefined> {
    this.#ask(`read ${stream}`);
    return part(this.commands.get(key)?.logs[stream], range);
  }

  async readFile(key: string, path: string, range: Range): Promise<Uint8Array | undefined> {
    this.#ask(`file ${path}`);
    return part(this.commands.get(key)?.result, range);
  }

  async stop(key: string, graceMs: number): Promise<void> {
    this.#ask(`stop ${key} ${graceMs}`);
    if (this.commands.has(key)) this.end(key, { reason: 'stopped', exitCode: 143, signal: 'SIGTERM' });
  }

  async remove(key: string): Promise<void> {
    this.#ask(`remove ${key}`);
    this.commands.delete(key);
  }

  async probe(): Promise<Capacity> {
    this.#ask('probe');
    return { cpus: 8, memoryBytes: 2 ** 30 };
  }

  async close(): Promise<void> {}

  #about(key: string) {
    const { logs } = this.commands.get(key)!;
    return {
      engineId: `id-${key}`,
      logs: { stdout: logs.stdout.byteLength, stderr: logs.stderr.byteLength },
    };
  }

  #ask(call: string): void {
    this.calls.push(call);
    if (this.unavailable) throw this.unavailable;
  }
}

function part(bytes: Uint8Array | undefined, { offset = 0, maxBytes }: Range): Uint8Array | undefined {
  return bytes?.subarray(offset, offset + maxBytes);
}

export const unreachable = (): EngineUnavailable => new EngineUnavailable('unreachable', 'no route to host');

export interface FakeTask {
  readonly task: RunTask;
  /** What was told, in order. */
  readonly told: string[];
  readonly kept: string[];
  readonly fields: Record<string, unknown>[];
  /** What was told of the command. */
  readonly notes: CommandNote[];
  abort(graceMs?: number): void;
}

/** `inputs`: a JSON text, or bytes, by name; `previous/<name>` comes from the parent iteration. */
export function fakeTask(
  run: Partial<RunTask['run']> = {},
  inputs: Readonly<Record<string, string | Uint8Array>> = {},
  more: Partial<RunTask> = {},
): FakeTask {
  const controller = new AbortController();
  const told: string[] = [];
  const kept: string[] = [];
  const fields: Record<string, unknown>[] = [];
  const notes: CommandNote[] = [];
  const open = { stdout: '', stderr: '' };
  const say = (message: string, about: Readonly<Record<string, unknown>> = {}) => {
    told.push(message);
    fields.push(about);
  };
  const task: RunTask = {
    id: 'problem/1',
    executionId: 'e1',
    lease: 'lease',
    module: 'simulate',
    attempt: 1,
    pass: 1,
    isResumed: false,
    run: {
      work: { kind: 'command', argv: ['true'] },
      files: [],
      env: {},
      secrets: {},
      resources: { cpus: 1 },
      result: 'file',
      keep: 'never',
      retryExitCodes: undefined,
      ...run,
    },
    mask: new SecretMask(Object.values(run.secrets ?? {})),
    inputs: Object.entries(inputs).map(([name, value]) => inputOf(name, value)),
    signal: controller.signal,
    begun: () => {
      if (!told.includes('begun')) told.push('begun');
    },
    tell: (news) => notes.push(news),
    log: { debug: say, info: say, warn: say, error: say },
    print: (stream, bytes) => {
      const lines = (open[stream] + Buffer.from(bytes).toString()).split('\n');
      open[stream] = lines.pop()!;
      told.push(...lines.map((line) => `${stream}: ${line}`));
    },
    endLines: () => {
      for (const stream of ['stdout', 'stderr'] as const) {
        if (open[stream] !== '') told.push(`${stream}: ${open[stream]}`);
        open[stream] = '';
      }
    },
    cut: (_, message, about) => say(message, about),
    fetch: async ({ blob }) => Buffer.from(`content of ${blob.sha256}`),
    keep: async (path) => {
      kept.push(path);
      return { sha256: 'ab'.repeat(32), size: 7 };
    },
    ...more,
  };
  return {
    ...{ task, told, kept, fields, notes },
    abort: (graceMs = 5_000) =>
      controller.abort(new TaskAbortedError('stopped', 'the user says so', graceMs)),
  };
}

export function inputOf(named: string, value: string | Uint8Array): RunInput {
  const previous = named.startsWith('previous/');
  const name = named.replace('previous/', '');
  if (typeof value !== 'string')
    return {
      ...{ name, previous, type: 'bytes', bytes: value, json: undefined },
      textAt: () => undefined,
    };
  if (checkJsonText(value).length > 0) throw new Error(`not JSON: ${value}`);
  return {
    ...{ name, previous, type: 'json', bytes: Buffer.from(value), json: value },
    textAt: (path) => {
      const found = path.reduce<unknown>(
        (part, step) => (part as Record<string, unknown> | undefined)?.[step],
        JSON.parse(value),
      );
      return typeof found === 'string' ? found : JSON.stringify(found);
    },
  };
}
