/**
 * One simulated run of services and deployments on clusters: people apply, scale, restart, stop and remove services, deploy, go on, take down and
 * cancel, and drain, change and remove clusters, while
 * replicas end, agents come and go, machines die and the orchestrator crashes; then everything heals, and each service has what it asks for.
 * It is long, since what people do, what goes wrong and what heals are draws of one run.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Deployment } from '../../../src/model/deployment.js';
import { formatTaskId } from '../../../src/model/task-id.js';
import type { State } from '../../../src/orchestrator/core/state.js';
import type { PreparedRequest } from '../../../src/orchestrator/core/turn.js';
import type { Answer } from '../../../src/orchestrator/port.js';
import { createMemoryDisk, type MemoryDisk } from '../../../src/store/memory.js';
import { typesFromDescriptors } from '../../../src/wire/types.js';
import { memoryFiles } from '../../support/memory-files.js';
import { check } from '../audit.js';
import { graphs } from '../graphs.js';
import { Network } from '../network.js';
import { Shell } from '../shell.js';
import { World } from '../world.js';
import { CLUSTERS, drawCluster, drawService, SERVICES, TYPES } from './drawn.js';
import type { Job } from './job.js';
import { Machine } from './machine.js';
import { Operators } from './operators.js';
import { checkMachines, checkService, FleetAudit } from './promises.js';

export interface FleetResult {
  readonly crashes: number;
  /** Of the services that are asked for in the end, and of their replicas. */
  readonly services: number;
  readonly replicas: number;
  readonly events: ReadonlyMap<string, number>;
}

/** The longest pause, the longest deadline and the longest silence, some times over. */
const HEALING_MS = 300_000;
const types = typesFromDescriptors(new Uint8Array());

export async function simulateFleet(seed: number): Promise<FleetResult> {
  const run = new FleetRun(seed);
  try {
    return await run.run();
  } catch (thrown) {
    const trace = process.env.TRACE
      ? `\n${run.world.trace.slice(-Number(process.env.TRACE)).join('\n')}`
      : '';
    throw new Error(
      `seed ${seed} fails at ${run.world.now} ms: ${thrown instanceof Error ? thrown.stack : thrown}${trace}\n` +
        `Again: SEED=${seed} npx vitest run test/simulation/fleet (with TRACE=200 for its last events)`,
    );
  }
}

class FleetRun {
  readonly world: World;
  readonly #network: Network;
  readonly #audit: FleetAudit;
  readonly #disk: MemoryDisk;
  readonly #machines = new Map<string, Machine>();
  readonly #begun = new Set<string>();
  readonly #answers = new Map<string, Answer>();
  readonly #operators: Operators;
  #shell: Shell | undefined;
  #crashes = 0;
  #failure: unknown;
  #wallSkewMs = 0;

