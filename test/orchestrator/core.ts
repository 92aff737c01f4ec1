/**
 * The core without its shell, one turn at a time: what is posted is loaded for, decided and committed as the loop does it, and what would
 * be performed is there to be looked at.
 */
import { expect } from 'vitest';
import { parseExpression } from '../../src/base/expression/parse-expression.js';
import { readCampaignGraph } from '../../src/model/campaign-graph.js';
import { readPlan } from '../../src/model/deployment.js';
import { planGraph } from '../../src/model/deployment-graph.js';
import { type EventType, FACTS, type FactOf } from '../../src/model/facts.js';
import type { Graph, ModuleSpec } from '../../src/model/graph.js';
import type { LoopSpec } from '../../src/model/loop.js';
import type { NodeStatus } from '../../src/model/node.js';
import {
  type ExecutionReport,
  type Hello,
  type NodeMessage,
  type OrchestratorMessage,
  type Output,
  PROTOCOL_VERSION,
} from '../../src/model/protocol.js';
import { readServiceGraph } from '../../src/model/service.js';
import { checkStore, type StoreFault, type StoreVerdict } from '../../src/orchestrator/check/check.js';
import { consider, decide, nextDueMs } from '../../src/orchestrator/core/decide.js';
import { type AssignOrder, Journal } from '../../src/orchestrator/core/journal.js';
import type { FleetNode, State } from '../../src/orchestrator/core/state.js';
import type { Loaded, PreparedRequest, Settings, Step, Turn } from '../../src/orchestrator/core/turn.js';
import { weigh } from '../../src/orchestrator/core/weigh.js';
import { load, NOTHING_LOADED } from '../../src/orchestrator/loop/load.js';
import { recover } from '../../src/orchestrator/loop/recover.js';
import type { Answer } from '../../src/orchestrator/port.js';
import { look, type Matter } from '../../src/orchestrator/proposals/look.js';
import type { Proposal, Weighed } from '../../src/orchestrator/proposals/proposals.js';
import { noteFactsSince } from '../../src/orchestrator/tables/facts-since.js';
import { decodeRow } from '../../src/orchestrator/tables/row.js';
import type { TaskRow } from '../../src/orchestrator/tables/task-row.js';
import { createMemoryDisk, type MemoryStore, openMemoryStore } from '../../src/store/memory.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { FaultyJournal, Injected } from '../support/faulty-journal.js';
import { type MemoryFiles, memoryFiles } from '../support/memory-files.js';
import { Mirror } from '../support/mirror.js';
import { portraitOf } from '../support/portrait.js';

export type Sent = OrchestratorMessage | AssignOrder;
export type SentOf<K extends Sent['kind']> = Extract<Sent, { kind: K }>;

export const GRACE_MS = 5000;
export const INLINE_MAX_BYTES = 1000;
export const MAX_TASKS = 1000;
const START_WALL_MS = Date.UTC(2026, 0, 1);

export function moduleSpec(
  name: string,
  inputs: readonly string[],
  more: Partial<ModuleSpec> = {},
): ModuleSpec {
  return {
    ...{
      name,
      inputs,
      previous: [],
      output: 'json',
      require: {},
      timeoutMs: 60_000,
      onError: 'fail',
      start: 'auto',
    },
    retry: { attempts: 3, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 },
    liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
    ...more,
  };
}

export function graphOf(name: string, ...modules: ModuleSpec[]): Graph {
  return { name, source: { name: 'source', type: 'json' }, modules };
}

/** `more`: of the loop, beside what every one needs. */
export function loop(
  from: string,
  to: string,
  until: string,
  max: number,
  more: Partial<LoopSpec> = {},
): LoopSpec {
  return { from, to, ...{ until: expressionOf(until), max, onMax: 'fail', ...more } };
}

export function expressionOf(text: string): LoopSpec['until'] {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return { text, expression: parsed.expression };
}

/** What one turn led to. */
export class Turned {
  constructor(readonly journal: Journal) {}

  /** To this connection, in order. */
  to(route: string): Sent[] {
    return this.journal.sendings
      .filter((sending) => sending.route === route)
      .flatMap(({ messages }) => messages);
  }

