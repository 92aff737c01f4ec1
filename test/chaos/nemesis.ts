/**
 * What goes wrong, at random by a seed: four hands, one at the orchestrator, one at the nodes, one at the agents and
 * their commands, one at the network, the clock and the disk. What a hand has done it undoes before its next blow, so faults of different hands overlap and those of one do not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../support/random.js';
import { sendSignal } from './commands.js';
import type { Network } from './network.js';
import type { NodeSlot, System } from './system.js';

export type Counts = Record<string, number>;

/** Steps add up to no more than this either way: idempotency keys live for a day. */
const FARTHEST_STEP_MS = 2 * 60 * 60 * 1000;

export class Nemesis {
  readonly counts: Counts = {};
  readonly #system: System;
  readonly #random: Random;
  readonly #log: (text: string) => void;
  readonly #pace: number;
  #stopping = false;

  /** @param pace so many times as long between two blows, for a machine that is slow for what is asked of it */
  constructor(system: System, random: Random, log: (text: string) => void, pace = 1) {
    this.#system = system;
    this.#random = random;
    this.#log = log;
    this.#pace = pace;
  }

  /** Goes on until `stop`; everything is whole again when it has settled. */
  async run(): Promise<void> {
    await Promise.all([
      this.#hand([800, 5000], (random) => this.#atOrchestrator(random)),
      this.#hand([400, 2500], (random) => this.#atNodes(random)),
      this.#hand([400, 2500], (random) => this.#atAgents(random)),
      this.#hand([500, 3000], (random) => this.#atSurroundings(random)),
    ]);
    await this.#heal();
  }

