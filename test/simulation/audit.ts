/**
 * What must hold after every commit, whatever goes wrong:
 *
 * 1. Events are numbered without a gap, and carry no lease.
 * 2. Outputs of an execution are recorded once each, in their order, and none after its stop.
 * 3. At most one execution of a module of a task, or of each of its items, is to run at any time, and it is of the newest generation.
 * 4. No assignment makes a node hold more than its capacity.
 * 5. iteration_ids of a problem are 1, 2, 3 …; a task ends once, and nothing of it changes after that.
 * 6. Nobody waits for a slot while there is one.
 * 7. What is in memory is what the store would give back.
 * 8. A step that throws leaves nothing behind.
 * 9. Nothing runs for a module whose output is reused, unless it is reset.
 * 10. A person is asked once, is asked before they decide, and decides once, unless there is a reset.
 * 11. What is written, payloads aside, is the fold of the facts.
 * 12. An item is done once, nothing runs for one that is, and a module with `map` succeeds when all of them are. No more run at once than its
 *     graph says.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Decision } from '../../src/model/approval.js';
import type { CachedFrom } from '../../src/model/cached.js';
import { hasEnded } from '../../src/model/execution.js';
import { type EncodedEvent, isPublic, taskIdOf } from '../../src/model/facts.js';
import { dependentsOf } from '../../src/model/graph.js';
import { playedBy } from '../../src/model/run.js';
import { type ModulePhase, requireOf, type Task } from '../../src/model/task.js';
import { formatTaskId } from '../../src/model/task-id.js';
import { taskHasEnded } from '../../src/model/task-state.js';
import type { Journal } from '../../src/orchestrator/core/journal.js';
import type { State } from '../../src/orchestrator/core/state.js';
import { recover } from '../../src/orchestrator/loop/recover.js';
import { commandToRow } from '../../src/orchestrator/tables/command-row.js';
import { deploymentToRow } from '../../src/orchestrator/tables/deployment-row.js';
import type { Clocks } from '../../src/orchestrator/tables/module-from-row.js';
import { nodeToRow } from '../../src/orchestrator/tables/node-row.js';
import { problemToRow } from '../../src/orchestrator/tables/problem-row.js';
import { decodeRow, encodeRow } from '../../src/orchestrator/tables/row.js';
import { replicaToRow, serviceToRow } from '../../src/orchestrator/tables/service-row.js';
import { type TaskRow, taskToRow } from '../../src/orchestrator/tables/task-row.js';
import { hasLabels } from '../../src/scheduling/placement.js';
import type { MemoryStore } from '../../src/store/memory.js';
import { Mirror } from '../support/mirror.js';
import { graphs, readStored } from './graphs.js';
import { type Auditor, GRACE_MS } from './shell.js';

/** Whether a payload is kept by its module, and not by an execution. */
function isOfModule(owner: string): boolean {
  return /^(approval|cached|item|taken|mapped)\//.test(owner);
}

/** What may still be said of a task that has ended. */
const AFTER_THE_END = /^(execution\.log|output\.refused|command\.|replica\.|deployment\.)/;

export class Audit implements Auditor {
  /** How each ended task ended. */
  readonly ends = new Map<string, string>();
  readonly submitted = new Set<string>();
  /** By `<execution_id>/<seq>`; decisions by `<task>/approval/<module>/<seq>`, what was taken by `<task>/cached/<module>/<seq>`, inputs by `<task>/input`, and overrides by `<task>/override/<module>/<input>`. */
  readonly payloads = new Map<string, Uint8Array>();
  readonly outputs = new Map<string, number>();
  /** By `<task>/<module>`, the execution whose output stands for it. */
  readonly reused = new Map<string, string>();
  /** By `<task>/<module>`, how a person was asked and has decided. */
  readonly decisions = new Map<string, 'asked' | Decision>();
  /** By execution, the pass that it was made in. */
  readonly passes = new Map<string, number>();
  /** By problem_id. */
  readonly graphs = new Map<string, string>();
  readonly counts = new Map<string, number>();
  #seq = 0;
  /** By `<task>/<module>/<item>`, the execution that has put out its result. */
  readonly results = new Map<string, string>();
  readonly #iterations = new Map<string, number>();
  /** By `<task>/<module>`, the items that are done. */
  readonly #done = new Map<string, Set<number>>();
  readonly #stopped = new Set<string>();
  readonly #finalRows = new Map<string, string>();
  readonly #mirror = new Mirror();

