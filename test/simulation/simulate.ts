/**
 * One simulated run: some time in which everything may go wrong while people submit, iterate and command; then everything heals, and
 * all that was accepted must come to its end.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Decision } from '../../src/model/approval.js';
import { fellowsOf } from '../../src/model/graph.js';
import type { Assign } from '../../src/model/protocol.js';
import { awaitedApproval } from '../../src/model/task.js';
import { formatTaskId, parseTaskId } from '../../src/model/task-id.js';
import type { PreparedRequest } from '../../src/orchestrator/core/turn.js';
import type { Answer } from '../../src/orchestrator/port.js';
import { createMemoryDisk, type MemoryDisk } from '../../src/store/memory.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { memoryFiles } from '../support/memory-files.js';
import { Audit, check } from './audit.js';
import { graphs } from './graphs.js';
import { Network } from './network.js';
import { NodeProcess, type Role, type Witness } from './node.js';
import { Shell } from './shell.js';
import { World } from './world.js';

export interface RunResult {
  readonly tasks: number;
  readonly succeeded: number;
  readonly crashes: number;
  readonly events: ReadonlyMap<string, number>;
  /** Iterations that retention has removed. */
  readonly removed: number;
}

/** So long after the last fault everything must have come to rest: the longest timeout, twice, and the deadline of commands. */
const HEALING_MS = 120_000;

export async function simulate(seed: number): Promise<RunResult> {
  const run = new Run(seed);
  try {
    return await run.run();
  } catch (thrown) {
    const trace = process.env.TRACE
      ? `\n${run.world.trace.slice(-Number(process.env.TRACE)).join('\n')}`
      : '';
    throw new Error(
      `seed ${seed} fails at ${run.world.now} ms: ${thrown instanceof Error ? thrown.stack : thrown}${trace}\n` +
        `Again: SEED=${seed} npx vitest run test/simulation (with TRACE=200 for its last events)`,
    );
  }
}

interface Place {
  readonly role: Role;
  process: NodeProcess | undefined;
}

class Run implements Witness {
  readonly world: World;
  readonly #network: Network;
  readonly #audit = new Audit();
  readonly #disk: MemoryDisk;
  readonly #files = memoryFiles();
  /** Those that this run is about; the fewer, the more they meet each other. */
  readonly #graphs: readonly string[];
  readonly #modules: readonly string[];
  /** Those that nodes play. */
  readonly #played: readonly string[];
  readonly #types = typesFromDescriptors(new Uint8Array());
  readonly #places: Place[] = [];
  readonly #processes = new Set<NodeProcess>();
  /** Tasks that a client was told of. */
  readonly #accepted: string[] = [];
  readonly #answers = new Map<string, Answer>();
  #shell: Shell | undefined;
  #crashes = 0;
  #removed = 0;
  /** Why a pass of retention ended before its end. */
  #failure: unknown;
  #wallSkewMs = 0;

  constructor(seed: number) {
    this.world = new World(seed);
    const { random } = this.world;
    const names = [...graphs.keys()].filter(() => random.chance(0.5));
    this.#graphs = names.length > 0 ? names : ['diamond'];
    const specs = this.#graphs.flatMap((name) => graphs.get(name)!.modules);
    this.#modules = [...new Set(specs.map(({ name }) => name))];
    this.#played = [...new Set(specs.flatMap(({ name, approve }) => (approve ? [] : [name])))];
    this.#network = new Network(this.world);
    this.#disk = createMemoryDisk({ ids: this.world.ids });
  }

