import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import type { ModuleSpec } from '../../src/model/graph.js';
import type { LoopSpec } from '../../src/model/loop.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { Retention } from '../../src/orchestrator/retention/retention.js';
import type { ResultRow } from '../../src/orchestrator/tables/records.js';
import { decodeRow } from '../../src/orchestrator/tables/row.js';
import { Core, graphOf, loop, moduleSpec, type Peer, type Turned } from './core.js';
import { inline } from './stage.js';

const cached = (name: string, inputs: readonly string[], more: Partial<ModuleSpec> = {}): ModuleSpec =>
  moduleSpec(name, inputs, { cache: true, ...more });

/** One orchestrator, and nodes that put out what they were given, with their version and how often they have run. */
class Play {
  readonly core: Core;
  readonly #peers: Peer[] = [];
  /** By module, what ran and has not ended. */
  readonly open = new Map<string, AssignOrder[]>();
  readonly ran: string[] = [];
  #runs = 0;

  private constructor(core: Core) {
    this.core = core;
  }

  static async of(...modules: ModuleSpec[]): Promise<Play> {
    return Play.looping([], ...modules);
  }

  static async looping(loops: readonly LoopSpec[], ...modules: ModuleSpec[]): Promise<Play> {
    return new Play(await Core.open([{ ...graphOf('g', ...modules), loops }]));
  }

  async joins(module: string, version = '1', capacity = 9): Promise<Peer> {
    const peer = this.core.peer(module, { version, capacity, instance: `${module}-${version}` });
    this.#peers.push(peer);
    await this.takes(await peer.join());
    return peer;
  }

  /** What is looked up is known in the batch after. */
  async takes(turned: Turned): Promise<string[]> {
    const types = [...turned.types];
    for (let next = turned; ; ) {
      for (const peer of this.#peers) {
        for (const order of next.only(peer.route, 'assign order')) {
          this.open.set(order.module, [...(this.open.get(order.module) ?? []), order]);
          this.ran.push(order.module);
        }
      }
      if (this.core.state.lookUps.size === 0) return types;
      next = await this.core.turn({ kind: 'wake' });
      types.push(...next.types);
    }
  }

  async submits(input: unknown, project = 'default'): Promise<string> {
    const turned = await this.core.turn(
      this.core.asks({
        kind: 'submit',
        project,
        graph: 'g',
        input: undefined,
        graphVersion: 1,
        prepared: inline(input),
      }),
    );
    await this.takes(turned);
    const [answer] = turned.answers;
    return answer?.ok ? String(answer.body.task_id) : '';
  }