  only<K extends Sent['kind']>(route: string, kind: K): SentOf<K>[] {
    return this.to(route).filter((message): message is SentOf<K> => message.kind === kind);
  }

  refusals(route: string): string[] {
    return this.only(route, 'refused').map(({ code }) => code);
  }

  acks(route: string): [seq: number, ended: boolean][] {
    return this.only(route, 'output_acks').flatMap(({ acks }) =>
      acks.map(({ seq, ended }): [number, boolean] => [seq, ended]),
    );
  }

  get types(): string[] {
    return this.journal.events.map(({ fact }) => fact.type);
  }

  event<T extends EventType>(type: T): FactOf<T> | undefined {
    const event = this.journal.events.find(({ fact }) => fact.type === type);
    return event?.fact as FactOf<T> | undefined;
  }

  /** What the event of this type says beyond what it is about. */
  detail<T extends EventType>(type: T): Readonly<Record<string, unknown>> | undefined {
    const fields: Readonly<Record<string, unknown>> | undefined = this.event(type);
    return (
      fields &&
      Object.fromEntries(
        Object.keys(FACTS[type].shown).flatMap((name) =>
          fields[name] === undefined ? [] : [[name, fields[name]]],
        ),
      )
    );
  }

  get answers(): Answer[] {
    return this.journal.replies.flatMap((reply) => (reply.kind === 'answer' ? [reply.answer] : []));
  }
}

/** That a node was heard is true whatever becomes of its message. */
const HEARD = ['heardAt', 'heardMs'];

export class Core {
  readonly #graphs: ReadonlyMap<string, Graph>;
  readonly #token: string | undefined;
  /** Sees in each turn that what it writes is the fold of its facts. */
  readonly #mirror = new Mirror();
  #store: MemoryStore;
  #ids = 0;
  #requests = 0;
  #boots = 0;
  nowMs = 1000;
  wallMs = START_WALL_MS;
  epoch = 0;
  state!: State;
  readonly files: MemoryFiles = memoryFiles();
  /** Each turn is tried first with a throw at each of its facts. */
  isSabotaged = false;
  /** The oldest event that is left. */
  trimmedTo = 1;
  /** How many steps, and how many batches, were seen to leave nothing behind. */
  undoneSteps = 0;
  undoneBatches = 0;

  private constructor(graphs: readonly Graph[], token: string | undefined) {
    this.#graphs = new Map(graphs.map((graph) => [graph.name, graph]));
    this.#token = token;
    this.#store = openMemoryStore(createMemoryDisk());
  }

  static async open(graphs: readonly Graph[], token?: string): Promise<Core> {
    const core = new Core(graphs, token);
    await core.restart();
    const types = typesFromDescriptors(new Uint8Array());
    for (const graph of graphs) {
      const { name } = graph;
      await core.ask({ kind: 'put_graph', name, yaml: name, graph, types, typesJson: types.toJson([]) });
    }
    return core;
  }

  get store(): MemoryStore {
    return this.#store;
  }