  constructor(seed: number) {
    this.world = new World(seed);
    this.#network = new Network(this.world);
    this.#audit = new FleetAudit();
    this.#disk = createMemoryDisk({ ids: this.world.ids });
    this.#operators = new Operators({
      ...{ random: this.world.random, shell: () => this.#shell },
      ask: (request, onAnswer) => this.#ask(request, onAnswer),
    });
  }

  async run(): Promise<FleetResult> {
    const { world } = this;
    const { random } = world;
    world.calm = true;
    await this.#open();
    // The module that the players play.
    this.#ask({
      ...{ kind: 'put_graph', name: 'chain', yaml: 'chain', graph: graphs.get('chain')!, types },
      typesJson: types.toJson([]),
    });
    await world.runUntil(2000);
    world.calm = false;
    for (const name of CLUSTERS) if (random.chance(0.7)) this.#addCluster(name);
    const chaosMs = world.now + random.whole(5000, random.chance(0.3) ? 90_000 : 30_000);
    const often = (most: number, what: () => void): void => {
      for (let left = random.whole(0, most); left > 0; left -= 1) world.after(random.whole(0, chaosMs), what);
    };
    for (const name of SERVICES)
      if (random.chance(0.6)) world.after(random.whole(0, 3000), () => this.#apply(name));
    often(random.pick([3, 10, 40]), () => this.#act());
    often(random.pick([0, 5, 15]), () => this.#changeCluster());
    if (random.chance(0.6)) often(random.pick([10, 25, 40]), () => this.#operateSome());
    const faults = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].filter(() => random.chance(0.6));
    if (faults.length > 0) often(random.pick([0, 5, 20, 60]), () => this.#break(random.pick(faults)));
    await world.runUntil(chaosMs);
    await this.#heal();
    return await this.#end();
  }

  async #open(): Promise<void> {
    this.#shell = await Shell.open({
      ...{ world: this.world, network: this.#network, disk: this.#disk as never, auditor: this.#audit },
      files: memoryFiles(),
      wallSkewMs: () => this.#wallSkewMs,
      onCrash: () => {
        this.#crashes += 1;
        this.#shell = undefined;
        const { random, calm } = this.world;
        this.world.after(calm ? 1 : random.whole(10, random.chance(0.1) ? 12_000 : 1500), () => this.#open());
      },
    });
  }

  /** Asks until there is an answer, also over a crash, under a key. Sometimes twice at once. */
  #ask(request: PreparedRequest, onAnswer: (answer: Answer) => void = () => {}): void {
    const { world } = this;
    const key = world.ids.uuid();
    const ask = (): void => {
      if (this.#answers.has(key)) return;
      this.#shell?.request(request, key, (answer) => {
        const before = this.#answers.get(key);
        const isSame = before === undefined || !before.ok || isDeepStrictEqual(before, answer);
        check(isSame, `the key ${key} has got two answers: ${JSON.stringify([before, answer])}`);
        if (before !== undefined) return;
        this.#answers.set(key, answer);
        onAnswer(answer);
      });
      world.after(700, ask);
    };
    ask();
    if (world.random.chance(0.2)) world.after(world.random.whole(0, 20), ask);
  }

  // Clusters.

  #addCluster(name: string): void {
    const machine = new Machine(name, {
      ...{ world: this.world, network: this.#network },
      onBegin: (job) => this.#began(job),
      lastsMs: (job) => this.#lastsMs(job),
    });
    this.#machines.set(name, machine);
    this.#ask({ kind: 'add_cluster', cluster: drawCluster(name, this.world.random) }, () =>
      this.#bootLater(machine),
    );
  }

  #bootLater(machine: Machine): void {
    const { calm, random } = this.world;
    this.world.after(calm ? 10 : random.whole(50, random.chance(0.3) ? 25_000 : 2000), () => {
      if (this.#machines.get(machine.cluster) === machine) machine.boot();
    });
  }

  /** The command of an execution is started once, whatever happens to its agent. */
  #began({ executionId, replica }: Job): void {
    check(!this.#begun.has(executionId), `execution ${executionId} of ${replica} is begun twice`);
    this.#begun.add(executionId);
  }

  #lastsMs({ replica, isStep }: Job): number | undefined {
    // Services of deployments have names of their own.
    const type = TYPES[replica.replace(/-\d+$/, '')] ?? 'service';
    if (!isStep && (type === 'service' || type === 'daemon')) return undefined;
    return this.world.calm ? 100 : this.world.random.whole(100, 8000);
  }

  #changeCluster(): void {
    if (this.world.calm) return;
    const { random } = this.world;
    const name = random.pick(CLUSTERS);
    const machine = this.#machines.get(name);
    if (!machine) this.#addCluster(name);
    else if (random.chance(0.15)) {
      // It is given up: nothing of it runs, and nobody asks it to run.
      machine.powerOff();
      this.#ask({ kind: 'remove_cluster', name }, ({ ok }) => {
        if (!ok) this.#bootLater(machine);
        else {
          // It may have been booted while the answer was on its way.
          machine.powerOff();
          if (this.#machines.get(name) === machine) this.#machines.delete(name);
        }
      });
    } else {
      const status = random.pick(['active', 'active', 'draining', 'inactive'] as const);
      const labels = { site: random.pick(['a', 'b']) };
      const what = random.chance(0.7) ? { status } : { labels };
      this.#ask({ kind: 'change_cluster', name, ...what });
    }
  }

  // What people do with services.

  #apply(name: string): void {
    const spec = drawService(name, this.world.random);
    const typesJson = types.toJson(['json']);
    this.#ask({ kind: 'apply_service', project: 'default', spec, files: {}, types, typesJson });
  }

  #act(): void {
    if (this.world.calm) return;
    const { random } = this.world;
    const name = random.pick(SERVICES);
    const what = random.pick([
      'apply',
      'apply',
      'scale',
      'scale',
      'restart',
      'stop',
      'start',
      'start',
      'remove',
    ] as const);
    if (what === 'apply') this.#apply(name);
    else if (what === 'remove') this.#ask({ kind: 'remove_service', name });
    else this.#ask({ kind: 'command_service', name, command: what, count: random.whole(0, 5) });
  }

  async #operateSome(): Promise<void> {
    if (!this.world.calm) await this.#operators.act();
  }

  // What goes wrong.

  #break(fault: number): void {
    if (this.world.calm) return;
    const { random } = this.world;
    const machines = [...this.#machines.values()];
    if (machines.length === 0) return;
    const machine = random.pick(machines);
    const { agent } = machine;
    const jobs = [...machine.jobs.values()].filter(({ isAlive }) => isAlive);
    const job = jobs.length > 0 ? random.pick(jobs) : undefined;
    this.world.note(`fault ${fault} at ${machine.cluster}, ${job?.replica}`);
    switch (fault) {
      case 1:
        agent?.crash();
        this.#bootLater(machine);
        break;
      case 2:
        agent?.leave();
        this.#bootLater(machine);
        break;
      case 3:
        agent?.hang(random.whole(500, 20_000));
        break;
      case 4:
        agent?.cutConnection();
        break;
      case 5:
        machine.powerOff();
        this.#bootLater(machine);
        break;
      case 6:
        if (job) machine.exit(job, 'failed');
        break;
      case 7:
        if (job) machine.exit(job, 'completed');
        break;
      case 8:
        job?.node?.hang(random.whole(500, 15_000));
        break;
      case 9:
        this.#shell?.crash();
        break;
      case 10:
        this.#wallSkewMs += random.whole(-100_000, 100_000);
        this.#audit.isWallClockTrue = false;
        break;
      default:
        this.#fill();
    }
  }

  #fill(): void {
    this.#disk.full = true;
    const { random } = this.world;
    this.#forget();
    this.world.after(random.whole(100, 3000), () => {
      this.#disk.full = false;
      this.#forget();
    });
  }

  /** Runs that have ended are removed, and events. */
  #forget(): void {
    const { random } = this.world;
    const policy = { keepLast: 0, maxIterations: random.whole(0, 3) };
    this.#shell?.forget(policy, random.pick([0, 50])).catch((thrown) => {
      this.#failure ??= thrown;
    });
  }

  // The end.

  async #heal(): Promise<void> {
    const { world } = this;
    world.calm = true;
    world.note('calm');
    this.#disk.full = false;
    do await world.runUntil(world.now + 3000);
    while (!this.#shell);
    for (const machine of this.#machines.values()) {
      machine.boot();
      machine.agent!.wakeUp();
      for (const { node } of machine.jobs.values()) node?.wakeUp();
      if (this.#audit.isBeginningLost) machine.agent!.cutConnection();
    }
    await this.#untilQuiet(() => this.#checkQuiet());
  }

  /** Everything is removed, and nothing is left. */
  async #end(): Promise<FleetResult> {
    const { state } = this.#shell!;
    const { size: services } = state.services;
    const { size: replicas } = state.replicas;
    for (const { spec } of state.services.values())
      if (spec.deployment === undefined) this.#ask({ kind: 'remove_service', name: spec.name });
    await this.#endDeployments();
    await this.#untilQuiet(() => {
      check(state.services.size === 0, `${[...state.services.keys()]} are left`);
      check(state.replicas.size + state.runs.size === 0, `${[...state.replicas.keys()]} are left`);
      this.#checkQuiet();
    });
    if (this.#failure !== undefined) throw this.#failure;
    const faults = await this.#shell!.faults();
    check(faults.length === 0, `the store has faults: ${JSON.stringify(faults)}`);
    return { crashes: this.#crashes, services, replicas, events: this.#audit.counts };
  }

  /**
   * With room everywhere, each operation ends, unless the cluster of a step is gone: that one is cancelled. Then all is undeployed.
   */
  async #endDeployments(): Promise<void> {
    const { state } = this.#shell!;
    for (const name of state.clusters.keys())
      this.#ask({ kind: 'change_cluster', name, status: 'active', slots: 64 });
    const underWay = (): readonly Deployment[] => [...state.deployments.values()].filter(isUnderWay);
    await this.#untilQuiet(() => {
      const stuck = underWay().filter((one) => !waitsForCluster(state, one));
      check(stuck.length === 0, `operations do not end: ${JSON.stringify(stuck)}`);
    });
    for (const { id } of underWay()) this.#operators.cancel(id);
    await this.#untilQuiet(() => check(underWay().length === 0, 'operations do not end that are cancelled'));
    for (const { id } of state.deployments.values())
      await this.#operators.operate(id, { operation: 'undeploy' });
    await this.#untilQuiet(() => {
      const left = [...state.deployments.values()].filter(({ state: how }) => how !== 'undeployed');
      check(left.length === 0, `deployments are not undeployed: ${JSON.stringify(left)}`);
    });
  }

  async #untilQuiet(quiet: () => void): Promise<void> {
    const { world } = this;
    const end = world.now + HEALING_MS;
    for (;;) {
      await world.runUntil(world.now + 2000);
      try {
        quiet();
        return;
      } catch (thrown) {
        if (world.now >= end) throw thrown;
      }
    }
  }

  #checkQuiet(): void {
    const { state } = this.#shell ?? {};
    if (!state) throw new Error('there is no orchestrator');
    const { serviceBroker: broker } = state;
    check(broker.depth + broker.delayed === 0, 'evaluations of services are left');
    for (const service of state.services.values()) checkService(state, service);
    checkMachines(state, this.#machines.values());
    for (const { node } of [...this.#machines.values()].flatMap(({ jobs }) => [...jobs.values()]))
      check(!node || node.isAlive, `the process of ${node?.role.instance} has ended`);
    check(state.commands.size === 0, `commands are left: ${JSON.stringify([...state.commands.values()])}`);
    for (const node of state.nodes.values())
      check(node.stopping.size === 0, `${node.instance} still stops something`);
  }
}

function isUnderWay({ state }: Deployment): boolean {
  return state === 'deploying' || state === 'undeploying';
}

/** Its cluster was removed, and it says so. */
function waitsForCluster(state: State, { id, operationId }: Deployment): boolean {
  const task = state.tasks.get(formatTaskId({ problemId: id, iterationId: operationId }))!;
  return task.graph.modules.some(
    ({ spec }, position) =>
      spec.require.cluster !== undefined &&
      !state.clusters.has(spec.require.cluster) &&
      task.runs[position]?.phase.kind === 'waiting',
  );
}