  async run(): Promise<RunResult> {
    const { world } = this;
    const { random } = world;
    world.calm = true;
    await this.#open();
    for (const graph of graphs.values()) {
      const types = this.#types;
      const request = {
        kind: 'put_graph',
        name: graph.name,
        yaml: graph.name,
        graph,
        types,
        typesJson: types.toJson([]),
      } as const;
      this.#ask(request, `put ${graph.name}`, () => {});
    }
    await world.runUntil(3000);
    world.calm = false;
    for (const module of this.#played) {
      for (let index = random.whole(1, 2); index > 0; index -= 1) this.#addPlace(module, index);
    }
    const chaosMs = world.now + random.whole(3000, random.chance(0.2) ? 40_000 : 15_000);
    const often = (most: number, what: () => void): void => {
      for (let left = random.whole(0, most); left > 0; left -= 1) world.after(random.whole(0, chaosMs), what);
    };
    for (let left = random.whole(3, random.pick([5, 10, 30])); left > 0; left -= 1) {
      world.after(random.whole(0, chaosMs), () => this.#submit());
    }
    often(random.pick([5, 20, 80]), () => this.#act());
    // In some runs nothing is ever removed.
    often(random.pick([0, 0, 5, 40]), () => this.#forget());
    const faults = [1, 2, 3, 4, 5, 6, 7, 8, 9].filter(() => random.chance(0.6));
    if (faults.length > 0)
      often(random.pick([0, 5, 20, 80]), () => this.#breakSomething(random.pick(faults)));
    await world.runUntil(chaosMs);
    await this.#heal();
    return {
      tasks: this.#audit.ends.size,
      succeeded: [...this.#audit.ends.values()].filter((end) => end === 'succeeded').length,
      crashes: this.#crashes,
      events: this.#audit.counts,
      removed: this.#removed,
    };
  }

  // What the nodes see.

  assigned(process: NodeProcess, { executionId, taskId, module, item, inputs }: Assign): void {
    const key = formatTaskId(taskId);
    check(module === process.role.module, `${process.role.instance} is given work of ${module}`);
    for (const { name, value, previous } of inputs) {
      if (value.kind === 'blob') continue;
      const read = JSON.parse(Buffer.from(value.bytes).toString());
      const graph = graphs.get(this.#audit.graphs.get(taskId.problemId)!)!;
      const spec = graph.modules.find((one) => one.name === module)!;
      check((item !== undefined) === (spec.map !== undefined), `${module} of ${key} is given item ${item}`);
      if (name === 'source' && spec.map?.input === name) {
        check(read.item === item, `item ${item} of ${key} is ${JSON.stringify(read)}`);
        continue;
      }
      const resultOf = (at: number): string | undefined => this.#audit.results.get(`${key}/${name}/${at}`);
      const isCertain =
        !previous && !this.#audit.reused.has(`${key}/${name}`) && !this.#audit.hasStopped(executionId);
      if (Array.isArray(read) && name !== 'source') {
        const made = read.filter((one) => one.module === name).map((one) => one.executionId);
        const isInOrder = !isCertain || made.every((one, at) => one === resultOf(at));
        const isWhole = made.length === read.length && new Set(made).size === read.length;
        check(isWhole && isInOrder, `the list ${name} of ${module} is ${JSON.stringify(read)}`);
        continue;
      }
      if (spec.map?.input === name && !previous) {
        const isThat = !isCertain || read.executionId === resultOf(item!);
        check(
          read.module === name && isThat,
          `item ${item} of ${module} of ${key} is by ${read.executionId}`,
        );
        continue;
      }
      const isLater = (this.#audit.passes.get(executionId) ?? 1) > 1;
      if (previous && isLater && fellowsOf(graph, module).includes(name)) {
        const isDecision = name.startsWith('ask');
        const { executionId: owner, seq } = read;
        const stored = this.#audit.payloads.get(`${owner}/${seq}`);
        check(
          isDecision
            ? read.decision === 'approve'
            : read.module === name &&
                isDeepStrictEqual(Buffer.from(stored ?? []), Buffer.from(value.bytes)) &&
                owner !== executionId,
          `what ${module} of ${key} is given of the pass before is not an output of ${name}`,
        );
        continue;
      }
      const override = this.#audit.payloads.get(`${key}/override/${module}/${name}`);
      if (override && (!previous || !inputs.some((one) => one.name === name && !one.previous))) {
        check(
          isDeepStrictEqual(Buffer.from(override), Buffer.from(value.bytes)),
          `the input ${name} of ${module} in ${key} is not what it was overridden with`,
        );
        continue;
      }
      if (name === 'source') continue;
      if (name.startsWith('ask')) {
        check(read.decision === 'approve', `${module} of ${key} goes on with ${read.decision} of ${name}`);
        const stands =
          this.#audit.reused.has(`${key}/${name}`) ||
          this.#audit.decisions.get(`${key}/${name}`) === 'approve';
        check(stands || this.#audit.hasStopped(executionId), `${name} of ${key} was not approved`);
        continue;
      }
      check(read.module === name, `the input ${name} of ${module} is by ${read.module}`);
      // One that was reset meanwhile was given what counted before the reset.
      if (this.#audit.hasStopped(executionId)) continue;
      const reused = previous ? undefined : this.#audit.reused.get(`${key}/${name}`);
      check(
        reused !== undefined || read.problemId === taskId.problemId,
        `an input of ${key} is of another problem`,
      );
      check(
        reused !== undefined
          ? read.executionId === reused
          : previous === (read.iterationId !== taskId.iterationId),
        `the input ${name} of ${key} is of iteration ${read.iterationId}`,
      );
      const stored = this.#audit.payloads.get(`${read.executionId}/${read.seq}`);
      check(
        isDeepStrictEqual(Buffer.from(stored ?? []), Buffer.from(value.bytes)),
        `the input ${name} of ${key} is not what is stored`,
      );
    }
  }

  acked(executionId: string, payloads: readonly Uint8Array[]): void {
    for (const [index, bytes] of payloads.entries()) {
      check(
        (this.#audit.outputs.get(executionId) ?? 0) > index,
        `output ${index + 1} of ${executionId} is acknowledged, and not recorded`,
      );
      if (bytes.length === 0) continue;
      const stored = this.#audit.payloads.get(`${executionId}/${index + 1}`);
      check(
        stored !== undefined && Buffer.compare(stored, bytes) === 0,
        `output ${index + 1} of ${executionId} is acknowledged, and not what is stored`,
      );
    }
  }

  ended(process: NodeProcess, how: 'crashed' | 'left' | 'replaced'): void {
    const { world } = this;
    world.note(`${process.role.instance} ${process.bootId} ${how}`);
    this.#processes.delete(process);
    const place = this.#places.find((one) => one.process === process);
    if (!place) return;
    place.process = undefined;
    world.after(world.calm ? 10 : world.random.whole(50, world.random.chance(0.3) ? 25_000 : 2000), () => {
      if (!place.process) this.#boot(place);
    });
  }

  uploaded(sha256: string, size: number): void {
    this.#shell?.upload(sha256, size);
  }

  // The orchestrator and its nodes.

  async #open(): Promise<void> {
    this.#shell = await Shell.open({
      world: this.world,
      network: this.#network,
      disk: this.#disk as never,
      files: this.#files,
      auditor: this.#audit,
      wallSkewMs: () => this.#wallSkewMs,
      onCrash: () => {
        this.#crashes += 1;
        this.#shell = undefined;
        const { random, calm } = this.world;
        this.world.after(calm ? 1 : random.whole(10, random.chance(0.1) ? 12_000 : 1500), () => this.#open());
      },
    });
  }

  #addPlace(module: string, index: number): void {
    const { random } = this.world;
    const labels = { gpu: module === 'g' && (index === 1 || random.chance(0.5)) ? 'true' : 'false' };
    const role = { module, instance: `${module}-${index}`, labels, capacity: random.pick([1, 1, 1, 2, 5]) };
    const place: Place = { role, process: undefined };
    this.#places.push(place);
    this.world.after(random.whole(0, random.chance(0.2) ? 8000 : 500), () => {
      if (!place.process) this.#boot(place);
    });
  }

  #boot(place: Place): void {
    place.process = new NodeProcess(this.world, this.#network, place.role, this);
    this.#processes.add(place.process);
    this.world.note(`${place.role.instance} boots as ${place.process.bootId}`);
  }

  // What people do.

  /** Asks until there is an answer, also over a crash, under a key. Sometimes twice at once. */
  #ask(request: PreparedRequest, key: string, onAnswer: (answer: Answer) => void): void {
    const { world } = this;
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

  #submit(
    graph: string = this.world.random.pick(this.#graphs),
    onAccepted: (taskId: string) => void = () => {},
  ): void {
    const { random } = this.world;
    const key = this.world.ids.uuid();
    // The same comes again where results are taken.
    const value =
      graph === 'mapping'
        ? Array.from({ length: random.whole(0, 6) }, (_, item) => ({ kind: random.whole(0, 9), item }))
        : { key: graph === 'recalling' ? random.whole(0, 1) : key };
    const bytes = Buffer.from(JSON.stringify(value));
    const priority = random.pick([undefined, 10, 90]);
    this.#ask(
      {
        kind: 'submit',
        graph,
        input: undefined,
        graphVersion: 1,
        project: 'default',
        prepared: { kind: 'inline', bytes },
        ...(priority !== undefined && { priority }),
      },
      key,
      (answer) => {
        this.#taskAnswered(answer);
        if (answer.ok) onAccepted(String(answer.body.task_id));
      },
    );
  }

  #taskAnswered(answer: Answer): void {
    if (answer.ok) this.#accepted.push(String(answer.body.task_id));
  }

  #act(): void {
    const { random } = this.world;
    if (random.chance(0.3)) this.#decide(random.chance(0.8) ? 'approve' : 'deny');
    const running = [...(this.#shell?.state.tasks.keys() ?? [])];
    const known = running.length > 0 && random.chance(0.7) ? running : this.#accepted;
    const task = known.length > 0 ? parseTaskId(random.pick(known)) : undefined;
    const key = this.world.ids.uuid();
    if (task && random.chance(0.35)) {
      const parent = random.chance(0.5) ? { parentIterationId: task.iterationId } : {};
      const prepared = random.chance(0.5)
        ? { prepared: { kind: 'inline', bytes: Buffer.from('{}') } as const }
        : {};
      const request = {
        kind: 'iterate',
        problemId: task.problemId,
        graphVersion: 1,
        ...parent,
        ...prepared,
        ...(random.chance(0.5) && this.#rerun()),
      } as const;
      this.#ask(request, key, (answer) => this.#taskAnswered(answer));
      if (random.chance(0.3))
        this.#ask(request, this.world.ids.uuid(), (answer) => this.#taskAnswered(answer));
    } else if (task && random.chance(0.6)) {
      const command = random.pick(['stop', 'reset', 'preempt', 'preempt', 'terminate', 'reset'] as const);
      const module = command === 'reset' || random.chance(0.3) ? { module: random.pick(this.#modules) } : {};
      this.#ask({ kind: 'task_command', taskId: task, command, ...module, reason: 'because' }, key, () => {});
    } else {
      const nodes = [...(this.#shell?.state.nodes.keys() ?? [])];
      if (nodes.length === 0) return;
      const nodeId = random.pick(nodes);
      const command = random.pick(['start', 'stop', 'reset', 'terminate'] as const);
      if (random.chance(0.2)) this.#ask({ kind: 'configure', nodeId, configuration: 'x' }, key, () => {});
      else this.#ask({ kind: 'node_command', nodeId, command }, key, () => {});
    }
  }

  /** About all that waits; in the storm, also twice, and about what does not wait. */
  #decide(decision: Decision): void {
    const { random, calm, ids } = this.world;
    for (const { id: taskId, graph, runs } of this.#shell?.state.tasks.values() ?? []) {
      for (const { position, spec } of graph.modules) {
        const run = runs[position];
        const waits = run !== undefined && awaitedApproval(run.phase) !== undefined;
        if (!waits && (calm || !spec.approve || random.chance(0.8))) continue;
        this.#ask(
          { kind: 'decide_approval', taskId, module: spec.name, decision, role: 'operator' },
          ids.uuid(),
          () => {},
        );
      }
    }
  }

  /** Some modules taken over as they are, and some inputs that are changed. */
  #rerun(): Partial<Extract<PreparedRequest, { kind: 'iterate' }>> {
    const { random } = this.world;
    const ended = [...this.#audit.ends.keys()];
    if (ended.length === 0) return {};
    const { problemId, iterationId: parentIterationId } = parseTaskId(random.pick(ended))!;
    const modules = graphs.get(this.#audit.graphs.get(problemId) ?? '')?.modules ?? [];
    const reuse = modules.map(({ name }) => name).filter(() => random.chance(0.5));
    const preparedOverrides = modules
      .filter(({ name }) => !reuse.includes(name) && random.chance(0.3))
      .map(({ name: module, inputs, previous }) => {
        const input = random.pick([...inputs, ...previous]);
        const bytes = Buffer.from(JSON.stringify({ override: `${module} ${input}` }));
        return { module, input, value: { kind: 'inline', bytes } as const };
      });
    return { problemId, parentIterationId, reuse, preparedOverrides };
  }

  #breakSomething(fault: number): void {
    if (this.world.calm) return;
    const { random } = this.world;
    const place = random.pick(this.#places);
    const { process } = place;
    this.world.note(`fault ${fault} at ${place.role.instance}`);
    if (fault === 1) process?.crash();
    else if (fault === 2) process?.hang(random.whole(500, 15_000));
    else if (fault === 3) process?.cutConnection();
    else if (fault === 4) process?.leave();
    else if (fault === 5) process?.fall();
    else if (fault === 6) this.#boot(place);
    else if (fault === 7) this.#shell?.crash();
    else if (fault === 8) this.#wallSkewMs += random.whole(-100_000, 100_000);
    else this.#fill();
  }

  /** A pass of retention, beside everything else. */
  #forget(): void {
    const { random } = this.world;
    const policy = { keepLast: random.whole(0, 1), maxIterations: random.whole(0, 6) };
    this.#shell?.forget(policy, random.pick([0, 50])).then(
      ({ iterations }) => {
        this.#removed += iterations;
      },
      (thrown) => {
        this.#failure ??= thrown;
      },
    );
  }

  #fill(): void {
    this.#disk.full = true;
    // Where retention is at work, it is in a hurry then.
    if (this.world.random.chance(0.5)) this.#forget();
    this.world.after(this.world.random.whole(100, 3000), () => {
      this.#disk.full = false;
    });
  }

  // The end.

  async #heal(): Promise<void> {
    const { world } = this;
    world.calm = true;
    world.note('calm');
    this.#disk.full = false;
    for (const process of this.#processes) process.wakeUp();
    do await world.runUntil(world.now + 3000);
    while (!this.#shell);
    const last: string[] = [];
    for (const graph of this.#graphs) this.#submit(graph, (taskId) => last.push(taskId));
    const end = world.now + HEALING_MS;
    do {
      this.#startNodes();
      this.#decide('approve');
      await world.runUntil(world.now + 2000);
    } while (world.now < end && !this.#isQuiet());
    this.#checkQuiet();
    if (this.#failure !== undefined) throw this.#failure;
    const faults = await this.#shell!.faults();
    check(faults.length === 0, `the store has faults: ${JSON.stringify(faults)}`);
    for (const key of this.#accepted)
      check(this.#audit.ends.has(key), `${key} was accepted and has not ended`);
    check(last.length === this.#graphs.length, 'a submission in calm weather was not accepted');
    for (const key of last) {
      const how = this.#audit.ends.get(key);
      check(how === 'succeeded', `${key}, begun in calm weather, is ${how}`);
    }
    for (const key of this.#audit.submitted)
      check(this.#audit.ends.has(key), `${key} was submitted and has not ended`);
  }

  /** As operators do who want their nodes to work. */
  #startNodes(): void {
    for (const { nodeId, status, desired } of this.#shell?.state.nodes.values() ?? []) {
      if (status !== 'ERROR' && desired === 'started') continue;
      const command = status === 'ERROR' ? 'reset' : 'start';
      this.#ask({ kind: 'node_command', nodeId, command }, this.world.ids.uuid(), () => {});
    }
  }

  #isQuiet(): boolean {
    try {
      this.#checkQuiet();
      return true;
    } catch {
      return false;
    }
  }

  #checkQuiet(): void {
    const { state } = this.#shell ?? {};
    if (!state) throw new Error('there is no orchestrator');
    const left = [...state.tasks.values()].map((task) => [
      task.key,
      task.state,
      ...task.runs.map((run) => run?.phase.kind),
    ]);
    check(left.length === 0, `tasks are left: ${JSON.stringify(left)}`);
    check(state.executions.size === 0, `${state.executions.size} executions are left`);
    check(state.problems.size === 0, `${state.problems.size} problems are left`);
    check(state.commands.size === 0, `commands are left: ${JSON.stringify([...state.commands.values()])}`);
    check(state.configurations.size === 0, `${state.configurations.size} configuration requests are left`);
    check(state.broker.depth + state.broker.delayed === 0, 'evaluations are left');
    for (const node of state.nodes.values()) {
      check(
        node.taken === 0,
        `${node.instance} has ${node.executions.size} executions and stops ${[...node.stopping]}`,
      );
      check(node.settled.size === 0, `${node.instance} is not known to know of ${[...node.settled.keys()]}`);
    }
    for (const process of this.#processes)
      check(process.holds === 0, `${process.role.instance} holds ${process.holds}`);
    const players = [...this.#processes].filter(({ isKeptOut }) => !isKeptOut);
    const played = new Set(players.map(({ role }) => `${role.module} ${role.instance}`));
    check(
      players.length === this.#places.length && played.size === players.length,
      `${players.length} processes play ${played.size} of ${this.#places.length} nodes`,
    );
    const judged = [...state.nodes.keys()].filter((nodeId) => state.timers.has({ kind: 'judge', nodeId }));
    check(
      state.timers.size === judged.length,
      `${state.timers.size} timers are left, ${judged.length} of them judge`,
    );
    for (const module of this.#modules) check(state.slotQueue.depth(module) === 0, `${module} is waited for`);
  }
}
