/** A campaign over a graph of one module, with nodes that do what a test says, and a proposer that may be asked. */
import { sha256Of } from '../../src/base/sha256.js';
import { type Campaign, campaignHasEnded, phaseOfCampaign } from '../../src/model/campaign.js';
import type { EventType } from '../../src/model/facts.js';
import type { ModuleSpec } from '../../src/model/graph.js';
import { prepareCampaign } from '../../src/orchestrator/campaigns/prepare.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import type { Step } from '../../src/orchestrator/core/turn.js';
import type { AskedPolicy, AskedSchedule, Refusal } from '../../src/orchestrator/port.js';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { Core, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

export type Work = (input: Record<string, unknown>, iterationId: number) => unknown;
/** What a node that fails gives. */
export const FAILS = Symbol('fails');

export interface Ordered {
  readonly peer: Peer;
  readonly order: AssignOrder;
  readonly input: Record<string, unknown>;
}

const types = typesFromDescriptors(new Uint8Array());

export class CampaignStage {
  readonly core: Core;
  readonly peers: Peer[] = [];
  /** By execution, the work that nobody has answered. */
  readonly open = new Map<string, Ordered>();
  /** Of all executions of `work` that were ever assigned, their inputs by iteration; each must run once. */
  readonly ran: [iteration: number, input: Record<string, unknown>][] = [];
  readonly events: EventType[] = [];
  id = '';

  private constructor(core: Core) {
    this.core = core;
  }

  /** `work`: of the graph `g`; `suggest`: of the graph `p`. */
  static async open(work: Partial<ModuleSpec> = {}): Promise<CampaignStage> {
    const core = await Core.open([
      graphOf('g', moduleSpec('work', ['source'], { retry: ONCE, ...work })),
      graphOf('p', moduleSpec('suggest', ['source'], { retry: ONCE })),
    ]);
    return new CampaignStage(core);
  }

  async join(...modules: string[]): Promise<void> {
    for (const module of modules) {
      const peer = this.core.peer(module, { capacity: 99 });
      this.peers.push(peer);
      await this.take(await peer.join());
      await this.settle();
    }
  }

  asks(
    policy: Partial<AskedPolicy>,
    input: unknown = {},
    schedule?: AskedSchedule,
  ): ReturnType<typeof prepareCampaign> {
    const { state } = this.core;
    const deps = { state, bound: '*', types, wallMs: () => this.core.wallMs };
    const asked = { mode: 'automated', propose: { repeat: true }, ...policy } as const;
    return prepareCampaign(deps, {
      ...{ kind: 'run_campaign', name: 'sweep', graph: 'g', input, policy: asked },
      ...(schedule && { schedule }),
    });
  }

  async run(policy: Partial<AskedPolicy>, input: unknown = {}, schedule?: AskedSchedule): Promise<void> {
    const request = this.asks(policy, input, schedule);
    if ('ok' in request) throw new Error(JSON.stringify(request.details));
    const answer = await this.core.ask(request);
    if (!answer.ok) throw new Error(answer.message);
    this.id = String(answer.body.campaign_id);
    await this.settle();
  }

  async command(command: 'pause' | 'resume' | 'step' | 'finish' | 'abort'): Promise<Refusal | undefined> {
    const step = this.core.asks({ kind: 'command_campaign', campaignId: this.id, command });
    const turned = await this.core.turn(step);
    await this.take(turned);
    const [answer] = turned.answers;
    await this.settle();
    return answer?.ok ? undefined : answer;
  }

  get campaign(): Campaign {
    return this.core.state.campaigns.get(this.id)!;
  }

  get phase(): string {
    return phaseOfCampaign(this.campaign);
  }

  get hasEnded(): boolean {
    return campaignHasEnded(this.campaign);
  }

  /** What is due at once is done. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 50; turns += 1) {
      const { lookUps, campaignLookUps } = this.core.state;
      const before = lookUps.size + campaignLookUps.size;
      await this.take(await this.core.turn({ kind: 'wake' }));
      if (before === 0 && campaignLookUps.size === 0) return;
    }
    throw new Error('it does not come to rest');
  }

  async pass(ms: number): Promise<void> {
    for (const turned of await this.core.pass(ms)) await this.take(turned);
    await this.settle();
  }

  /** All nodes are heard, with what they have. */
  async beat(): Promise<void> {
    for (const peer of this.peers) {
      const held = [...this.open.values()].filter((ordered) => ordered.peer === peer);
      const executions = held.map(({ order }) => order.executionId);
      await this.take(await peer.beat(executions, executions.length > 0 ? 'RUNNING' : 'IDLE'));
    }
  }

  async take(turned: Turned): Promise<void> {
    this.events.push(...(turned.types as EventType[]));
    for (const peer of this.peers)
      for (const order of turned.only(peer.route, 'assign order')) {
        const input = await this.inputOf(order);
        this.open.set(order.executionId, { peer, order, input });
        if (order.module === 'work') this.ran.push([order.taskId.iterationId, input]);
      }
  }

  async inputOf({ inputs: [input] }: AssignOrder): Promise<Record<string, unknown>> {
    const { problemId, iterationId, owner, seq, blob } = input!.ref;
    const bytes = blob
      ? this.core.files.contents.get(blob.sha256)
      : await this.core.store.get('payloads', [problemId, iterationId, owner, seq]);
    if (blob && sha256Of(bytes!) !== blob.sha256) throw new Error('another blob');
    return JSON.parse(Buffer.from(bytes!).toString()) as Record<string, unknown>;
  }

  /** The iterations whose work nobody has answered. */
  get working(): number[] {
    return [...this.open.values()]
      .filter(({ order }) => order.module === 'work')
      .map(({ order }) => order.taskId.iterationId)
      .sort((a, b) => a - b);
  }

  answers({ peer, order }: Ordered, value: unknown): Step {
    this.open.delete(order.executionId);
    if (value === FAILS) {
      const error = { code: 'broken', message: 'it broke', retryable: false };
      return peer.says(peer.reports(order, 'FAILED', { error }));
    }
    return peer.publishes(order, 1, {
      payload: { kind: 'inline', bytes: Buffer.from(JSON.stringify(value)) },
    });
  }

  /** The oldest order of a module is answered. */
  async gives(module: string, value: unknown): Promise<void> {
    const ordered = [...this.open.values()].find(({ order }) => order.module === module);
    if (!ordered) throw new Error(`${module} does not run`);
    await this.take(await this.core.turn(this.answers(ordered, value)));
    await this.settle();
  }

  /** Until nothing runs: each order is answered in its turn. */
  async play(work: Work, suggest: Work = () => ({ done: true })): Promise<void> {
    for (let turns = 0; this.open.size > 0 && !this.hasEnded; turns += 1) {
      if (turns > 5000) throw new Error('it has no end');
      const [ordered] = [...this.open.values()];
      const { module, taskId } = ordered!.order;
      const by = module === 'work' ? work : suggest;
      await this.gives(module, by(ordered!.input, taskId.iterationId));
    }
  }

  /** The process ends here; its nodes say hello to the next one, and go on with what they have. */
  async crash(downMs?: number): Promise<void> {
    await this.core.restart(downMs);
    for (const peer of this.peers) {
      const held = [...this.open.values()]
        .filter((ordered) => ordered.peer === peer)
        .map(({ order: { executionId, lease } }) => ({
          executionId,
          lease,
          state: 'RUNNING' as const,
          lastSeq: 0,
        }));
      peer.route = `${peer.route}'`;
      await this.take(await peer.hello({ status: held.length > 0 ? 'RUNNING' : 'IDLE', held } as never));
    }
    await this.settle();
  }
}

const ONCE = { attempts: 1, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 };