  async ends(module: string): Promise<string[]> {
    const [order, ...rest] = this.open.get(module) ?? [];
    if (!order) throw new Error(`${module} does not run`);
    this.open.set(module, rest);
    const peer = this.#peers.find((one) => one.node?.executions && one.nodeId === this.nodeOf(order))!;
    this.#runs += 1;
    const value = { module, run: this.#runs };
    return this.takes(
      await peer.publish(order, 1, {
        payload: { kind: 'inline', bytes: Buffer.from(JSON.stringify(value)) },
      }),
    );
  }

  nodeOf({ executionId }: AssignOrder): string | undefined {
    return this.core.state.executions.get(executionId)?.nodeId;
  }

  async valueOf(task: string, module: string): Promise<unknown> {
    const row = (await this.core.row(task)).modules[module]!;
    const { problem_id, iteration_id, owner, seq } = row.reused ?? {
      ...idOf(task),
      owner: row.executions.at(-1)!.execution_id,
      seq: 1,
    };
    const bytes = await this.core.store.get('payloads', [problem_id, iteration_id, owner, seq]);
    return JSON.parse(Buffer.from(bytes!).toString());
  }

  async results(): Promise<ResultRow[]> {
    const rows = await this.core.store.range('results', { prefix: [], limit: 1000 });
    return rows.map(({ value }) => decodeRow<ResultRow>(value));
  }

  async removeOld(): Promise<void> {
    const compiled = this.core.state.graph('g')!.compiled as { graph: object };
    compiled.graph = { ...compiled.graph, retention: { keepLast: 0, maxIterations: 0 } };
    await new Retention({
      ...{ store: this.core.store, proposals: this.core, graphs: this.core.state },
      ...{ wallMs: () => this.core.wallMs, agesAreBelieved: () => true, keepEvents: 0, forgetDays: 30 },
      ...{ collectBlob: async () => {}, logger: silentLogger },
    }).run();
  }
}

function idOf(task: string): { problem_id: string; iteration_id: number } {
  const [problem_id = '', iteration] = task.split('/');
  return { problem_id, iteration_id: Number(iteration) };
}

let play: Play;

beforeEach(async () => {
  play = await Play.of(cached('a', ['source']), cached('b', ['a']));
});

describe('a module with cache', () => {
  it('reuses the output of an earlier execution with the same inputs, even of another problem, and names that execution', async () => {
    await play.joins('a');
    await play.joins('b');
    const first = await play.submits({ x: 1 });
    await play.ends('a');
    await play.ends('b');
    const turned = await play.core.turn(
      play.core.asks({
        ...{ kind: 'submit', project: 'default', graph: 'g', input: undefined, graphVersion: 1 },
        prepared: inline({ x: 1 }),
      }),
    );
    expect(turned.types).toEqual(['problem.created', 'iteration.submitted']);
    const taken = await play.core.turn({ kind: 'wake' });
    const { execution_id } = (await play.core.row(first)).modules.a!.executions[0]!;
    expect(taken.types).toEqual(['iteration.started', 'module.reused']);
    expect(taken.detail('module.reused')).toMatchObject({
      cached_from: { ...idOf(first), execution_id },
      output: { text: '{"module":"a","run":1}' },
    });
    const last = await play.core.turn({ kind: 'wake' });
    expect(last.types).toEqual(['module.reused', 'iteration.succeeded']);
    expect(play.ran).toEqual(['a', 'b']);
    const [answer] = turned.answers;
    const second = answer?.ok ? String(answer.body.task_id) : '';
    expect(await play.valueOf(second, 'b')).toEqual({ module: 'b', run: 2 });
    expect(await play.core.faults()).toEqual([]);
  });

  it('runs where anything is another: an input, the version of the node', async () => {
    const old = await play.joins('a');
    await play.submits({ x: 1 });
    await play.ends('a');
    await play.submits({ x: 2 });
    await play.ends('a');
    expect(play.ran).toEqual(['a', 'a']);
    await play.takes(await old.say({ kind: 'goodbye' }));
    await play.joins('a', '2');
    await play.submits({ x: 1 });
    expect(play.ran).toEqual(['a', 'a', 'a']);
    await play.ends('a');
    // Each version has its own.
    await play.joins('a', '1');
    await play.submits({ x: 1 });
    expect(play.ran).toHaveLength(3);
    expect(await play.core.faults()).toEqual([]);
  });

  it('takes nothing of another project', async () => {
    await play.joins('a');
    await play.submits(1);
    await play.ends('a');
    await play.submits(1, 'steel');
    expect(play.ran).toEqual(['a', 'a']);
    await play.ends('a');
    await play.submits(1, 'steel');
    expect(play.ran).toHaveLength(2);
    expect(await play.core.faults()).toEqual([]);
  });

  it('waits where no node could be chosen, whatever has been found before, and then takes it', async () => {
    const node = await play.joins('a');
    await play.submits(1);
    await play.ends('a');
    await play.takes(await node.say({ kind: 'goodbye' }));
    const task = await play.submits(1);
    expect((await play.core.row(task)).modules.a).toMatchObject({
      phase: 'waiting',
      waiting: { code: 'no_node' },
    });
    await play.joins('a');
    expect((await play.core.row(task)).modules.a!.phase).toBe('reused');
    expect(play.ran).toEqual(['a']);
  });

  it('needs no free slot to take something, and those that wait for one take what has come meanwhile', async () => {
    await play.joins('a', '1', 1);
    await play.submits(1);
    await play.ends('a');
    const other = await play.submits(2);
    const taken = await play.submits(1);
    expect((await play.core.row(taken)).modules.a!.phase).toBe('reused');
    const waiting = [await play.submits(2), await play.submits(2), await play.submits(3)];
    expect(play.ran).toEqual(['a', 'a']);
    await play.ends('a');
    expect(play.ran).toEqual(['a', 'a', 'a']);
    const phases = [];
    for (const task of [other, ...waiting]) phases.push((await play.core.row(task)).modules.a!.phase);
    expect(phases).toEqual(['succeeded', 'reused', 'reused', 'placed']);
    expect(await play.core.faults()).toEqual([]);
  });

  it('runs after a reset, and what it put out before is no longer taken', async () => {
    await play.joins('a');
    const first = await play.submits(1);
    await play.ends('a');
    const [problemId, iteration] = first.split('/');
    const taskId = { problemId: problemId!, iterationId: Number(iteration) };
    const reset = await play.core.turn(
      play.core.asks({ kind: 'task_command', taskId, command: 'reset', module: 'a' }),
    );
    await play.takes(reset);
    expect([play.ran, await play.results()]).toEqual([['a', 'a'], []]);
    await play.ends('a');
    const second = await play.submits(1);
    expect(await play.valueOf(second, 'a')).toEqual({ module: 'a', run: 2 });
    // One that has taken runs itself.
    const id = { problemId: second.split('/')[0]!, iterationId: 1 };
    await play.takes(
      await play.core.turn(
        play.core.asks({ kind: 'task_command', taskId: id, command: 'reset', module: 'a' }),
      ),
    );
    expect(play.ran).toEqual(['a', 'a', 'a']);
    expect(await play.core.faults()).toEqual([]);
  });

  it('keeps what it has taken when retention removes where it is from, and takes nothing that is gone', async () => {
    await play.joins('a');
    await play.joins('b');
    const first = await play.submits(1);
    await play.ends('a');
    await play.ends('b');
    // Nothing of b is there for another one of it to take.
    const open = await play.submits(2);
    await play.removeOld();
    expect(await play.results()).toEqual([]);
    await expect(play.core.row(first)).rejects.toThrow();
    await play.submits(1);
    expect(play.ran).toEqual(['a', 'b', 'a', 'a']);
    await play.ends('a');
    expect((await play.core.row(open)).modules.a!.phase).toBe('succeeded');
    expect(await play.core.faults()).toEqual([]);
  });

  it('takes no blob whose file is gone, and knows those of its own', async () => {
    const node = await play.joins('a');
    const sha256 = 'a'.repeat(64);
    const blob = { sha256, size: 9 };
    await play.core.turn({ kind: 'blob', id: 99, ...blob });
    await play.submits(1);
    const order = play.open.get('a')!.shift()!;
    await play.takes(await node.publish(order, 1, { payload: { kind: 'blob', blob } }));
    const taken = await play.submits(1);
    expect((await play.core.row(taken)).modules.a).toMatchObject({ phase: 'reused', reused: { blob } });
    expect(await play.core.store.keys('blob_refs', { prefix: [sha256] })).toContainEqual([
      ...[sha256, taken.split('/')[0], 1, 'cached/a', 1],
    ]);
    play.core.files.has = async () => false;
    await play.submits(1);
    expect(play.ran).toEqual(['a', 'a']);
    expect(await play.core.faults()).toEqual([]);
    const taskId = { problemId: taken.split('/')[0]!, iterationId: 1 };
    await play.takes(
      await play.core.turn(play.core.asks({ kind: 'task_command', taskId, command: 'reset', module: 'a' })),
    );
    expect(await play.core.store.keys('blob_refs', { prefix: [sha256] })).toHaveLength(1);
    expect(await play.core.faults()).toEqual([]);
  });

  it('takes in each pass of a loop what fits that pass, and keeps what the next one is given', async () => {
    const looping = loop('a', 'a', 'input.n = 9', 5, { onMax: 'continue' });
    const repeated = await Play.looping([looping], moduleSpec('a', ['source'], { cache: true }));
    const node = await repeated.joins('a');
    const sha256 = 'a'.repeat(64);
    const blob = { sha256, size: 9 };
    await repeated.core.turn({ kind: 'blob', id: 99, ...blob });
    const task = await repeated.submits(1);
    for (let runs = 0; runs < 2; runs += 1) {
      const order = repeated.open.get('a')!.shift()!;
      await repeated.takes(await node.publish(order, 1, { payload: { kind: 'blob', blob } }));
    }
    // From the third pass on, it is given what it was given in the second.
    const { modules } = await repeated.core.row(task);
    const executions = modules.a!.executions.map(({ execution_id }) => execution_id);
    expect(modules.a).toMatchObject({ phase: 'reused', pass: 5, previous: { a: { owner: 'cached/a/4' } } });
    const used = await repeated.core.store.keys('blob_refs', { prefix: [sha256] });
    expect(used.map((key) => key[3]).sort()).toEqual(['cached/a/4', 'cached/a/5', ...executions].sort());
    expect(await repeated.core.faults()).toEqual([]);
    await repeated.submits(1);
    expect(repeated.ran).toEqual(['a', 'a']);
    expect(await repeated.core.faults()).toEqual([]);
    await repeated.removeOld();
    expect(await repeated.core.store.keys('blob_refs', { prefix: [sha256] })).toEqual([]);
  });

  it('is at fault in a store whose results lead to nothing', async () => {
    await play.joins('a');
    const task = await play.submits(1);
    await play.ends('a');
    const { execution_id, cache_key } = (await play.core.row(task)).modules.a!.executions[0]!;
    const row = { ...idOf(task), execution_id: 'other', outputs: { '': { seq: 1 } } };
    await play.core.store.commit(play.core.epoch, [
      { op: 'put', table: 'results', key: [cache_key!], value: Buffer.from(JSON.stringify(row)) },
    ]);
    expect(await play.core.faults()).toEqual([
      { where: `results ${cache_key}`, what: `leads to other of ${task}, which has not made it` },
    ]);
    expect(execution_id).not.toBe('other');
  });

  it('gives each task what the newest execution with its input and a version of now has put out, in any order and over restarts', async () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('submit' as const), input: fc.nat(2) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('version' as const), version: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'remove' as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 20 }), async (actions) => {
        const one = await Play.of(cached('a', ['source']));
        let version = '0';
        let node = await one.joins('a', version);
        const known = new Map<string, unknown>();
        for (const act of actions) {
          if (act.kind === 'remove') {
            await one.removeOld();
            known.clear();
            continue;
          }
          if (act.kind === 'submit') {
            const key = `${act.input} ${version}`;
            const runs = one.ran.length;
            const task = await one.submits(act.input);
            expect(one.ran.length > runs).toBe(!known.has(key));
            if (!known.has(key)) await one.ends('a');
            const value = await one.valueOf(task, 'a');
            expect(value).toEqual(known.get(key) ?? value);
            known.set(key, value);
            continue;
          }
          if (act.kind === 'restart') await one.core.restart();
          else await one.takes(await node.say({ kind: 'goodbye' }));
          // One instance may not come again and again at once.
          one.core.nowMs += 2000;
          one.core.wallMs += 2000;
          version = act.kind === 'version' ? String(act.version) : version;
          node = await one.joins('a', version);
        }
        expect(await one.core.faults()).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});
