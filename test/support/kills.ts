/**
 * What a table of kills needs: work that files hold where it is, and the processes that are killed meanwhile. One orchestrator serves the whole table:
 * everything is brought to its phase, then one kill hits all of it.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { agentOf } from './agents.js';
import type { EventTape } from './event-tape.js';
import { OrchestratorProcess } from './orchestrator.js';
import type { Scene } from './processes.js';
import { tutti } from './tutti.js';

export const VICTIMS = [
  'the orchestrator',
  'its agents',
  'the orchestrator and its agents',
  'replicas and scripts',
] as const;

/** The agent of `held` can be stopped, and `full` takes no work until it is opened. */
const CLUSTERS = ['lab', 'held', 'full'] as const;

/** A process that carries the mark of the table, since a command of it has started it. */
export interface Marked {
  readonly pid: number;
  readonly command: string;
  readonly variables: ReadonlyMap<string, string>;
}

/** Agents and the orchestrator start anew meanwhile, on a machine that is shared. */
export const LONG = { timeout: 100_000 };

export class KillStage {
  readonly folder: string;
  readonly orchestrator: OrchestratorProcess;
  readonly tape: EventTape;
  readonly #scene: Scene;
  #heldAgent = 0;

  private constructor(scene: Scene, folder: string, orchestrator: OrchestratorProcess) {
    this.folder = folder;
    this.orchestrator = orchestrator;
    this.tape = orchestrator.tape();
    this.#scene = scene;
  }

  static async up(scene: Scene, graphs: readonly string[] = []): Promise<KillStage> {
    const folder = await scene.directory();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs, env: { FOLDER: folder } });
    const stage = new KillStage(scene, folder, orchestrator);
    for (const name of CLUSTERS) await stage.addCluster(name);
    return stage;
  }

  async addCluster(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.orchestrator.post('/v1/clusters', {
      ...{ name, type: 'local', slots: 64, resources: { cpus: 256 }, labels },
      ...{ workdir: join(this.folder, name), status: name === 'full' ? 'inactive' : 'active' },
    });
  }

  async upload(text: string): Promise<string> {
    const sha256 = createHash('sha256').update(text).digest('hex');
    await fetch(`${this.orchestrator.ready.http}/v1/blobs/${sha256}`, { method: 'PUT', body: text });
    return sha256;
  }

  // What holds work where it is.

  hold(...names: readonly string[]): Promise<unknown> {
    return Promise.all(names.map((name) => writeFile(join(this.folder, `hold-${name}`), '')));
  }

  release(...names: readonly string[]): Promise<unknown> {
    return Promise.all(names.map((name) => rm(join(this.folder, `hold-${name}`), { force: true })));
  }

  /** The agent of the cluster `held` hears nothing, and says nothing, until it is let go or killed. */
  async holdAgent(): Promise<void> {
    this.#heldAgent = (await agentOf(this.orchestrator.ready.data, 'held'))!.pid;
    process.kill(this.#heldAgent, 'SIGSTOP');
  }

  letAgentGo(): void {
    signal(this.#heldAgent, 'SIGCONT');
  }

  /** `full` takes work from now on, or takes none. */
  async open(isOpen: boolean): Promise<void> {
    const status = isOpen ? 'active' : 'inactive';
    const { body } = await this.orchestrator.patch('/v1/clusters/full', { status });
    expect(body).toMatchObject({ status });
  }

  /** All that commands have noted, one line each. */
  async journal(): Promise<readonly string[]> {
    const text = await readFile(join(this.folder, 'journal'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  /** `expect.poll` is for tests only, and hooks wait too. */
  async noted(line: string): Promise<void> {
    await vi.waitFor(async () => expect(await this.journal()).toContain(line), LONG);
  }

  // What is killed.

  async kill(victim: string): Promise<void> {
    if (victim.includes('agents'))
      for (const cluster of readdirSync(join(this.orchestrator.ready.data, 'agents'))) {
        const agent = await agentOf(this.orchestrator.ready.data, cluster);
        if (agent) signal(agent.pid, 'SIGKILL');
      }
    if (victim.includes('replicas')) for (const { pid } of this.first()) signal(pid, 'SIGKILL');
    if (!victim.includes('orchestrator')) return;
    await this.orchestrator.process.end('SIGKILL');
    await this.orchestrator.restart();
  }

  /** The processes of commands. */
  running(isMeant: (variables: Marked['variables']) => boolean = () => true): Marked[] {
    return markedWith(this.folder).filter(({ variables }) => isMeant(variables));
  }

  /** The first process of each command: what it has started is left for its agent. */
  first(isMeant: (variables: Marked['variables']) => boolean = () => true): Marked[] {
    return this.running(isMeant).filter(({ command }) => !command.startsWith('sleep'));
  }

  async faults(): Promise<string> {
    const { code, stdout, stderr } = await tutti(this.#scene, ['check', this.orchestrator.ready.data]);
    return code === 0 ? '' : stdout + stderr;
  }
}

/** One that has ended needs none. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

/** The orchestrator and its agents carry the mark too, but run no execution. */
function markedWith(folder: string): Marked[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    try {
      const lines = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const variables = new Map(
        lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
      );
      if (variables.get('FOLDER') !== folder || !variables.has('TUTTI_EXECUTION_ID')) return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      // One that has ended and waits for its parent has no command.
      return command === '' ? [] : [{ pid, command, variables }];
    } catch {
      // It has ended meanwhile, or is another user's.
      return [];
    }
  });
}
