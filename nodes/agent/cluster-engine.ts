/**
 * The engines: each request is answered by a fixed program on the cluster, in a shell that a reach has opened. What differs between
 * processes, Slurm and Torque stands in that program (`cluster/request.sh`) and in `observation.ts`.
 */
import {
  type Capacity,
  type Engine,
  EngineRefused,
  EngineUnavailable,
  type Launch,
  type LogStream,
  type Observed,
  type Range,
  type UnavailableCode,
} from './engine.js';
import { readObservation } from './observation.js';
import { checkKey, checkLaunch, checkPath, packageLaunch, requestLimits } from './package-launch.js';
import type { Reach } from './reach.js';
import { Shells } from './shells.js';

export type EngineKind = 'process' | 'slurm' | 'torque';

export interface ClusterEngineOptions {
  readonly kind: EngineKind;
  readonly reach: Reach;
  /** On the cluster; made if it is not there. A relative path, or one that begins with `~/`, is below the home folder. */
  readonly workdir: string;
}

/** A batch system's client is given up after 20 s on the cluster; a connection may have to be made before. */
const REQUEST_TIMEOUT_MS = 60_000;
/** A slow line still carries a mebibyte in this time. */
const TRANSFER_MS_PER_MIB = 2000;
/** One wait on the cluster. A shell over there that can no longer be ended goes on for no longer than this. */
const MAX_WAIT_MS = 30_000;
/** A command whose wrapper is gone writes no end after `stop`: so often it is looked for. A batch system is asked each time. */
const STOP_INTERVAL_MS = 1000;
/** After the grace period, the runner has this long to send SIGKILL and write the end, before it is done without it. */
const STOP_MARGIN_MS = 5000;

const CODES: readonly UnavailableCode[] = ['missing_command', 'workdir', 'silent'];

export class ClusterEngine implements Engine {
  readonly #options: Pick<ClusterEngineOptions, 'kind' | 'workdir'>;
  readonly #shells: Shells;

  constructor({ kind, reach, workdir }: ClusterEngineOptions) {
    if (workdir === '' || /[\0\r\n]/.test(workdir)) {
      throw new RangeError('workdir must be a path without line breaks');
    }
    this.#options = { kind, workdir };
    this.#shells = new Shells(reach);
  }

  async launch(launch: Launch, signal?: AbortSignal): Promise<{ readonly engineId: string }> {
    checkLaunch(launch);
    const bytes = launch.files.reduce((sum, file) => sum + file.bytes.length, 0);
    const id = await this.#request('launch', [launch.key, ...requestLimits(launch.resources ?? {})], {
      data: await packageLaunch(launch),
      timeoutMs: REQUEST_TIMEOUT_MS + (bytes / 1024 ** 2) * TRANSFER_MS_PER_MIB,
      signal,
    });
    const engineId = id.toString('utf8').trim();
    return { engineId: engineId === '-' ? '' : engineId };
  }

  async observe(keys: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, Observed>> {
    if (keys.length === 0) return new Map();
    for (const key of keys) checkKey(key);
    const text = await this.#request('observe', keys, { signal });
    return readObservation(text.toString('utf8'), keys, this.#options.kind !== 'process');
  }

  async waitForEnd(keys: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<void> {
    for (const key of keys) checkKey(key);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const left = Math.ceil(deadline - performance.now());
      if (left <= 0) return;
      const span = Math.min(left, MAX_WAIT_MS);
      try {
        const answer = await this.#request('wait', [String(span), ...keys], {
          timeoutMs: span + REQUEST_TIMEOUT_MS,
          signal,
        });
        if (answer.length > 0) return;
      } catch (error) {
        if (signal?.aborted) return;
        throw error;
      }
    }
  }

  readLog(key: string, stream: LogStream, range: Range): Promise<Uint8Array | undefined> {
    return this.#read(key, stream, range);
  }

  async readFile(key: string, path: string, range: Range): Promise<Uint8Array | undefined> {
    checkPath(path);
    return this.#read(key, `work/${path}`, range);
  }

  async stop(key: string, graceMs: number): Promise<void> {
    checkKey(key);
    const patience = performance.now() + graceMs + STOP_MARGIN_MS;
    for (let how: 'stop' | 'kill' = 'stop'; ; ) {
      const answer = await this.#request(how, [key, String(Math.max(0, Math.ceil(graceMs)))], {});
      if (answer.toString('utf8').trim() === 'over') return;
      await this.waitForEnd([key], STOP_INTERVAL_MS);
      if (performance.now() > patience) how = 'kill';
    }
  }

  async remove(key: string): Promise<void> {
    checkKey(key);
    await this.#request('remove', [key], {});
  }

  async probe(signal?: AbortSignal): Promise<Capacity> {
    const text = (await this.#request('probe', [], { signal })).toString('utf8');
    const number = (name: string) => {
      const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
      return found === undefined ? undefined : Number(found);
    };
    const [cpus, memoryBytes, gpus] = [number('cpus'), number('memory'), number('gpus')];
    return {
      ...(cpus && { cpus }),
      ...(memoryBytes && { memoryBytes }),
      ...(gpus !== undefined && { gpus }),
    };
  }

  close(): Promise<void> {
    return this.#shells.close();
  }

  async #read(key: string, path: string, { offset = 0, maxBytes }: Range): Promise<Uint8Array | undefined> {
    checkKey(key);
    try {
      return await this.#request('read', [`${key}/${path}`, String(offset), String(maxBytes)], {
        timeoutMs: REQUEST_TIMEOUT_MS + (maxBytes / 1024 ** 2) * TRANSFER_MS_PER_MIB,
      });
    } catch (error) {
      if (error instanceof NoSuchFile) return undefined;
      throw error;
    }
  }

  async #request(
    name: string,
    args: readonly string[],
    rest: { data?: readonly Uint8Array[]; timeoutMs?: number; signal?: AbortSignal | undefined },
  ): Promise<Buffer> {
    const { kind, workdir } = this.#options;
    const { exitCode, stdout, stderr } = await this.#shells.ask({
      args: [name, kind, workdir, ...args],
      ...(rest.data && { data: rest.data }),
      timeoutMs: rest.timeoutMs ?? REQUEST_TIMEOUT_MS,
      signal: rest.signal,
    });
    // A program of the cluster may have said something before.
    const said = stderr
      .slice(stderr.lastIndexOf('\ntutti: ') + 1)
      .replace(/^tutti: /, '')
      .trim();
    switch (exitCode) {
      case 0:
        return stdout;
      case 4:
        throw new NoSuchFile();
      case 5:
        throw new EngineRefused(said);
      case 6: {
        const code = CODES.find((known) => said.startsWith(`${known} `));
        if (code) throw new EngineUnavailable(code, said.slice(code.length + 1));
      }
    }
    throw new EngineUnavailable('unreachable', `the cluster answered with exit code ${exitCode}: ${said}`);
  }
}

/** Stays inside this file: the callers of the engine get `undefined`. */
class NoSuchFile extends Error {}
