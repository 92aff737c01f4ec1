/** The system under attack: an orchestrator and its nodes as processes, the network between them, and clocks and a disk to tamper with. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  closeSync,
  createWriteStream,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { python } from '../python/python.js';
import { agentOf, endAgents } from '../support/agents.js';
import type { Slurm } from '../support/slurm.js';
import { bundle } from './bundle.mjs';
import {
  type CommandFiles,
  type LiveProcess,
  liveProcesses,
  MANAGED_CLUSTERS,
  prepareCommands,
  REMOTE_CLUSTER,
  sendSignal,
} from './commands.js';
import { Network } from './network.js';
import { Subscribers } from './subscribers.js';

/** Where nodes find the orchestrator: its own ports, at an address of the network's. */
const NODES_HOST = '127.0.0.2';
const HOST = '127.0.0.1';
const READY_MS = 60_000;
/** Longer than a run, whatever is done to the clocks. */
const JOIN_MS = 30 * 24 * 60 * 60 * 1000;

export interface Ready {
  readonly http: string;
  readonly control: string;
  readonly outputs: string;
  readonly public_key?: string;
  readonly epoch: number;
}

/** A process with its output in a file. */
export class Process {
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  isRunning = true;
  isStopped = false;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #onLine: (() => void) | undefined;