  committed(state: State, journal: Journal): void {
    for (const { fact } of journal.facts)
      if (!isPublic(fact)) this.counts.set(fact.type, (this.counts.get(fact.type) ?? 0) + 1);
    this.#mirror.follow(state, journal);
    const assigned = new Set<string>();
    for (const event of journal.events) {
      this.#checkEvent(event);
      if (event.fact.type === 'execution.assigned') assigned.add(event.fact.node_id);
    }
    for (const write of journal.writes) {
      if (write.op !== 'put') continue;
      const [problemId, iterationId, owner, seq] = write.key;
      if (write.table === 'payloads')
        this.#keep(`${owner}/${seq}`, `${problemId}/${iterationId}`, write.value);
      if (write.table === 'iterations') this.#checkRow(`${problemId}/${iterationId}`, write.value);
    }
    for (const nodeId of assigned) {
      const node = state.nodes.get(nodeId)!;
      check(
        node.taken <= node.capacity,
        `${node.instance} holds ${node.taken}, its capacity is ${node.capacity}`,
      );
    }
    for (const task of journal.tasks) this.#checkTask(task);
    for (const task of state.tasks.values()) this.#checkWaiting(state, task);
    for (const execution of state.executions.values()) {
      if (execution.desired === 'stopped') this.#stopped.add(execution.id);
    }
  }

  passed(state: State, journal: Journal): void {
    this.#mirror.follow(state, journal);
  }

  restarted(): void {
    this.#mirror.restart();
  }

  thrown({ message }: Error): void {
    this.counts.set(message, (this.counts.get(message) ?? 0) + 1);
  }

  /** Whether it is known to all that the execution is to stop, or has ended. */
  hasStopped(executionId: string): boolean {
    return this.#stopped.has(executionId);
  }

  async compare(state: State, store: MemoryStore, clocks: Clocks): Promise<void> {
    const recovered = await recover({
      store,
      clocks,
      graceMs: GRACE_MS,
      parseGraph: readStored,
    });
    const [ours, theirs] = [portrait(state), portrait(recovered)];
    for (const part of Object.keys(ours) as (keyof typeof ours)[]) {
      if (isDeepStrictEqual(ours[part], theirs[part])) continue;
      const [a, b] = [JSON.stringify(ours[part]), JSON.stringify(theirs[part])];
      throw new Error(`memory and store differ in ${part}:\nmemory ${a}\nstore  ${b}`);
    }
  }

