/** What a run consists of: one orchestrator, and nodes that are started again whenever they end, as a service manager does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { python } from '../python/python.js';
import type { Language } from './cases.js';
import { processesOf, type Seen } from './machine.js';

const READY_MS = 60_000;
const RESTART_MS = 100;
/** An end within this time after a kill follows from it: whatever is left of a node ends in its own time. */
const CONSEQUENCE_MS = 10_000;
/** The grace of a node, and that of those that it waits for. */
const END_MS = 20_000;

export interface SlotSpec {
  /** Also the module that it plays, and its graph. */
  readonly name: string;
  readonly language: Language;
  readonly env: Readonly<Record<string, string>>;
}

/** One of a process of the slot, at a time of the wall clock. */
export interface Death {
  readonly slot: string;
  readonly at: number;
  readonly what: string;
}

export interface Slot extends SlotSpec {
  process: ChildProcess | undefined;
  starts: number;
}

export class System {
  readonly run: string;
  readonly scratch: string;
  readonly slots: Slot[];
  readonly deaths: Death[] = [];
  readonly faults: string[] = [];
  http = '';
  orchestrator: ChildProcess | undefined;
  readonly #root: string;
  readonly #folder: string;
  #control = '';
  #isEnding = false;

  constructor(root: string, folder: string, run: string, slots: readonly SlotSpec[]) {
    this.#root = root;
    this.#folder = folder;
    this.run = run;
    this.scratch = join(folder, 'scratch');
    this.slots = slots.map((slot) => ({ ...slot, process: undefined, starts: 0 }));
  }

  async start(): Promise<void> {
    await mkdir(this.scratch, { recursive: true });
    const graphs = this.slots.flatMap(({ name }) =>
      [name, `${name}_once`].flatMap((graph) => [
        '--graph',
        join(this.#root, `test/soak/graphs/${graph}.yaml`),
      ]),
    );
    const ports = ['http', 'control', 'outputs', 'events'].flatMap((name) => [`--${name}-port`, '0']);
    const command = [
      join(this.#root, 'dist/src/cli/main.js'),
      ...['up', '--data', join(this.#folder, 'data'), '--log-level', 'warn', ...ports, ...graphs],
    ];
    const child = this.#spawn('orchestrator', [process.execPath, ...command], {}, 'pipe');
    this.orchestrator = child;
    child.once('exit', (code, signal) => {
      if (!this.#isEnding) this.faults.push(`the orchestrator ended with ${signal ?? code}`);
    });
    const ready = JSON.parse(await readyLine(child)) as { http: string; control: string };
    this.http = ready.http;
    this.#control = ready.control;
    for (const slot of this.slots) void this.#supervise(slot);
  }

  /** The processes of a slot, its own first. */
  processes(slot: Slot): Seen[] {
    return processesOf(this.run)
      .filter((seen) => seen.slot === slot.name)
      .sort((a, b) => Number(b.pid === slot.process?.pid) - Number(a.pid === slot.process?.pid));
  }

  kill(slot: Slot, victim: Seen, what: string): void {
    this.deaths.push({ slot: slot.name, at: Date.now(), what });
    try {
      process.kill(victim.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }

  /** By a kill, or by its handler. */
  died(slot: string, from: number, to: number): Death | undefined {
    return [...this.deaths, ...this.#ownDeaths()].find(
      (death) => death.slot === slot && death.at >= from && death.at <= to,
    );
  }

  /** Ends the nodes as a person does, then the orchestrator; what is left of the run after that is a fault. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.slots.map((slot) => this.#ends(slot.name, slot.process)));
    const left = await leftOf(this.run, (seen) => seen.slot !== 'orchestrator');
    for (const { slot, command } of left) this.faults.push(`left over of ${slot}: ${command}`);
    await this.#ends('orchestrator', this.orchestrator);
  }

  /** Whatever there still is. */
  killAll(): void {
    this.#isEnding = true;
    for (const { pid } of processesOf(this.run)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  async #ends(name: string, child: ChildProcess | undefined): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<string>((resolve) =>
      child.once('exit', (code, signal) => resolve(String(signal ?? code))),
    );
    child.kill('SIGTERM');
    const ended = await Promise.race([exited, delay(END_MS).then(() => 'nothing')]);
    if (ended !== '0') this.faults.push(`${name} answered SIGTERM with ${ended}`);
  }

  async #supervise(slot: Slot): Promise<void> {
    while (!this.#isEnding) {
      const command = {
        python: [python, join(this.#root, 'test/soak/node.py')],
        typescript: [process.execPath, join(this.#root, 'test/soak/node.mjs')],
      }[slot.language];
      const child = this.#spawn(slot.name, command, {
        TUTTI_CONTROL: this.#control,
        TUTTI_MODULE: slot.name,
        TUTTI_INSTANCE: slot.name,
        PYTHONPATH: join(this.#root, 'python/src'),
        PYTHONDONTWRITEBYTECODE: '1',
        SOAK_SCRATCH: this.scratch,
        ...slot.env,
      });
      slot.process = child;
      slot.starts += 1;
      const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
        child.once('exit', (...ended) => resolve(ended)),
      );
      if (this.#isEnding) return;
      const now = Date.now();
      if (this.died(slot.name, now - CONSEQUENCE_MS, now) === undefined)
        this.faults.push(`${slot.name} ended by itself with ${signal ?? code}`);
      // As a service manager does: nothing of the former process stays beside the next.
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // Nothing is left of it.
      }
      await delay(RESTART_MS);
    }
  }

  #ownDeaths(): Death[] {
    const file = join(this.scratch, 'deaths');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '))
      .map(([at, slot]) => ({ slot: slot!, at: Number(at), what: 'its handler' }));
  }

  #spawn(
    slot: string,
    [program, ...args]: readonly string[],
    env: Readonly<Record<string, string>>,
    stdout: 'pipe' | 'log' = 'log',
  ): ChildProcess {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(TUTTI|VITEST|NODE_OPT)/.test(name));
    const log = openSync(join(this.#folder, `${slot}.log`), 'a');
    const child = spawn(program!, args, {
      env: { ...Object.fromEntries(inherited), ...env, SOAK_RUN: this.run, SOAK_SLOT: slot },
      stdio: ['ignore', stdout === 'pipe' ? 'pipe' : log, log],
      detached: true,
    });
    closeSync(log);
    return child;
  }
}

/** Those that are still there after a while. */
async function leftOf(run: string, counts: (seen: Seen) => boolean): Promise<Seen[]> {
  let left: Seen[] = [];
  for (let tries = 0; tries < 50; tries += 1) {
    left = processesOf(run).filter(counts);
    if (left.length === 0) return [];
    await delay(100);
  }
  return left;
}

async function readyLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timeout = setTimeout(() => reject(new Error('the orchestrator is not ready')), READY_MS);
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const line = /^ready (.*)$/m.exec(text)?.[1];
      if (line === undefined || !text.endsWith('\n')) return;
      clearTimeout(timeout);
      resolve(line);
    });
    child.once('exit', () => reject(new Error(`the orchestrator ended: ${text}`)));
  });
}