  /** Everything that is only in memory is gone; so much time passes meanwhile. */
  async restart(downMs = 1000): Promise<void> {
    this.#store.crash();
    this.#store = openMemoryStore(this.#store.disk);
    this.epoch = await this.#store.reign();
    await noteFactsSince(this.#store, this.epoch);
    this.wallMs += downMs;
    this.nowMs = 5;
    const clocks = { nowMs: this.nowMs, wallMs: this.wallMs };
    const parseGraph = (yaml: string): Graph => this.#graph(yaml);
    this.state = await recover({ store: this.#store, clocks, graceMs: GRACE_MS, parseGraph });
    this.#mirror.restart();
    await this.turn({ kind: 'wake' });
  }

  async turn(...steps: Step[]): Promise<Turned> {
    const journal = await this.decide(...steps);
    await this.commit(journal);
    return new Turned(journal);
  }

  /** A batch that is decided and not committed yet. */
  async decide(...steps: Step[]): Promise<Journal> {
    const loaded = await load(this.#store, this.state, steps, {
      files: this.files,
      inlineMaxBytes: INLINE_MAX_BYTES,
    });
    if (this.isSabotaged) this.#sabotage(loaded, steps);
    const journal = new Journal(this.state.cursor, this.wallMs, this.state.undo);
    const ids = { uuid: () => this.uuid(), secret: () => `SECRET${this.#ids++}` };
    const { state, nowMs, wallMs } = this;
    decide({ state, journal, settings: this.#settings(), ids, loaded, nowMs, wallMs }, steps, (thrown) => {
      throw thrown;
    });
    return journal;
  }

  async commit(journal: Journal): Promise<void> {
    const outcome = await this.#store.commit(this.epoch, journal.writes);
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
    this.#mirror.follow(this.state, journal);
  }

  /** What the last proposal that was committed led to. */
  proposed: Turned | undefined;

  /** As the loop does it: a batch of its own, before the one that is `held`. */
  async propose(proposal: Proposal, held?: Journal): Promise<Weighed> {
    const matter = await look(this.#store, proposal);
    const { state } = this;
    const before = held?.before ?? state.cursor;
    if (this.isSabotaged) this.#sabotageProposal(matter, before, held);
    const journal = new Journal(before, this.wallMs, state.undo);
    const weighed = weigh(this.#turnOf(journal), matter, held);
    const outcome = await this.#store.commit(this.epoch, journal.writes);
    if (outcome.kind === 'full') {
      state.undo.back(0);
      return { kind: 'no room' };
    }
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
    state.undo.keep();
    this.#mirror.follow(state, journal);
    this.trimmedTo = journal.trimmedTo ?? this.trimmedTo;
    this.proposed = new Turned(journal);
    return weighed;
  }

  #sabotageProposal(matter: Matter, cursor: number, held: Journal | undefined): void {
    const { state } = this;
    const before = portraitOf(state);
    for (let failAt = 1; ; failAt += 1) {
      const journal = new FaultyJournal(cursor, this.wallMs, state.undo);
      let facts = 0;
      journal.fails = () => {
        facts += 1;
        return facts === failAt;
      };
      try {
        weigh(this.#turnOf(journal), matter, held);
      } catch (thrown) {
        if (!(thrown instanceof Injected)) throw thrown;
        this.undoneSteps += 1;
        expect([portraitOf(state), journal.facts, journal.writes]).toEqual([before, [], []]);
        continue;
      }
      state.undo.back(0);
      expect(portraitOf(state)).toEqual(before);
      return;
    }
  }

  #turnOf(journal: Journal): Turn {
    const { state, nowMs, wallMs } = this;
    const ids = { uuid: () => this.uuid(), secret: () => '' };
    return { state, journal, settings: this.#settings(), ids, loaded: NOTHING_LOADED, nowMs, wallMs };
  }

  /** Tries the turn with a throw at each of its facts, one after the other: nothing is left of the step that threw, nor of the batch when it is undone. */
  #sabotage(loaded: Loaded, steps: readonly Step[]): void {
    const { state, nowMs, wallMs } = this;
    const idsBefore = this.#ids;
    for (let failAt = 1; ; failAt += 1) {
      const [before, partly] = [portraitOf(state), portraitOf(state, HEARD)];
      const journal = new FaultyJournal(state.cursor, wallMs, state.undo);
      let facts = 0;
      journal.fails = () => {
        facts += 1;
        return facts === failAt;
      };
      const ids = { uuid: () => this.uuid(), secret: () => `SECRET${this.#ids++}` };
      const errors: unknown[] = [];
      consider(
        { state, journal, settings: this.#settings(), ids, loaded, nowMs, wallMs },
        steps,
        (thrown) => {
          if (!(thrown instanceof Injected)) throw thrown;
          errors.push(thrown);
        },
      );
      // A frame of several messages is taken in message by message, and so are the timers that are due.
      const isOne =
        steps.length === 1 &&
        steps.every((step) =>
          step.kind === 'control' ? step.frame.messages.length === 1 : step.kind !== 'wake',
        );
      if (isOne && journal.facts.length === 0 && errors.length > 0) {
        this.undoneSteps += 1;
        expect(portraitOf(state, HEARD)).toEqual(partly);
        expect([journal.events, journal.writes, journal.payloads, journal.sendings]).toEqual([
          [],
          [],
          [],
          [],
        ]);
        const answers = journal.replies.map((reply) =>
          reply.kind === 'answer' && !reply.answer.ok ? reply.answer.code : reply,
        );
        expect(answers).toEqual(steps.flatMap((step) => ('id' in step ? ['internal'] : [])));
      }
      state.undo.back(0);
      this.#ids = idsBefore;
      expect(portraitOf(state)).toEqual(before);
      expect([journal.facts, journal.replies, journal.writes]).toEqual([[], [], []]);
      if (facts < failAt) return;
      this.undoneBatches += 1;
    }
  }

  /** Time passes, and whatever falls due is decided when it does. Returns all that it led to. */
  async pass(ms: number): Promise<Turned[]> {
    const turned: Turned[] = [];
    const end = this.nowMs + ms;
    for (;;) {
      const due = nextDueMs(this.state);
      const next = due === undefined || due > end ? end : Math.max(due, this.nowMs + 1);
      this.wallMs += next - this.nowMs;
      this.nowMs = next;
      turned.push(await this.turn({ kind: 'wake' }));
      if (next >= end) return turned;
    }
  }

  uuid(): string {
    this.#ids += 1;
    return `00000000-0000-7000-8000-${this.#ids.toString(16).padStart(12, '0')}`;
  }

  async ask(request: PreparedRequest, dedupe?: { key: string; hash: string }): Promise<Answer> {
    const { answers } = await this.turn(this.asks(request, dedupe));
    if (answers.length !== 1) throw new Error(`${answers.length} answers`);
    return answers[0]!;
  }

  asks(request: PreparedRequest, dedupe?: { key: string; hash: string }): Step {
    this.#requests += 1;
    return { kind: 'request', id: this.#requests, request, bound: '*', dedupe };
  }

  submits(graph: string, priority?: number): Step {
    const prepared = { kind: 'inline', bytes: Buffer.from('{}') } as const;
    const request = {
      kind: 'submit',
      graph,
      input: undefined,
      graphVersion: 1,
      project: 'default',
      prepared,
    } as const;
    return this.asks(priority === undefined ? request : { ...request, priority });
  }

  /** Submits and returns the task's key. */
  async submit(graph: string, priority?: number): Promise<string> {
    const { answers } = await this.turn(this.submits(graph, priority));
    const [answer] = answers;
    if (!answer?.ok) throw new Error('not accepted');
    return String(answer.body.task_id);
  }

  peer(module: string, more: Partial<Hello> = {}): Peer {
    this.#boots += 1;
    return new Peer(this, module, `route-${this.#boots}`, more);
  }

  check(): Promise<StoreVerdict> {
    const readGraph = (yaml: string): Graph => this.#graph(yaml);
    return checkStore(this.#store, { readGraph });
  }

  #graph(yaml: string): Graph {
    const planned = readPlan(yaml);
    if (planned) return planGraph(planned.deploymentId, planned.plan);
    return readServiceGraph(yaml) ?? readCampaignGraph(yaml) ?? this.#graphs.get(yaml)!;
  }

  /** What is wrong with the store. */
  async faults(): Promise<readonly StoreFault[]> {
    return (await this.check()).faults;
  }

  async row(key: string): Promise<TaskRow> {
    const [problemId, iterationId] = key.split('/');
    const bytes = await this.#store.get('iterations', [problemId!, Number(iterationId)]);
    return decodeRow<TaskRow>(bytes!);
  }

  #settings(): Settings {
    return {
      ...{ epoch: this.epoch, storeId: this.#store.storeId, token: this.#token, heartbeatIntervalMs: 1000 },
      ...{ outputWindow: 16, inlineMaxBytes: INLINE_MAX_BYTES, graceMs: GRACE_MS, maxFrameBytes: 1 << 20 },
      ...{
        outputsEndpoint: 'tcp://*:1',
        controlEndpoint: 'tcp://*:0',
        blobUrl: 'http://*:2',
        maxTasks: MAX_TASKS,
        isTracing: false,
      },
    };
  }
}

/** A node as the core sees it: it says what a test makes it say. */
export class Peer {
  readonly module: string;
  readonly bootId: string;
  route: string;
  nodeId = '';
  incarnation = 0;
  readonly #core: Core;
  readonly #hello: Partial<Hello>;

  constructor(core: Core, module: string, route: string, hello: Partial<Hello>) {
    this.#core = core;
    this.module = module;
    this.bootId = hello.bootId ?? core.uuid();
    this.route = route;
    this.#hello = hello;
  }

  get node(): FleetNode {
    return this.#core.state.nodes.get(this.nodeId)!;
  }

  says(...messages: NodeMessage[]): Step {
    const { route, nodeId, incarnation } = this;
    const frame = { protocolVersion: PROTOCOL_VERSION, nodeId, incarnation, messages };
    return { kind: 'control', route, frame, faults: [] };
  }

  say(...messages: NodeMessage[]): Promise<Turned> {
    return this.#core.turn(this.says(...messages));
  }

  helloOf(more: Partial<Hello> = {}): Hello {
    return {
      ...{
        kind: 'hello',
        module: this.module,
        instance: `${this.module}-1`,
        version: '1',
        capacity: 1,
        labels: {},
      },
      ...{ outputType: '', status: 'INACTIVE', held: [], token: '', ...this.#hello, bootId: this.bootId },
      ...more,
    };
  }

  /** Says hello and takes the welcome to heart. */
  async hello(more: Partial<Hello> = {}): Promise<Turned> {
    const turned = await this.say(this.helloOf(more));
    const [welcome] = turned.only(this.route, 'welcome');
    if (welcome) {
      this.nodeId = welcome.nodeId;
      this.incarnation = welcome.incarnation;
    }
    return turned;
  }

  /** Says hello, acknowledges the start, and is idle. */
  async join(): Promise<Turned> {
    const turned = await this.hello();
    const starts = turned.only(this.route, 'node_command');
    return this.say(
      ...starts.map(
        ({ commandId }): NodeMessage => ({ kind: 'command_ack', commandId, executionId: '', accepted: true }),
      ),
      { kind: 'node_report', status: 'IDLE' },
    );
  }

  beat(running: readonly string[] = [], status: NodeStatus = 'IDLE'): Promise<Turned> {
    return this.say({ kind: 'heartbeat', status, running });
  }

  reports(
    order: AssignOrder,
    state: ExecutionReport['state'],
    more: Partial<ExecutionReport> = {},
  ): NodeMessage {
    const { executionId, lease } = order;
    return {
      kind: 'execution_report',
      executionId,
      lease,
      state,
      lastSeq: 0,
      progress: 0,
      message: '',
      ...more,
    };
  }

  report(
    order: AssignOrder,
    state: ExecutionReport['state'],
    more: Partial<ExecutionReport> = {},
  ): Promise<Turned> {
    return this.say(this.reports(order, state, more));
  }

  publishes(order: AssignOrder, seq: number, more: Partial<Output> = {}): Step {
    const bytes = Buffer.from(JSON.stringify({ from: order.module, seq }));
    const { executionId, lease } = order;
    const output: Output = {
      executionId,
      lease,
      seq,
      last: true,
      type: 'json',
      payload: { kind: 'inline', bytes },
      ...more,
    };
    return {
      kind: 'outputs',
      outputs: [output],
      peer: { route: this.route, address: this.route, isKnown: true },
    };
  }

  publish(order: AssignOrder, seq: number, more: Partial<Output> = {}): Promise<Turned> {
    return this.#core.turn(this.publishes(order, seq, more));
  }

  acks(commandId: string, executionId = '', accepted = true): Promise<Turned> {
    const error = { code: 'not_in_this_state', message: 'no', retryable: false };
    return this.say({ kind: 'command_ack', commandId, executionId, accepted, ...(!accepted && { error }) });
  }
}
