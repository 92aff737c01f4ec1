/**
 * The orchestrator's shell in virtual time: the same load, decide, commit and perform as the real loop, with a crash possible at every
 * step between them; and as there, a batch of what nobody waits for is held open for what follows.
 */
import { silentLogger } from '../../src/base/logger.js';
import { isDeploymentGraph } from '../../src/model/deployment.js';
import type { Retention as Policy } from '../../src/model/graph.js';
import { checkStore, type StoreFault } from '../../src/orchestrator/check/check.js';
import type { BlobFiles } from '../../src/orchestrator/core/blob-files.js';
import { consider, nextDueMs, seal } from '../../src/orchestrator/core/decide.js';
import type { Journal, Reply } from '../../src/orchestrator/core/journal.js';
import type { LoadedGraph, State } from '../../src/orchestrator/core/state.js';
import type { PreparedRequest, Settings, Step, Turn } from '../../src/orchestrator/core/turn.js';
import { weigh } from '../../src/orchestrator/core/weigh.js';
import { load, NOTHING_LOADED } from '../../src/orchestrator/loop/load.js';
import { PayloadCache } from '../../src/orchestrator/loop/payload-cache.js';
import { Performer } from '../../src/orchestrator/loop/perform.js';
import { recover } from '../../src/orchestrator/loop/recover.js';
import type { Answer } from '../../src/orchestrator/port.js';
import { look } from '../../src/orchestrator/proposals/look.js';
import {
  isRemoval,
  type Proposal,
  type Proposals,
  type Weighed,
} from '../../src/orchestrator/proposals/proposals.js';
import { type Forgotten, Retention } from '../../src/orchestrator/retention/retention.js';
import { noteFactsSince } from '../../src/orchestrator/tables/facts-since.js';
import type { Clocks } from '../../src/orchestrator/tables/module-from-row.js';
import { type MemoryStore, openMemoryStore } from '../../src/store/memory.js';
import { decodeHello, decodeOutputs, decodeToOrchestrator } from '../../src/wire/codec.js';
import { FaultyJournal, Injected } from '../support/faulty-journal.js';
import { readStored } from './graphs.js';
import type { Hub, Network } from './network.js';
import type { World } from './world.js';

/** 2026-01-01, where the simulated wall clock begins. */
const WALL_MS = Date.UTC(2026, 0, 1);
export const GRACE_MS = 1000;
/** As long as the loop holds a batch open at most. */
const HELD_MS = 10;

/** Looks at everything that is committed, right after it is. */
export interface Auditor {
  committed(state: State, journal: Journal): void;
  /** A batch is over that was not worth a commit, or came before one that is decided already. */
  passed(state: State, journal: Journal): void;
  /** The process is a new one. */
  restarted(): void;
  /** A step has thrown. */
  thrown(error: Error): void;
  /** Now and then: memory against the store. */
  compare(state: State, store: MemoryStore, clocks: Clocks): Promise<void>;
}

export interface ShellDeps {
  readonly world: World;
  readonly network: Network;
  readonly disk: MemoryStore['disk'];
  readonly files: BlobFiles;
  readonly auditor: Auditor;
  readonly onCrash: () => void;
  /** Of the wall clock against virtual time. */
  readonly wallSkewMs: () => number;
}

const PUBLISHER = { route: '', address: '', isKnown: true };

type Asked = (answer: Answer) => void;

interface Proposed {
  readonly proposal: Proposal;
  readonly answer: (weighed: Weighed) => void;
}

export class Shell implements Hub, Proposals {
  readonly state: State;
  isRunning = true;
  readonly #deps: ShellDeps;
  readonly store: MemoryStore;
  readonly #settings: Settings;
  readonly #startedAt: number;
  readonly #performer: Performer;
  readonly #mailbox: Step[] = [];
  readonly #proposed: Proposed[] = [];
  readonly #asked = new Map<number, Asked>();
  readonly #admitted = new Set<string>();
  #requests = 0;
  #isTurning = false;
  #hasThrown = false;
  /** The batch that is not sealed yet, if it waits for more. */
  #open: { readonly journal: Journal; readonly since: number } | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;
  /** Frames that still leave before it crashes. */
  #sendsLeft = Number.POSITIVE_INFINITY;

