/**
 * A simulated cluster: a machine on which commands run, and which outlives its agent. What an agent keeps on disk (its boot, what it has begun) is the
 * machine's, and so are the processes.
 */
import type { Network } from '../network.js';
import { NodeProcess, type Witness } from '../node.js';
import type { World } from '../world.js';
import { Agent } from './agent.js';
import type { Job } from './job.js';

export interface MachineDeps {
  readonly world: World;
  readonly network: Network;
  /** A command begins. */
  readonly onBegin: (job: Job) => void;
  /** How long a command takes, if it ends by itself. */
  readonly lastsMs: (job: Job) => number | undefined;
}

export class Machine {
  readonly cluster: string;
  readonly jobs = new Map<string, Job>();
  readonly doneCommands = new Set<string>();
  readonly ended = new Set<string>();
  bootId: string;
  agent: Agent | undefined;
  readonly #deps: MachineDeps;

  constructor(cluster: string, deps: MachineDeps) {
    this.cluster = cluster;
    this.#deps = deps;
    this.bootId = deps.world.ids.uuid();
  }

  /** Its agent is started, unless there is one. */
  boot(): void {
    if (this.agent?.isAlive) return;
    for (const job of this.jobs.values()) {
      // The agent asks its engine again what it once knew.
      if (job.phase === 'stopping' || job.phase === 'dropped') job.phase = 'running';
      if (job.phase === 'running' && !job.isAlive) job.exit ??= 'failed';
    }
    const { world, network } = this.#deps;
    this.agent = new Agent(this, world, network);
  }

  /** All processes end with it, and it forgets what it knew. */
  powerOff(): void {
    this.agent?.crash();
    this.agent = undefined;
    for (const job of this.jobs.values()) this.kill(job);
    this.jobs.clear();
    this.ended.clear();
    this.doneCommands.clear();
    this.bootId = this.#deps.world.ids.uuid();
  }

  begin(job: Job): void {
    if (job.hasBegun) return;
    const { world, network, onBegin, lastsMs } = this.#deps;
    job.hasBegun = true;
    job.isAlive = true;
    onBegin(job);
    const { module } = job;
    if (module !== undefined) {
      const role = { module, instance: job.replica, labels: {}, capacity: 1 };
      job.node = new NodeProcess(world, network, role, this.#witness(job));
    }
    const lasts = lastsMs(job);
    if (lasts !== undefined)
      world.after(lasts, () => this.exit(job, job.isStep && world.fault(0.1) ? 'failed' : 'completed'));
  }

  /** Its process ends by itself, or is killed from outside. */
  exit(job: Job, how: 'completed' | 'failed'): void {
    if (!job.isAlive) return;
    job.exit = how;
    this.kill(job);
  }

  kill(job: Job): void {
    job.isAlive = false;
    job.node?.crash();
  }

  #witness(job: Job): Witness {
    return {
      assigned: () => {
        throw new Error(`${job.replica} is given work, and nobody has asked for any`);
      },
      acked: () => {},
      uploaded: () => {},
      ended: (_, how) => this.exit(job, how === 'left' ? 'completed' : 'failed'),
    };
  }
}
