/** A task of one graph whose nodes do what a test says: each module gives a value, or fails, when it is told to. */
import { inTopologicalOrder } from '../../src/config/graph/graph-edges.js';
import type { ModuleSpec } from '../../src/model/graph.js';
import type { LoopSpec } from '../../src/model/loop.js';
import type { PayloadRef } from '../../src/model/payload.js';
import { awaitedApproval } from '../../src/model/task.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import type { PreparedInput, PreparedRequest } from '../../src/orchestrator/core/turn.js';
import type { TaskRow } from '../../src/orchestrator/tables/task-row.js';
import { Core, graphOf, type Peer, type Turned } from './core.js';

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
export const inline = (value: unknown): PreparedInput => ({ kind: 'inline', bytes: bytesOf(value) });

export class Stage {
  readonly core: Core;
  readonly #peers = new Map<string, Peer>();
  readonly #open = new Map<string, AssignOrder>();
  readonly ran: string[] = [];

  private constructor(core: Core) {
    this.core = core;
  }

  static set(...modules: ModuleSpec[]): Promise<Stage> {
    return Stage.looping([], ...modules);
  }

  /** The modules in any order. */
  static async looping(loops: readonly LoopSpec[], ...specs: ModuleSpec[]): Promise<Stage> {
    const modules = inTopologicalOrder('source', specs, loops);
    const core = await Core.open([{ ...graphOf('g', ...modules), loops }]);
    const stage = new Stage(core);
    for (const { name, approve } of modules) {
      if (approve) continue;
      const peer = core.peer(name, { capacity: 9 });
      stage.#peers.set(name, peer);
      await peer.join();
    }
    return stage;
  }

  get open(): string[] {
    return [...this.#open.keys()];
  }

  #take(turned: Turned): Turned {
    for (const peer of this.#peers.values()) {
      for (const order of turned.only(peer.route, 'assign order')) {
        this.#open.set(order.module, order);
        this.ran.push(order.module);
      }
    }
    return turned;
  }

  execution(module: string): string | undefined {
    return this.#open.get(module)?.executionId;
  }

  /** Where what a module is given as this input is stored. */
  input(module: string, name: string): PayloadRef | undefined {
    return this.#open.get(module)?.inputs.find((input) => input.name === name && !input.previous)?.ref;
  }

  /** Names of what it gets of before, with the executions that have put it out. */
  previous(module: string): Record<string, string> {
    const inputs = this.#open.get(module)?.inputs.filter(({ previous }) => previous) ?? [];
    return Object.fromEntries(inputs.map(({ name, ref }) => [name, ref.owner]));
  }

  async ask(request: PreparedRequest): Promise<Turned> {
    return this.#take(await this.core.turn(this.core.asks(request)));
  }

  submit(input: unknown = {}): Promise<Turned> {
    return this.ask({
      kind: 'submit',
      graph: 'g',
      input: undefined,
      graphVersion: 1,
      project: 'default',
      prepared: inline(input),
    });
  }

  async gives(module: string, value: unknown): Promise<Turned> {
    return this.#end(module, (peer, order) =>
      peer.publish(order, 1, { payload: { kind: 'inline', bytes: bytesOf(value) } }),
    );
  }

  async fails(module: string): Promise<Turned> {
    const error = { code: 'broken', message: 'it broke', retryable: false };
    return this.#end(module, (peer, order) => peer.report(order, 'FAILED', { error }));
  }

  async #end(module: string, act: (peer: Peer, order: AssignOrder) => Promise<Turned>): Promise<Turned> {
    const order = this.#open.get(module);
    if (!order) throw new Error(`${module} does not run`);
    this.#open.delete(module);
    return this.#take(await act(this.#peers.get(module)!, order));
  }

  /** The decision about the newest task. */
  decides(module: string, decision: 'approve' | 'deny', reason?: string): Promise<Turned> {
    const { id: taskId } = [...this.core.state.tasks.values()].at(-1)!;
    return this.ask({
      ...{ kind: 'decide_approval', taskId, module, decision, role: 'operator', by: 'ada' },
      ...(reason !== undefined && { reason }),
    });
  }

  /** Modules that wait for a decision. */
  get asked(): string[] {
    return [...this.core.state.tasks.values()].flatMap(({ graph, runs }) =>
      graph.modules.flatMap(({ spec, position }) => {
        const run = runs[position];
        return run && awaitedApproval(run.phase) ? [spec.name] : [];
      }),
    );
  }

  async row(turned: Turned, iteration = 1): Promise<TaskRow> {
    return this.core.row(`${problemOf(turned)}/${iteration}`);
  }
}

export function problemOf(turned: Turned): string {
  const [answer] = turned.answers;
  return answer?.ok ? String(answer.body.problem_id) : '';
}