  constructor(command: readonly string[], env: NodeJS.ProcessEnv, log: string) {
    const [program, ...args] = command;
    this.#child = spawn(program!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const file = createWriteStream(log, { flags: 'a' });
    this.#child.stderr!.pipe(file, { end: false });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      file.write(text);
      this.#lines.push(...text.split('\n'));
      this.#onLine?.();
    });
    this.exited = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => {
        this.isRunning = false;
        file.end();
        this.#onLine?.();
        resolve({ code, signal });
      }),
    );
  }

  get pid(): number {
    return this.#child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.isRunning) return;
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') this.isStopped = signal === 'SIGSTOP';
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** The first line that begins so; nothing when the process ends without it. */
  async line(beginning: string): Promise<string | undefined> {
    for (;;) {
      const found = this.#lines.find((line) => line.startsWith(beginning));
      if (found !== undefined) return found.slice(beginning.length);
      if (!this.isRunning) return undefined;
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }
}

export interface Tools {
  /** Libraries to preload; empty where there is no C compiler. */
  readonly preload: readonly string[];
  readonly node: string;
}

/** Compiles what the processes need into the run's folder. */
export async function prepareTools(root: string, folder: string): Promise<Tools> {
  const preload: string[] = [];
  for (const source of ['test/chaos/step-clock.c', 'test/store/slow-sync.c']) {
    const library = join(folder, `${preload.length}.so`);
    try {
      await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, join(root, source), '-ldl']);
      preload.push(library);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return { preload, node: await bundle(root, 'test/chaos/node.ts') };
}

export interface SystemOptions {
  readonly root: string;
  /** Of this run: data, journals, logs. */
  readonly folder: string;
  readonly journals: string;
  readonly seed: number;
  readonly tools: Tools;
  /** Whether nodes, agents and subscribers join with keys, over CURVE. */
  readonly curve: boolean;
  /** Where there is one, commands run in it, too. */
  readonly slurm?: Slurm | undefined;
}

/** `raw` writes down what it says; `sdk` and `python` have an SDK; an `agent` is that of a cluster. */
export type NodeKind = 'raw' | 'sdk' | 'python' | 'agent';

export class NodeSlot {
  process: Process | undefined;
  /** An older process of the same instance that may still be there. */
  readonly others: Process[] = [];
  wanted = true;

  constructor(
    readonly module: string,
    readonly instance: string,
    readonly kind: NodeKind,
    /** The token with which it joins, or empty. */
    readonly join: string,
  ) {}
}

export class System {
  readonly data: string;
  readonly slots: NodeSlot[] = [];
  orchestrator: Process | undefined;
  ready: Ready | undefined;
  networks: { readonly control: Network; readonly outputs: Network; readonly blobs: Network } | undefined;
  restarts = 0;
  /** Ends of the orchestrator's process that nobody had asked for. */
  readonly crashes: string[] = [];
  readonly #options: SystemOptions;
  readonly #clock: string;
  readonly #fullMark: string;
  readonly #files: CommandFiles;
  #remoteAgent: NodeSlot | undefined;
  #ports: readonly number[] = [];
  #ended = false;

  constructor(options: SystemOptions) {
    this.#options = options;
    this.data = join(options.folder, 'data');
    this.#clock = join(options.folder, 'clock');
    this.#fullMark = join(options.folder, 'disk-is-full');
    writeFileSync(this.#clock, Buffer.alloc(8));
    const { root, folder, journals, slurm } = options;
    this.#files = prepareCommands(root, folder, journals, slurm !== undefined);
  }

  get slurm(): Slurm | undefined {
    return this.#options.slurm;
  }

  /** The processes of all agents. */
  async agents(): Promise<number[]> {
    const managed = await Promise.all(MANAGED_CLUSTERS.map((cluster) => agentOf(this.data, cluster)));
    const remote = this.#remoteAgent?.process;
    return [...managed.flatMap((agent) => agent?.pid ?? []), ...(remote?.isRunning ? [remote.pid] : [])];
  }

  commands(): LiveProcess[] {
    return liveProcesses(this.#files.journal);
  }

  get http(): string {
    return `http://${HOST}:${this.#ports[3]}`;
  }

  get canTamper(): boolean {
    return this.#options.tools.preload.length > 0;
  }

  async start(): Promise<void> {
    this.#ports = await freePorts(4);
    const [control, outputs, , http] = this.#ports as [number, number, number, number];
    await this.startOrchestrator();
    const between = (port: number) => Network.between({ host: NODES_HOST, port }, { host: HOST, port });
    this.networks = {
      control: await between(control),
      outputs: await between(outputs),
      blobs: await between(http),
    };
    this.#remoteAgent = await this.#slotOf('tutti.agent', REMOTE_CLUSTER, 'agent');
    void this.#supervise(this.#remoteAgent);
  }

  /** Starts one and waits until it takes work. Resolves to whether it does; it does not when it is killed before. */
  async startOrchestrator(args: readonly string[] = []): Promise<boolean> {
    const { root, folder } = this.#options;
    const graph = (name: string) => ['--graph', join(root, `test/chaos/graphs/${name}.yaml`)];
    const [control, outputs, events, http] = this.#ports;
    const ports = [
      ...['--control-port', `${control}`, '--outputs-port', `${outputs}`],
      ...['--events-port', `${events}`, '--http-port', `${http}`],
    ];
    const command = [
      ...[join(root, 'dist/src/cli/main.js'), 'up', '--data', this.data, '--advertise', NODES_HOST, ...ports],
      ...[
        ...graph('line'),
        ...graph('web'),
        '--graph',
        this.#files.graph,
        '--config',
        this.#files.config,
        '--grace',
        '2s',
        '--heartbeat-interval',
        '300ms',
        '--curve',
        this.#options.curve ? 'on' : 'off',
      ],
      ...['--log-level', 'warn', ...args],
    ];
    const env = {
      ...withoutTutti(),
      LD_PRELOAD: this.#options.tools.preload.join(':'),
      TUTTI_CLOCK_STEP: this.#clock,
      TUTTI_DISK_FULL: this.#fullMark,
      ...this.slurm?.env,
    };
    const log = join(folder, 'orchestrator.log');
    const child = new Process([process.execPath, ...command], env, log);
    this.orchestrator = child;
    const timeout = setTimeout(() => child.signal('SIGKILL'), READY_MS);
    const line = await child.line('ready ');
    clearTimeout(timeout);
    if (line === undefined) return false;
    this.ready = JSON.parse(line) as Ready;
    void child.exited.then(({ code, signal }) => {
      if (signal !== 'SIGKILL' && code !== 0) this.crashes.push(`it ended with ${signal ?? code}`);
    });
    return true;
  }

  /** Until it takes work again: a port may still be taken, or the disk be full. */
  async restartOrchestrator(args: readonly string[] = []): Promise<void> {
    this.restarts += 1;
    for (let tries = 1; !(await this.startOrchestrator(args)); tries += 1) {
      if (tries === 100) throw new Error(`the orchestrator does not start: see ${this.#options.folder}`);
      await delay(50);
    }
  }

  /**
   * With the orchestrator gone: copies its data directory, verifies the copy and puts it in the place of the original. Nothing is lost
   * by it, and the store is another one.
   */
  async restoreBackup(): Promise<void> {
    const { root, folder } = this.#options;
    const backup = join(folder, 'backup');
    rmSync(backup, { recursive: true, force: true });
    for (const args of [
      ['backup', backup, '--data', this.data],
      ['check', backup],
      ['restore', backup, '--data', this.data],
    ]) {
      const command = [join(root, 'dist/src/cli/main.js'), ...args];
      await promisify(execFile)(process.execPath, command, { env: withoutTutti() }).catch(
        (error: { stdout: string; stderr: string }) =>
          this.crashes.push(`tutti ${args[0]} failed: ${error.stdout}${error.stderr}`),
      );
    }
  }

  async addSlot(module: string, instance: string, kind: NodeKind): Promise<void> {
    const slot = await this.#slotOf(module, instance, kind);
    this.slots.push(slot);
    void this.#supervise(slot);
  }

  /** Peers of the events socket, which nothing is done to but what is done to the orchestrator. */
  async subscribers(): Promise<Subscribers> {
    const serverKey = this.ready?.public_key;
    const enrol = async (key: string): Promise<void> => {
      await this.#post('/v1/node-keys/subscribers', { key });
    };
    return Subscribers.start({
      ...{ endpoint: `tcp://${HOST}:${this.#ports[2]}`, folder: this.#options.journals },
      ...(serverKey !== undefined && { curve: { serverKey, enrol } }),
    });
  }

  /** One more process of the instance, while the other one may still be there. */
  startTwin(slot: NodeSlot): void {
    if (slot.process) slot.others.push(slot.process);
    slot.process = this.#startNode(slot);
    void this.#supervise(slot, slot.process);
  }

  /** Steps the wall clocks of all processes by so much. */
  stepClock(ms: number): void {
    const bytes = readFileSync(this.#clock);
    bytes.writeBigInt64LE(BigInt(Math.round(ms)));
    const file = openSync(this.#clock, 'r+');
    writeSync(file, bytes, 0, 8, 0);
    closeSync(file);
  }

  fillDisk(full: boolean): void {
    if (full) writeFileSync(this.#fullMark, '');
    else rmSync(this.#fullMark, { force: true });
  }

  async stop(): Promise<void> {
    this.#ended = true;
    for (const slot of this.slots) {
      slot.wanted = false;
      for (const child of [slot.process, ...slot.others]) child?.signal('SIGKILL');
    }
    if (this.#remoteAgent) this.#remoteAgent.wanted = false;
    this.#remoteAgent?.process?.signal('SIGKILL');
    await this.orchestrator?.kill();
    await endAgents(this.data);
    for (const { pid } of this.commands()) sendSignal(pid, 'SIGKILL');
    for (const network of Object.values(this.networks ?? {})) await (network as Network).close();
  }

  async #slotOf(module: string, instance: string, kind: NodeKind): Promise<NodeSlot> {
    const body = { module, instance, uses: 1, expires_in_ms: JOIN_MS };
    const join = this.#options.curve ? await this.#post('/v1/node-keys/joins', body) : { token: '' };
    return new NodeSlot(module, instance, kind, String(join.token));
  }

  async #post(path: string, body: object): Promise<Record<string, unknown>> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(this.http + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  }

  #startNode({ module, instance, kind, join: token }: NodeSlot): Process {
    const { root, folder, journals, seed, tools } = this.#options;
    const env = {
      ...withoutTutti(),
      LD_PRELOAD: tools.preload[0] ?? '',
      TUTTI_CLOCK_STEP: this.#clock,
      TUTTI_CONTROL: `tcp://${NODES_HOST}:${this.#ports[0]}`,
      TUTTI_MODULE: module,
      TUTTI_INSTANCE: instance,
      // Each instance has a key of its own, which its processes share.
      TUTTI_KEYS: join(folder, 'keys', instance),
      TUTTI_JOIN: token,
      CHAOS_JOURNALS: journals,
      CHAOS_SEED: String(seed),
      PYTHONPATH: join(root, 'python/src'),
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const commands = {
      raw: [process.execPath, tools.node],
      sdk: [process.execPath, join(root, 'test/chaos/sdk-node.mjs')],
      python: [python, join(root, 'test/chaos/sdk_node.py')],
      agent: [
        ...[process.execPath, join(root, 'dist/src/cli/main.js'), 'agent'],
        ...['--cluster', instance, '--state', join(folder, `agent-${instance}`)],
      ],
    };
    return new Process(commands[kind], env, join(folder, `node-${instance}.log`));
  }

  /** Somebody outside starts a node again whenever it has ended. */
  async #supervise(slot: NodeSlot, first?: Process): Promise<void> {
    let child = first;
    while (slot.wanted && !this.#ended) {
      child ??= this.#startNode(slot);
      slot.process = child;
      await child.exited;
      // A twin has its own supervisor.
      if (slot.process !== child) return;
      await delay(100);
      child = undefined;
    }
  }
}

function withoutTutti(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TUTTI|VITEST|NODE_OPT)/.test(name)),
  );
}

/** Free on both addresses at this moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '0.0.0.0'));
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.once('listening', () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
