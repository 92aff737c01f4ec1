/**
 * One trial: replicas of one service on clusters whose agents dial in from elsewhere, as real processes. They are brought up, a quarter of the clusters
 * falls silent and is replaced, comes back and has its surplus stopped, and then everything stops.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processesOf, type Seen } from './processes.js';

export interface TrialOptions {
  readonly root: string;
  readonly folder: string;
  readonly replicas: number;
  readonly agents: number;
  /** Of the agents: those that are killed. */
  readonly lost: number;
}

/** Milliseconds of each phase. */
export interface Figures {
  /** From the application of the service until all its replicas run. */
  readonly bringUp: number;
  /** From the kill of the agents until as many replicas run on the other clusters; `LOST_AFTER_MS` and the silence are in it. */
  readonly loss: number;
  /** From the start of the agents until no process is left that nobody asks for. */
  readonly surplus: number;
  /** From the command until no replica has a process. */
  readonly stop: number;
}

const LOST_AFTER_MS = 2000;
const LOOK_MS = 100;
const PHASE_MS = 300_000;
const SERVICE = 'fleet';

interface ShownReplica {
  readonly cluster: string | null;
  readonly observed: string;
}

export class Trial {
  readonly #options: TrialOptions;
  readonly #mark: string;
  readonly #processes = new Map<string, ChildProcess>();
  #http = '';
  #control = '';

  constructor(options: TrialOptions) {
    this.#options = options;
    this.#mark = `${process.pid}-${Date.now()}`;
  }

  async run(): Promise<Figures> {
    const { replicas, agents, lost } = this.#options;
    await this.#start();
    const names = Array.from({ length: agents }, (_, index) => `c${index + 1}`);
    for (const name of names) await this.#addCluster(name);
    for (const name of names) this.#startAgent(name);
    await this.#until('every agent is online', async () => {
      const { items } = await this.#call('GET', '/v1/clusters');
      return items.filter((each: { agent_state: string }) => each.agent_state === 'online').length === agents;
    });
    const bringUp = await this.#timed(
      'every replica runs',
      () => this.#apply(),
      async () => {
        const shown = await this.#running();
        return shown.length === replicas && this.#replicas().size === replicas;
      },
    );
    const gone = names.slice(0, lost);
    const kill = () => Promise.all(gone.map((name) => this.#end(name, 'SIGKILL')));
    const loss = await this.#timed('what was lost is replaced', kill, async () => {
      const shown = await this.#running();
      return shown.filter(({ cluster }) => !gone.includes(cluster ?? '')).length === replicas;
    });
    const restart = (): void => gone.forEach((name) => void this.#startAgent(name));
    const surplus = await this.#timed('the surplus is stopped', restart, async () => {
      const shown = await this.#running();
      return shown.length === replicas && this.#replicas().size === replicas;
    });
    const stopAll = () => this.#call('POST', `/v1/services/${SERVICE}/commands`, { command: 'stop' });
    const stop = await this.#timed('no replica has a process', stopAll, () => this.#replicas().size === 0);
    await this.#call('DELETE', `/v1/services/${SERVICE}`);
    for (const name of [...names, 'orchestrator']) await this.#end(name, 'SIGTERM');
    return { bringUp, loss, surplus, stop };
  }

  /** Whatever there still is of it. */
  left(): Seen[] {
    return processesOf(this.#mark, this.#options.folder);
  }

  killAll(): void {
    for (const { pid } of this.left()) process.kill(pid, 'SIGKILL');
  }

  async #start(): Promise<void> {
    const ports = ['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']);
    const args = ['up', '--data', join(this.#options.folder, 'data'), '--log-level', 'warn', ...ports];
    const child = this.#spawn('orchestrator', args, {});
    const ready = JSON.parse(await readyLine(child)) as { http: string; control: string };
    this.#http = ready.http;
    this.#control = ready.control;
  }

  #startAgent(cluster: string): void {
    const state = join(this.#options.folder, 'agents', cluster);
    mkdirSync(state, { recursive: true });
    this.#spawn(cluster, ['agent', '--cluster', cluster, '--state', state], { TUTTI_CONTROL: this.#control });
  }

  #spawn(name: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const inherited = Object.entries(process.env).filter(([variable]) => !variable.startsWith('TUTTI_'));
    const child = spawn(process.execPath, [join(this.#options.root, 'dist/src/cli/main.js'), ...args], {
      env: { ...Object.fromEntries(inherited), FLEET_TRIAL: this.#mark, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#processes.set(name, child);
    return child;
  }

  #end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#processes.get(name)!;
    return new Promise((resolve) => {
      child.once('close', () => resolve());
      child.kill(signal);
    });
  }

  async #addCluster(name: string): Promise<void> {
    const { folder, replicas, agents, lost } = this.#options;
    const slots = Math.ceil(replicas / (agents - lost)) + 1;
    await this.#call('POST', '/v1/clusters', {
      ...{ name, type: 'local', agent: 'remote', slots, resources: { cpus: slots } },
      ...{ labels: { fleet: 'yes' }, workdir: join(folder, 'work', name) },
    });
  }

  async #apply(): Promise<void> {
    await this.#call('PUT', `/v1/services/${SERVICE}`, {
      ...{ count: this.#options.replicas, command: ['sleep', '1000000'], require: { fleet: 'yes' } },
      env: { FLEET_TRIAL: this.#mark },
      disconnect: { lost_after: `${LOST_AFTER_MS / 1000}s`, replace: true },
    });
  }

  async #running(): Promise<readonly ShownReplica[]> {
    const { replicas } = await this.#call('GET', `/v1/services/${SERVICE}`);
    return (replicas as readonly ShownReplica[]).filter(({ observed }) => observed === 'running');
  }

  /** Those that have processes. */
  #replicas(): ReadonlySet<string> {
    return new Set(this.left().flatMap(({ replica }) => replica ?? []));
  }

  async #timed(
    what: string,
    begin: () => unknown,
    isDone: () => boolean | Promise<boolean>,
  ): Promise<number> {
    const began = performance.now();
    await begin();
    await this.#until(what, isDone);
    return performance.now() - began;
  }

  async #until(what: string, isDone: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + PHASE_MS;
    while (!(await isDone())) {
      if (performance.now() > end) throw new Error(`it took longer than ${PHASE_MS / 1000} s until ${what}`);
      await delay(LOOK_MS);
    }
  }

  // The answers are those of docs/api.md.
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  async #call(method: string, path: string, body?: unknown): Promise<any> {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const reply = await fetch(this.#http + path, { method, headers, ...init });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path} is answered with ${reply.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

function readyLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('close', (code) => reject(new Error(`the orchestrator ended with ${code}: ${text}`)));
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const line = text.split('\n').find((one) => one.startsWith('ready '));
      if (line !== undefined) resolve(line.slice('ready '.length));
    });
  });
}