  private constructor(deps: ShellDeps, store: MemoryStore, epoch: number, state: State, startedAt: number) {
    this.#deps = deps;
    this.store = store;
    this.state = state;
    this.#startedAt = startedAt;
    this.#settings = {
      epoch,
      storeId: store.storeId,
      token: undefined,
      heartbeatIntervalMs: 1000,
      outputWindow: 4,
      inlineMaxBytes: 65_536,
      graceMs: GRACE_MS,
      maxFrameBytes: 1 << 20,
      maxTasks: 10_000,
      outputsEndpoint: 'tcp://*:1',
      controlEndpoint: 'tcp://*:0',
      isTracing: false,
      blobUrl: 'http://*:2',
    };
    this.#performer = new Performer({
      bus: {
        send: (route, frame) => {
          this.#sendsLeft -= 1;
          if (this.#sendsLeft >= 0) deps.network.toNode(route, frame);
        },
        admit: (route) => void this.#admitted.add(route),
        end: () => {},
        publish: () => {},
        isWanted: () => false,
      },
      store,
      cache: new PayloadCache(deps.world.random.pick([0, 1 << 20])),
      settings: this.#settings,
      vault: { open: () => undefined },
      replicaToken: () => '',
      logger: {
        ...silentLogger,
        error: (fields) => this.#fail(`an error was logged: ${JSON.stringify(fields)}`),
      },
      onCommitted: () => {},
      onTrimmed: () => {},
      onReply: (reply) => this.#reply(reply),
      onRefused: () => {},
    });
  }

  static async open(deps: ShellDeps): Promise<Shell> {
    const store = openMemoryStore(deps.disk);
    const startedAt = deps.world.now - deps.world.random.whole(0, 5);
    const epoch = await store.reign();
    await noteFactsSince(store, epoch);
    const clocks = {
      nowMs: deps.world.now - startedAt,
      wallMs: WALL_MS + deps.world.now + deps.wallSkewMs(),
    };
    const state = await recover({
      store,
      clocks,
      graceMs: GRACE_MS,
      parseGraph: readStored,
    });
    deps.auditor.restarted();
    const shell = new Shell(deps, store, epoch, state, startedAt);
    deps.network.setHub(shell);
    shell.post({ kind: 'wake' });
    return shell;
  }

  /** What is wrong with its store. */
  async faults(): Promise<readonly StoreFault[]> {
    return (await checkStore(this.store, { readGraph: readStored })).faults;
  }

  /** `onAnswer` is never called when it crashes before. */
  request(request: PreparedRequest, key: string | undefined, onAnswer: Asked): void {
    this.#requests += 1;
    this.#asked.set(this.#requests, onAnswer);
    const dedupe = key === undefined ? undefined : { key, hash: JSON.stringify(request) };
    this.post({ kind: 'request', id: this.#requests, request, bound: '*', dedupe });
  }

  /** Never answered when it crashes before. */
  propose(proposal: Proposal): Promise<Weighed> {
    return new Promise((answer) => {
      this.#proposed.push({ proposal, answer });
      this.post({ kind: 'wake' });
    });
  }

  /** One pass over what is not to be kept. */
  async forget(policy: Policy, keepEvents: number): Promise<Forgotten> {
    const { state } = this;
    const { world, wallSkewMs } = this.#deps;
    const graph = (name: string, version?: number): LoadedGraph | undefined => {
      const loaded = state.graph(name, version);
      if (!loaded) return undefined;
      // Of a deployment, nothing is removed for its age.
      if (isDeploymentGraph(name)) return loaded;
      const { compiled } = loaded;
      return { ...loaded, compiled: { ...compiled, graph: { ...compiled.graph, retention: policy } } };
    };
    const retention = new Retention({
      ...{ store: this.store, proposals: this, graphs: { graphs: state.graphs, graph } },
      wallMs: () => WALL_MS + world.now + wallSkewMs(),
      ...{ agesAreBelieved: () => true, keepEvents, forgetDays: 0, nodesKept: 1000 },
      collectBlob: async (_, take) => void (await take()),
      logger: silentLogger,
    });
    return retention.run();
  }

  upload(sha256: string, size: number): void {
    this.#requests += 1;
    this.#asked.set(this.#requests, () => {});
    this.post({ kind: 'blob', id: this.#requests, sha256, size });
  }

  control(route: string, frame: Uint8Array): void {
    const decoded = this.#admitted.has(route) ? decodeToOrchestrator(frame) : decodeHello(frame);
    if (decoded.ok) this.post({ kind: 'control', route, frame: decoded.value, faults: decoded.faults });
    else if (decoded.code === 'say_hello') this.post({ kind: 'bad control', route, ...decoded });
    else throw new Error(`a node's frame cannot be read: ${decoded.message}`);
  }

  outputs(frame: Uint8Array): void {
    const decoded = decodeOutputs(frame);
    if (!decoded.ok) throw new Error(`outputs cannot be read: ${decoded.message}`);
    this.post({ kind: 'outputs', outputs: decoded.value.outputs, peer: PUBLISHER });
  }

  unreachable(route: string): void {
    this.post({ kind: 'unreachable', route });
  }

  disconnected(route: string): void {
    this.unreachable(route);
  }

  post(step: Step): void {
    if (!this.isRunning) return;
    this.#mailbox.push(step);
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#deps.world.after(this.#deps.world.random.whole(0, this.#deps.world.turnMs), () => this.#turn());
  }

  crash(): void {
    if (!this.isRunning) return;
    this.isRunning = false;
    this.#sendsLeft = 0;
    this.store.crash();
    this.#deps.network.setHub(undefined);
    this.#deps.onCrash();
  }

  async #turn(): Promise<void> {
    const { world, wallSkewMs } = this.#deps;
    if (!this.isRunning) return;
    if (this.#open === undefined) await this.#weigh(() => true);
    if (!this.isRunning) return;
    const steps = this.#mailbox.splice(0, world.random.chance(0.1) ? 2 : 2048);
    const loaded = await load(this.store, this.state, steps, {
      files: this.#deps.files,
      inlineMaxBytes: this.#settings.inlineMaxBytes,
    });
    const wallMs = WALL_MS + world.now + wallSkewMs();
    const nowMs = world.now - this.#startedAt;
    this.#open ??= { journal: this.#newJournal(wallMs), since: world.now };
    const { journal, since } = this.#open;
    journal.wallMs = wallMs;
    const turn: Turn = {
      state: this.state,
      journal,
      settings: this.#settings,
      ids: world.ids,
      loaded,
      nowMs,
      wallMs,
    };
    const taken = consider(turn, steps, this.#onError);
    this.#mailbox.unshift(...steps.slice(taken));
    if (!journal.isUrgent && !journal.isEmpty && world.now - since < HELD_MS) {
      world.after(since + HELD_MS - world.now, () => this.post({ kind: 'wake' }));
      this.#rest();
      return;
    }
    this.#open = undefined;
    seal(this.state, journal, this.#onError);
    await this.#commit(journal, { nowMs, wallMs });
  }

  /** Decides one of the proposals in a batch of its own, before the one that is held. */
  async #weigh(isFit: (proposal: Proposal) => boolean, held?: Journal): Promise<void> {
    const { world, auditor, wallSkewMs } = this.#deps;
    const at = this.#proposed.findIndex(({ proposal }) => isFit(proposal));
    if (at < 0) return;
    const { proposal, answer } = this.#proposed.splice(at, 1)[0]!;
    const { state } = this;
    const matter = await look(this.store, proposal);
    const wallMs = WALL_MS + world.now + wallSkewMs();
    const nowMs = world.now - this.#startedAt;
    const journal = this.#newJournal(wallMs, held?.before);
    const turn: Turn = {
      ...{ state, journal, settings: this.#settings, ids: world.ids, loaded: NOTHING_LOADED },
      ...{ nowMs, wallMs },
    };
    let weighed: Weighed;
    try {
      weighed = weigh(turn, matter, held);
    } catch (thrown) {
      this.#onError(thrown);
      answer({ kind: 'declined' });
      return;
    }
    if (world.fault(0.005)) {
      world.note('orchestrator crashes before a removal');
      this.crash();
      return;
    }
    const outcome = await this.store.commit(this.#settings.epoch, journal.writes);
    if (outcome.kind === 'full') {
      state.undo.back(0);
      answer({ kind: 'no room' });
      return;
    }
    if (outcome.kind !== 'committed') throw new Error(`a commit is ${outcome.kind}`);
    state.undo.keep();
    if (held === undefined) auditor.committed(state, journal);
    // The state is that of the batch that is held, and nothing says so yet.
    else auditor.passed(state, journal);
    if (held === undefined && world.random.chance(0.1))
      await auditor.compare(state, this.store, { nowMs, wallMs });
    await this.#performer.perform(journal);
    if (world.fault(0.005)) {
      world.note('orchestrator crashes after a removal');
      this.crash();
      return;
    }
    answer(weighed);
  }

  /** Now and then a handler, a timer or an evaluation throws right after one of its facts. */
  #newJournal(wallMs: number, cursor: number = this.state.cursor): Journal {
    const journal = new FaultyJournal(cursor, wallMs, this.state.undo);
    journal.fails = () => this.#deps.world.fault(0.002);
    return journal;
  }

  readonly #onError = (thrown: unknown): void => {
    if (!(thrown instanceof Injected)) throw thrown;
    this.#hasThrown = true;
    this.#deps.auditor.thrown(thrown);
  };

  async #commit(journal: Journal, clocks: Clocks): Promise<void> {
    const { world, auditor } = this.#deps;
    if (world.fault(0.002)) {
      world.note('orchestrator crashes before a commit');
      this.crash();
      return;
    }
    if (journal.writes.length > 0) {
      const outcome = await this.store.commit(this.#settings.epoch, journal.writes);
      if (outcome.kind === 'full') {
        world.after(250, async () => {
          // As many as come while nobody waits for anything else.
          for (let count = world.random.whole(0, 3); count > 0 && this.isRunning; count -= 1)
            await this.#weigh(isRemoval, journal);
          if (this.isRunning) await this.#commit(journal, clocks);
        });
        return;
      }
      if (outcome.kind !== 'committed') throw new Error(`a commit is ${outcome.kind}`);
      for (const event of journal.events) world.note(event.json);
      auditor.committed(this.state, journal);
      // Nothing that is left of a step that threw is in memory only.
      if (this.#hasThrown || world.random.chance(0.02)) await auditor.compare(this.state, this.store, clocks);
      this.#hasThrown = false;
    } else auditor.passed(this.state, journal);
    const crashes = world.fault(0.004);
    if (crashes) this.#sendsLeft = world.random.whole(0, 3);
    await this.#performer.perform(journal);
    if (crashes) {
      world.note('orchestrator crashes after a commit');
      this.crash();
      return;
    }
    this.#rest();
  }

  /** Until somebody says something, or it is time for something. */
  #rest(): void {
    this.#isTurning = false;
    if (this.#mailbox.length + this.#proposed.length > 0) this.post({ kind: 'wake' });
    this.#setTimer();
  }

  #setTimer(): void {
    const { world } = this.#deps;
    const due = nextDueMs(this.state);
    if (due === undefined) return;
    const at = Math.max(world.now + 1, due + this.#startedAt);
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    world.after(at - world.now, () => {
      if (this.#wakeAt === at) this.#wakeAt = Number.POSITIVE_INFINITY;
      this.post({ kind: 'wake' });
    });
  }

  #reply(reply: Reply): void {
    if (this.#sendsLeft <= 0 || reply.kind !== 'answer') return;
    const asked = this.#asked.get(reply.request);
    if (!asked) throw new Error(`request ${reply.request} is answered twice, or was never asked`);
    this.#asked.delete(reply.request);
    asked(reply.answer);
  }

  #fail(message: string): void {
    throw new Error(message);
  }
}