  #checkEvent({ seq, fact, json }: EncodedEvent): void {
    this.#seq += 1;
    check(seq === this.#seq, `event ${seq} follows event ${this.#seq - 1}`);
    check(!json.includes('SECRET'), `a lease is in event ${json}`);
    this.counts.set(fact.type, (this.counts.get(fact.type) ?? 0) + 1);
    const taskId = taskIdOf(fact);
    if (!taskId) return;
    const key = formatTaskId(taskId);
    check(!this.ends.has(key) || AFTER_THE_END.test(fact.type), `after the end of its task: ${json}`);
    if (fact.type === 'iteration.submitted') {
      const newest = this.#iterations.get(taskId.problemId) ?? 0;
      check(taskId.iterationId === newest + 1, `iteration ${taskId.iterationId} follows ${newest}`);
      this.#iterations.set(taskId.problemId, taskId.iterationId);
      this.submitted.add(key);
      this.graphs.set(taskId.problemId, fact.graph);
    } else if (fact.type === 'module.reused') {
      const { reused_from, cached_from, output_seq, blob } = fact;
      const from = cached_from ?? { problem_id: taskId.problemId, ...reused_from! };
      check(
        blob !== undefined || this.payloads.has(this.#nameOf(from, output_seq)),
        `what is not there is reused: ${json}`,
      );
      const { problem_id, iteration_id, execution_id: owner } = from;
      const made = owner.startsWith('cached/')
        ? this.reused.get(`${problem_id}/${iteration_id}/${fact.module}`)!
        : owner;
      if (cached_from) this.counts.set('taken', (this.counts.get('taken') ?? 0) + 1);
      this.reused.set(`${key}/${fact.module}`, made);
    } else if (fact.type === 'approval.requested') {
      check(this.decisions.get(`${key}/${fact.module}`) === undefined, `asked again: ${json}`);
      this.decisions.set(`${key}/${fact.module}`, 'asked');
    } else if (fact.type === 'approval.decided') {
      check(this.decisions.get(`${key}/${fact.module}`) === 'asked', `decided, and not asked: ${json}`);
      this.decisions.set(`${key}/${fact.module}`, fact.decision);
    } else if (fact.type === 'map.started') {
      check(!this.#done.has(`${key}/${fact.module}`), `begun again: ${json}`);
      this.#done.set(`${key}/${fact.module}`, new Set());
    } else if (fact.type === 'item.succeeded' || fact.type === 'item.reused') {
      const done = this.#done.get(`${key}/${fact.module}`);
      check(done?.has(fact.item) === false, `done before: ${json}`);
      done!.add(fact.item);
      const by = fact.type === 'item.succeeded' ? fact.execution_id : fact.cached_from.execution_id;
      this.results.set(`${key}/${fact.module}/${fact.item}`, by);
    } else if (fact.type === 'module.mapped') {
      const { size } = this.#done.get(`${key}/${fact.module}`)!;
      check(size === fact.items, `${size} items are done: ${json}`);
    } else if (fact.type === 'loop.passed') {
      for (const module of fact.modules) {
        this.#done.delete(`${key}/${module}`);
        this.decisions.delete(`${key}/${module}`);
        this.reused.delete(`${key}/${module}`);
      }
    } else if (fact.type === 'module.reset') {
      this.#done.delete(`${key}/${fact.module}`);
      this.decisions.delete(`${key}/${fact.module}`);
    } else if (fact.type === 'execution.assigned') {
      if (fact.pass !== undefined) this.passes.set(fact.execution_id, fact.pass);
      const isDone = fact.item !== undefined && this.#done.get(`${key}/${fact.module}`)?.has(fact.item);
      check(!isDone, `runs for an item that is done: ${json}`);
      check(!fact.module.startsWith('ask'), `an approval is placed: ${json}`);
      check(!this.reused.has(`${key}/${fact.module}`), `runs although it is reused: ${json}`);
    } else if (fact.type === 'command.issued' && fact.command === 'reset') {
      const graph = graphs.get(this.graphs.get(taskId.problemId)!)!;
      for (const module of [fact.module!, ...dependentsOf(graph, fact.module!)])
        this.reused.delete(`${key}/${module}`);
    } else if (fact.type === 'output.recorded') {
      const expected = (this.outputs.get(fact.execution_id) ?? 0) + 1;
      check(fact.output_seq === expected, `output ${expected} was to be recorded: ${json}`);
      check(!this.#stopped.has(fact.execution_id), `recorded after its stop: ${json}`);
      this.outputs.set(fact.execution_id, expected);
    } else if (/^iteration\.(succeeded|failed|cancelled|aborted)$/.test(fact.type)) {
      this.ends.set(key, fact.type.slice('iteration.'.length));
    } else if ('outputs' in fact && fact.type !== 'execution.ending') {
      this.#stopped.add(fact.execution_id);
    } else if (fact.type === 'command.issued' && (fact.command === 'stop' || fact.command === 'terminate')) {
      this.#stopped.add(key);
    }
    check(
      fact.type !== 'output.recorded' || !this.#stopped.has(key),
      `recorded after the stop of its task: ${json}`,
    );
  }

  #nameOf({ problem_id, iteration_id, execution_id: owner }: CachedFrom, seq: number): string {
    return isOfModule(owner) ? `${problem_id}/${iteration_id}/${owner}/${seq}` : `${owner}/${seq}`;
  }

  #keep(owner: string, task: string, bytes: Uint8Array): void {
    const key = /^(input|override\/.*)\/0$/.test(owner)
      ? `${task}/${owner.slice(0, -2)}`
      : isOfModule(owner)
        ? `${task}/${owner}`
        : owner;
    check(!this.payloads.has(key), `payload ${key} is written twice`);
    this.payloads.set(key, bytes);
  }

  #checkRow(key: string, value: Uint8Array): void {
    check(!this.#finalRows.has(key), `the row of ${key} is written after its end`);
    const row = decodeRow<TaskRow>(value);
    if (taskHasEnded(row.state)) {
      this.#finalRows.set(key, row.state);
      check(this.ends.get(key) === row.state, `${key} is stored as ${row.state}, and no event says so`);
      for (const { executions } of Object.values(row.modules)) {
        for (const { execution_id, state } of executions) {
          check(hasEnded(state), `${key} has ended, execution ${execution_id} is ${state}`);
        }
      }
    }
  }

  #checkTask(task: Task): void {
    for (const run of task.runs) {
      if (!run) continue;
      const wanted = run.executions.filter(
        ({ observed, desired }) => !hasEnded(observed) && desired === 'running',
      );
      const items = new Set(wanted.map(({ item }) => item));
      check(wanted.length === items.size, `${task.key} has two executions for one thing that are to run`);
      const [first] = wanted;
      const limit = first && (task.graph.modules[first.position]!.spec.map?.limit ?? 1);
      check(wanted.length <= (limit ?? 0), `${task.key} has ${wanted.length} executions of a module at once`);
      for (const execution of wanted) {
        const { phase } = run;
        const of = phase.kind === 'mapping' ? phase.open.get(execution.item ?? -1)?.phase : phase;
        const isPlaced = of?.kind === 'placed' && of.execution === execution;
        check(isPlaced, `${task.key} runs execution ${execution.id}, and its module is ${phase.kind}`);
        check(execution.generation === run.generation, `execution ${execution.id} is of an older generation`);
        check(
          task.desired === 'ended',
          `${task.key} is being stopped, and execution ${execution.id} is to run`,
        );
      }
    }
  }

