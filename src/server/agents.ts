/**
 * Keeps the agents of managed clusters running.
 *
 * M1. An agent outlives this process: it is a session of its own, and notes in its state folder who it is (pid, start time, address). One
 *     that is found again is adopted; one that dials another address is replaced. Whenever this process ends, the note is the agent's own.
 * M2. An agent that ends is started again, later each time, and without delay once it has lasted.
 * M3. When this process ends in order, agents without work end with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { AGENT_MODULE } from '../model/run.js';
import { endProcess, startOf } from '../store/process-info.js';
import { type AgentNote, readAgentNote } from './agent-note.js';

export interface ManagedAgentsDeps {
  /** The folder of all agents. */
  readonly dir: string;
  /** The program that is `tutti`. */
  readonly program: string;
  /** Where an agent dials. */
  readonly control: string;
  /** With which it registers where connections are not encrypted. */
  readonly token: string | undefined;
  /** A token with which the agent of a cluster enrols its key, where connections are encrypted. */
  readonly join?: (cluster: string) => Promise<string>;
  /** The clusters whose agents are to run now. */
  readonly wanted: () => Promise<readonly string[]>;
  readonly logger: Logger;
}

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 10_000;
/** An agent that has lasted so long ended for another reason than the last one. */
const LASTED_MS = 5_000;
/** The end of a process that is not a child shows only when it is looked at. */
const LOOK_EVERY_MS = 1_000;
/** An agent gives nothing back when it ends: it takes no time. */
const END_WITHIN_MS = 3_000;
/** Beyond that, the log begins anew, and the one before is kept. */
const LOG_BYTES = 10 * 1024 * 1024;
/** Of this process, not of its agents. */
const NOT_INHERITED = [
  'TUTTI_MODULE',
  'TUTTI_INSTANCE',
  'TUTTI_STATE',
  'TUTTI_JOIN',
  'TUTTI_CONTROL',
  'TUTTI_TOKEN',
  'TUTTI_STORE',
];

export class ManagedAgents {
  readonly #deps: ManagedAgentsDeps;
  readonly #keepers = new Map<string, Keeper>();
  #checking: Promise<void> = Promise.resolve();
  #isAsked = false;
  #hasStopped = false;

  constructor(deps: ManagedAgentsDeps) {
    this.#deps = deps;
  }