  /** Nothing but kills of the orchestrator, as fast as it comes back: so many. */
  async killOnly(kills: number, onKill: (count: number) => void): Promise<void> {
    for (let count = 1; count <= kills; count += 1) {
      // Mostly at work; now and then before it is even ready.
      const early = this.#random.chance(0.15);
      if (early) {
        await this.#kill();
        const starting = this.#system.startOrchestrator();
        await delay(this.#random.between(0, 700));
        await this.#kill();
        await starting;
        count += 1;
      }
      if (!this.#system.orchestrator?.isRunning) await this.#system.restartOrchestrator();
      await delay(this.#random.chance(0.7) ? this.#random.between(0, 300) : this.#random.between(300, 1500));
      await this.#kill();
      await this.#system.restartOrchestrator();
      onKill(count);
    }
    await this.#heal();
  }

  stop(): void {
    this.#stopping = true;
  }

  async #kill(): Promise<void> {
    this.#count('orchestrator killed');
    await this.#system.orchestrator?.kill();
  }

  async #hand([least, most]: [number, number], strike: (random: Random) => Promise<void>): Promise<void> {
    const random = this.#random.fork();
    while (!this.#stopping) {
      await delay(random.between(least, most) * this.#pace);
      if (!this.#stopping) await strike(random);
    }
  }

  async #atOrchestrator(random: Random): Promise<void> {
    const system = this.#system;
    const fault = random.weighted({
      ...{ kill: 5, pause: 3, term: 1, takeover: 2, 'stopped takeover': 1, restore: 2 },
    });
    this.#count(`orchestrator: ${fault}`);
    switch (fault) {
      case 'kill':
        await system.orchestrator?.kill();
        await delay(random.between(0, 1000));
        await system.restartOrchestrator();
        return;
      case 'pause':
        system.orchestrator?.signal('SIGSTOP');
        await delay(random.between(100, random.chance(0.3) ? 8000 : 1500));
        system.orchestrator?.signal('SIGCONT');
        return;
      case 'term':
        system.orchestrator?.signal('SIGTERM');
        await Promise.race([system.orchestrator?.exited, delay(6000)]);
        if (system.orchestrator?.isRunning) system.crashes.push('SIGTERM did not end it within six seconds');
        await system.orchestrator?.kill();
        await system.restartOrchestrator();
        return;
      case 'restore':
        await system.orchestrator?.kill();
        await system.restoreBackup();
        await system.restartOrchestrator();
        return;
      case 'takeover':
      case 'stopped takeover': {
        const before = system.orchestrator;
        if (fault === 'stopped takeover') before?.signal('SIGSTOP');
        await system.restartOrchestrator(['--takeover']);
        if (before?.isRunning) await Promise.race([before.exited, delay(1000)]);
        if (before?.isRunning) system.crashes.push('a takeover left the process before running');
        await before?.kill();
        return;
      }
      default:
        fault satisfies never;
    }
  }

  async #atNodes(random: Random): Promise<void> {
    if (this.#system.slots.length === 0) return;
    const slot = random.pick(this.#system.slots);
    const fault = random.weighted({ kill: 4, pause: 3, term: 1, twin: 1, haunted: 2 });
    this.#count(`node: ${fault}`);
    switch (fault) {
      case 'kill':
        slot.process?.signal('SIGKILL');
        return;
      case 'pause':
        await pauseNode(slot, random.between(100, random.chance(0.4) ? 6000 : 1200));
        return;
      case 'term':
        slot.process?.signal('SIGTERM');
        return;
      case 'twin':
        this.#system.startTwin(slot);
        return;
      case 'haunted': {
        // The older process sleeps while it is replaced, and goes on as if nothing had happened.
        const older = slot.process;
        older?.signal('SIGSTOP');
        this.#system.startTwin(slot);
        await delay(random.between(500, 4000));
        older?.signal('SIGCONT');
        return;
      }
      default:
        fault satisfies never;
    }
  }

  async #atAgents(random: Random): Promise<void> {
    const system = this.#system;
    const fault = random.weighted({
      ...{ kill: 4, pause: 2, term: 1, 'command killed': 4, 'wrapper killed': 1 },
      'controller restarted': system.slurm ? 1 : 0,
    });
    if (fault === 'controller restarted') {
      this.#count('slurm: controller restarted');
      await system.slurm?.stopController();
      await delay(random.between(0, 8000));
      await system.slurm?.startController();
      return;
    }
    if (fault === 'command killed' || fault === 'wrapper killed') {
      // Its first process leads the group.
      const leaders = system.commands().filter(({ pid, group }) => pid === group);
      if (leaders.length === 0) return;
      const { group, parent } = random.pick(leaders);
      if (sendSignal(fault === 'command killed' ? -group : parent, 'SIGKILL'))
        this.#count(`agents: ${fault}`);
      return;
    }
    const agents = await system.agents();
    if (agents.length === 0) return;
    const pid = random.pick(agents);
    this.#count(`agents: ${fault}`);
    switch (fault) {
      case 'kill':
        sendSignal(pid, 'SIGKILL');
        return;
      case 'term':
        sendSignal(pid, 'SIGTERM');
        return;
      case 'pause':
        sendSignal(pid, 'SIGSTOP');
        await delay(random.between(100, random.chance(0.4) ? 6000 : 1200));
        sendSignal(pid, 'SIGCONT');
        return;
      default:
        fault satisfies never;
    }
  }

  async #atSurroundings(random: Random): Promise<void> {
    const system = this.#system;
    const networks = Object.values(system.networks ?? {}) as Network[];
    const some = random.chance(0.5) ? networks : [random.pick(networks)];
    const fault = random.weighted({
      cut: 5,
      delay: 3,
      stall: 3,
      clock: system.canTamper ? 3 : 0,
      disk: system.canTamper ? 2 : 0,
    });
    this.#count(`surroundings: ${fault}`);
    switch (fault) {
      case 'cut':
        for (const network of some) network.cut();
        return;
      case 'delay':
        for (const network of some) network.delay(random.between(20, 600));
        await delay(random.between(1000, 4000));
        for (const network of some) network.heal();
        return;
      case 'stall':
        for (const network of some) network.stall();
        await delay(random.between(200, random.chance(0.3) ? 6000 : 1500));
        for (const network of some) network.heal();
        return;
      case 'clock':
        system.stepClock(random.between(-FARTHEST_STEP_MS, FARTHEST_STEP_MS));
        return;
      case 'disk':
        system.fillDisk(true);
        await delay(random.between(200, 4000));
        system.fillDisk(false);
        return;
      default:
        fault satisfies never;
    }
  }

  async #heal(): Promise<void> {
    const system = this.#system;
    for (const network of Object.values(system.networks ?? {})) (network as Network).heal();
    system.fillDisk(false);
    for (const { process: child, others } of system.slots) {
      for (const one of [child, ...others]) one?.signal('SIGCONT');
    }
    system.orchestrator?.signal('SIGCONT');
    if (!system.orchestrator?.isRunning) await system.restartOrchestrator();
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
    this.#log(what);
  }
}

async function pauseNode(slot: NodeSlot, ms: number): Promise<void> {
  const paused = slot.process;
  paused?.signal('SIGSTOP');
  await delay(ms);
  paused?.signal('SIGCONT');
}