  #checkWaiting(state: State, task: Task): void {
    // A task that is being looked up may have been woken for a slot: it takes the slot in the next batch or passes it on.
    const lookedUp = new Set(
      [...state.lookUps.values()].map((one) => one.task.graph.modules[one.position]!.spec.name),
    );
    for (const [position, run] of task.runs.entries()) {
      if (!run?.queued || task.desired !== 'ended') continue;
      const { spec } = task.graph.modules[position]!;
      if (lookedUp.has(spec.name)) continue;
      for (const node of state.nodesByModule.get(playedBy(spec)) ?? []) {
        const takesWork = !spec.run || state.clusters.get(node.instance)?.status === 'active';
        const fits = takesWork && hasLabels(node, requireOf(task, position));
        const isFree = node.isPlaceable && node.taken < node.capacity && fits;
        // The slots of a dead node's execution are waited for only as long as it is dead.
        const isOrphan =
          (run.phase.kind === 'placed' && state.nodes.get(run.phase.execution.nodeId)?.liveness !== 'dead') ||
          isWithoutUse(run.phase, spec.map?.limit ?? 1);
        check(
          !isFree || isOrphan,
          `${task.key} waits for ${spec.name}, and ${node.instance} has a free slot`,
        );
      }
    }
  }
}

/** Of a module with `map`: as many of its items are open as may be, and none of them waits for a slot. */
function isWithoutUse(phase: ModulePhase, limit: number): boolean {
  if (phase.kind !== 'mapping') return false;
  const isHeld = [...phase.open.values()].every(({ phase: of }) => of.kind === 'placed' || of.retry);
  return isHeld && phase.open.size >= limit;
}

export function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

/** Everything of a state that must outlive the process, in the form in which it is stored. */
function portrait(
  state: State,
): Record<
  | 'cursor'
  | 'tasks'
  | 'problems'
  | 'nodes'
  | 'held'
  | 'commands'
  | 'services'
  | 'replicas'
  | 'runs'
  | 'deployments',
  unknown
> {
  const sorted = <T>(items: Iterable<T>, key: (item: T) => string): T[] =>
    [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const nodes = sorted(state.nodes.values(), ({ nodeId }) => nodeId);
  return {
    cursor: state.cursor,
    tasks: sorted(state.tasks.values(), ({ key }) => key).map((task) =>
      JSON.parse(encodeRow(taskToRow(task)).toString(), (name, value) =>
        // Shown live and stored now and then.
        ['progress', 'message', 'log'].includes(name) ? undefined : value,
      ),
    ),
    problems: sorted(state.problems.values(), ({ problemId }) => problemId).map((problem) => ({
      ...problemToRow(problem),
      unfinished: problem.unfinished,
    })),
    nodes: nodes.map((node) => ({
      ...nodeToRow(node),
      status: undefined,
      last_seen_at: undefined,
      error: undefined,
    })),
    held: nodes.map(({ executions }) => [...executions].map(({ id }) => id).sort()),
    commands: sorted(state.commands.values(), ({ commandId }) => commandId)
      .filter(({ by }) => by === 'user')
      .map(commandToRow),
    services: sorted(state.services.values(), ({ spec }) => spec.name).map((each) =>
      stored(serviceToRow(each)),
    ),
    replicas: sorted(state.replicas.values(), ({ id }) => id).map((each) => stored(replicaToRow(each))),
    runs: sorted(state.runs, ([key]) => key),
    deployments: sorted(state.deployments.values(), ({ id }) => id).map((each) =>
      stored(deploymentToRow(each)),
    ),
  };
}

function stored(row: object): unknown {
  return JSON.parse(encodeRow(row).toString());
}