  /** Something may have changed: starts the agents that are missing and ends those that nobody wants. */
  check(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#checking = this.#checking.then(() => {
      this.#isAsked = false;
      return this.#check();
    });
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#hasStopped = true;
    await this.#checking;
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.leave()));
  }

  async #check(): Promise<void> {
    if (this.#hasStopped) return;
    try {
      const wanted = await this.#deps.wanted();
      for (const cluster of wanted) {
        if (this.#keepers.has(cluster)) continue;
        const keeper = new Keeper(cluster, this.#deps);
        this.#keepers.set(cluster, keeper);
        void keeper.run();
      }
      for (const [cluster, keeper] of [...this.#keepers]) {
        if (wanted.includes(cluster)) continue;
        this.#keepers.delete(cluster);
        await keeper.remove();
      }
    } catch (thrown) {
      this.#deps.logger.error(`the agents could not be supervised:  ${messageOf(thrown)}`);
    }
  }
}

/** Keeps the agent of one cluster running. */
class Keeper {
  readonly #cluster: string;
  readonly #deps: ManagedAgentsDeps;
  readonly #dir: string;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  /** The agent that this process has started last; it may not have noted itself yet. */
  #child: Pick<AgentNote, 'pid' | 'started'> | undefined;

  constructor(cluster: string, deps: ManagedAgentsDeps) {
    this.#cluster = cluster;
    this.#deps = deps;
    this.#dir = join(deps.dir, cluster);
  }

  run(): Promise<void> {
    this.#running ??= this.#keep();
    return this.#running;
  }

  /** The cluster is gone, and its agent with it. */
  async remove(): Promise<void> {
    await this.#stop();
    await this.#end();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** M3 */
  async leave(): Promise<void> {
    await this.#stop();
    const isAtWork = list(this.#stateDir).some((name) => name.endsWith('.execution'));
    if (!isAtWork) await this.#end();
  }

  async #stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #end(): Promise<void> {
    for (const agent of [readAgentNote(this.#stateDir), this.#child])
      if (agent) await endProcess(agent.pid, agent.started, END_WITHIN_MS).catch(() => {});
  }

  /** M2. */
  async #keep(): Promise<void> {
    const { signal } = this.#stopped;
    const { logger } = this.#deps;
    const cluster = this.#cluster;
    for (let backoffMs = BACKOFF_FIRST_MS; !signal.aborted; ) {
      const begun = performance.now();
      try {
        const how = await this.#once();
        if (signal.aborted) return;
        logger.warn({ cluster }, `the agent of cluster ${cluster} has ended (${how}); it is started again`);
      } catch (thrown) {
        logger.error({ cluster }, `the agent of cluster ${cluster} cannot be started: ${messageOf(thrown)}`);
      }
      if (performance.now() - begun > LASTED_MS) backoffMs = BACKOFF_FIRST_MS;
      await delay(backoffMs, undefined, { signal, ref: false }).catch(() => {});
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
    }
  }

  /** Finds the agent or starts it; settles when it has ended, or with the signal. */
  async #once(): Promise<string> {
    const { control, logger } = this.#deps;
    const note = readAgentNote(this.#stateDir);
    const isThere = note !== undefined && (await startOf(note.pid)) === note.started;
    if (isThere && note.control === control) {
      logger.info(
        { cluster: this.#cluster, pid: note.pid },
        `the agent of cluster ${this.#cluster} is still there`,
      );
      return await this.#untilGone(note);
    }
    if (isThere) await this.#end();
    return await this.#start();
  }

  /** M1. */
  async #untilGone({ pid, started }: AgentNote): Promise<string> {
    const { signal } = this.#stopped;
    while (!signal.aborted && (await startOf(pid)) === started)
      await delay(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
    return `pid ${pid}`;
  }

  async #start(): Promise<string> {
    const { control, token, join: joinToken, program, logger } = this.#deps;
    const cluster = this.#cluster;
    const state = this.#stateDir;
    mkdirSync(state, { recursive: true, mode: 0o700 });
    const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.includes(name));
    const env = {
      ...Object.fromEntries(inherited),
      TUTTI_CONTROL: control,
      ...(token !== undefined && !joinToken && { TUTTI_TOKEN: token }),
      ...(joinToken && { TUTTI_KEYS: join(this.#dir, 'keys') }),
      ...(joinToken && !this.#hasJoined() && { TUTTI_JOIN: await joinToken(cluster) }),
    };
    const log = this.#openLog();
    let child: ChildProcess;
    try {
      const args = [program, 'agent', '--cluster', cluster, '--state', state];
      child = spawn(process.execPath, args, { env, detached: true, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
    const ended = new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, killed) => resolve(killed ?? `exit code ${code}`));
    });
    ended.catch(() => {});
    child.unref();
    const { pid } = child;
    const started = pid === undefined ? undefined : await startOf(pid);
    if (pid !== undefined && started !== undefined) {
      this.#child = { pid, started };
      logger.info({ cluster, pid }, `started the agent of cluster ${cluster}`);
    }
    const { signal } = this.#stopped;
    return await Promise.race([ended, aborted(signal)]);
  }

  /** Whether the agent has a key that this orchestrator knows; the file is that of the SDK (`sdk/keys.ts`). */
  #hasJoined(): boolean {
    const file = join(this.#dir, 'keys', `${AGENT_MODULE}.json`);
    return existsSync(file) && readFileSync(file, 'utf8').includes(JSON.stringify(this.#deps.control));
  }

  #openLog(): number {
    const path = join(this.#dir, 'agent.log');
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES) renameSync(path, `${path}.1`);
    return openSync(path, 'a', 0o600);
  }

  get #stateDir(): string {
    return join(this.#dir, 'state');
  }
}

function list(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('');
    else signal.addEventListener('abort', () => resolve(''), { once: true });
  });
}
