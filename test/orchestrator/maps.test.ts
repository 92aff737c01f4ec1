/** Modules with `map`: once for each item of a list, a few at once, over failures, restarts, resets and stops. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModuleSpec } from '../../src/model/graph.js';
import type { LoopSpec } from '../../src/model/loop.js';
import { type CompiledGraph, compileGraph } from '../../src/model/task.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import { moduleView } from '../../src/orchestrator/queries/views.js';
import type { ItemRow } from '../../src/orchestrator/tables/item-row.js';
import { items as itemRows } from '../../src/orchestrator/tables/tables.js';
import type { TaskRow } from '../../src/orchestrator/tables/task-row.js';
import { memoryFiles } from '../support/memory-files.js';
import { Core, graphOf, INLINE_MAX_BYTES, loop, moduleSpec, type Peer, type Turned } from './core.js';
import { inline } from './stage.js';

const each = (name: string, input: string, limit = 3, more: Partial<ModuleSpec> = {}): ModuleSpec =>
  moduleSpec(name, [input], { map: { input, limit }, ...more });

const compiledOf = (modules: readonly ModuleSpec[]): CompiledGraph =>
  compileGraph({ name: 'g', version: 1 }, graphOf('g', ...modules));

/** One orchestrator, and a node for each module of its graph. */
class Mapped {
  readonly core: Core;
  readonly peers = new Map<string, Peer>();
  /** What runs. */
  readonly open: AssignOrder[] = [];
  readonly types: string[] = [];
  most = 0;

  private constructor(core: Core) {
    this.core = core;
  }

  static of(modules: readonly ModuleSpec[], capacity = 9): Promise<Mapped> {
    return Mapped.looping([], modules, capacity);
  }

  static async looping(
    loops: readonly LoopSpec[],
    modules: readonly ModuleSpec[],
    capacity = 9,
  ): Promise<Mapped> {
    const play = new Mapped(await Core.open([{ ...graphOf('g', ...modules), loops }]));
    for (const { name } of modules) {
      const peer = play.core.peer(name, { capacity });
      play.peers.set(name, peer);
      await play.takes(await peer.join());
    }
    return play;
  }

  async takes(turned: Turned): Promise<Turned> {
    for (let next = turned; ; ) {
      this.types.push(...next.types);
      for (const peer of this.peers.values()) {
        for (const order of next.only(peer.route, 'assign order'))
          if (!this.open.some(({ executionId }) => executionId === order.executionId)) this.open.push(order);
      }
      this.most = Math.max(this.most, this.open.length);
      if (this.core.state.lookUps.size === 0) return next;
      next = await this.core.turn({ kind: 'wake' });
    }
  }

  async submits(input: unknown): Promise<string> {
    const turned = await this.core.turn(
      this.core.asks({
        ...{ kind: 'submit', graph: 'g', input: undefined, graphVersion: 1, project: 'default' },
        prepared: inline(input),
      }),
    );
    const [answer] = turned.answers;
    await this.takes(turned);
    return answer?.ok ? String(answer.body.task_id) : '';
  }

  /** The items that run, of a module. */
  running(module: string): (number | undefined)[] {
    return this.open.filter((order) => order.module === module).map(({ item }) => item);
  }

  #taken(module: string, item: number | undefined): { readonly peer: Peer; readonly order: AssignOrder } {
    const at = this.open.findIndex((order) => order.module === module && order.item === item);
    const [order] = at < 0 ? [] : this.open.splice(at, 1);
    if (!order) throw new Error(`${module} does not run for ${item}`);
    return { order, peer: this.peers.get(module)! };
  }

  async gives(module: string, item: number | undefined, value: unknown): Promise<Turned> {
    const { peer, order } = this.#taken(module, item);
    const bytes = Buffer.from(JSON.stringify(value));
    return this.takes(await peer.publish(order, 1, { payload: { kind: 'inline', bytes } }));
  }

  async fails(module: string, item: number | undefined, retryable = false): Promise<Turned> {
    const { peer, order } = this.#taken(module, item);
    const error = { code: 'broken', message: 'it broke', retryable };
    return this.takes(await peer.report(order, 'FAILED', { error }));
  }

  async value(order: AssignOrder, name: string): Promise<unknown> {
    const { ref } = order.inputs.find((input) => input.name === name)!;
    const bytes = ref.blob
      ? this.core.files.contents.get(ref.blob.sha256)
      : await this.core.store.get('payloads', [ref.problemId, ref.iterationId, ref.owner, ref.seq]);
    return JSON.parse(Buffer.from(bytes!).toString());
  }

  async command(
    key: string,
    command: 'stop' | 'terminate' | 'reset' | 'preempt',
    module?: string,
  ): Promise<Turned> {
    const [problemId, iterationId] = key.split('/');
    const taskId = { problemId: problemId!, iterationId: Number(iterationId) };
    return this.takes(
      await this.core.turn(
        this.core.asks({ kind: 'task_command', taskId, command, ...(module !== undefined && { module }) }),
      ),
    );
  }

  row(key: string): Promise<TaskRow> {
    return this.core.row(key);
  }

  async done(key: string): Promise<ItemRow[]> {
    const [problemId, iterationId] = key.split('/');
    const found = await itemRows.range(this.core.store, { prefix: [problemId!, Number(iterationId)] });
    return found.map(({ row }) => row);
  }
}

describe('a module with map', () => {
  it('runs once for each item, a few at once, and puts out the results in the order of the items', async () => {
    const play = await Mapped.of([each('square', 'source', 2), moduleSpec('sum', ['square'])]);
    const key = await play.submits([3, 4, 5]);
    expect(play.running('square')).toEqual([0, 1]);
    expect(await play.value(play.open[1]!, 'source')).toBe(4);
    await play.gives('square', 1, 16);
    expect(play.running('square')).toEqual([0, 2]);
    await play.gives('square', 2, 25);
    await play.gives('square', 0, 9);
    expect(play.running('sum')).toEqual([undefined]);
    expect(await play.value(play.open[0]!, 'square')).toEqual([9, 16, 25]);
    expect((await play.gives('sum', undefined, 50)).types).toContain('iteration.succeeded');
    expect(play.most).toBe(2);
    const { square } = (await play.row(key)).modules;
    expect(square).toMatchObject({ phase: 'mapped', items: { total: 3, done: 3 }, executions: [] });
    expect((await play.done(key)).map(({ item, executions }) => [item, executions.length])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(await play.core.faults()).toEqual([]);
  });

  it('puts out an empty list for an empty one, and fails for anything else', async () => {
    const play = await Mapped.of([each('a', 'source')]);
    const empty = await play.submits([]);
    expect(await play.row(empty)).toMatchObject({ state: 'succeeded', modules: { a: { phase: 'mapped' } } });
    for (const [input, kind] of [
      [{ a: 1 }, 'an object'],
      ['x', 'a string'],
      [null, 'null'],
    ] as const) {
      const row = await play.row(await play.submits(input));
      const message = `source is ${kind}: map needs a list`;
      expect(row.error).toMatchObject({ code: 'not_a_list', message, module: 'a', retryable: false });
    }
    expect(await play.core.faults()).toEqual([]);
  });

  it('tries an item again after a pause, and fails with the item that fails for good: the others are stopped', async () => {
    const modules = [each('a', 'source', 3), moduleSpec('b', ['a'])];
    const play = await Mapped.of(modules);
    const key = await play.submits([1, 2, 3, 4]);
    const retried = await play.fails('a', 1, true);
    expect(retried.event('item.waiting')).toMatchObject({ item: 1, reason: 'broken: it broke' });
    expect(play.running('a')).toEqual([0, 2]);
    const counts = moduleView(await play.row(key), compiledOf(modules), 'a').items;
    expect(counts).toEqual({ total: 4, done: 0, running: 2, retrying: 1 });
    for (const turned of await play.core.pass(1100)) await play.takes(turned);
    expect(play.running('a')).toEqual([0, 2, 1]);
    await play.gives('a', 0, 'x');
    expect(play.running('a')).toEqual([2, 1, 3]);
    const failed = await play.fails('a', 3);
    expect(failed.types.filter((type) => type === 'execution.cancelled')).toHaveLength(2);
    const error = { code: 'broken', module: 'a', item: 3, attempt: 1 };
    expect(failed.event('iteration.failed')?.error).toMatchObject(error);
    const row = await play.row(key);
    expect(row).toMatchObject({ state: 'failed', error });
    expect(row.modules.a).toMatchObject({ phase: 'failed', items: { total: 4, done: 1 } });
    expect(row.modules.a!.executions.map(({ item, state }) => [item, state])).toEqual([
      [1, 'failed'],
      [2, 'cancelled'],
      [1, 'cancelled'],
      [3, 'failed'],
    ]);
    expect(await play.core.faults()).toEqual([]);
  });

  it('lets the rest go on without its output where its failure is ignored', async () => {
    const play = await Mapped.of([
      each('a', 'source', 3, { onError: 'ignore' }),
      moduleSpec('b', ['a', 'source']),
    ]);
    const key = await play.submits([1, 2]);
    await play.fails('a', 0);
    expect(play.open.map(({ module, inputs }) => [module, inputs.map(({ name }) => name)])).toContainEqual([
      'b',
      ['source'],
    ]);
    await play.gives('b', undefined, 1);
    expect((await play.row(key)).state).toBe('succeeded');
  });

  it('goes on where it was after a restart, and nothing runs twice', async () => {
    const play = await Mapped.of([each('a', 'source', 2)]);
    const key = await play.submits(['p', 'q', 'r']);
    await play.gives('a', 0, 'P');
    const [before] = play.core.state.tasks.values();
    const held = play.open.map(({ executionId: id, lease }) => ({
      executionId: id,
      lease,
      state: 'RUNNING' as const,
      lastSeq: 0,
    }));
    await play.core.restart();
    const [after] = play.core.state.tasks.values();
    expect(after!.runs[0]!.phase).toMatchObject({ kind: 'mapping', begun: 3 });
    expect([...(after!.runs[0]!.phase as never as { open: Map<number, unknown> }).open.keys()]).toEqual([
      ...(before!.runs[0]!.phase as never as { open: Map<number, unknown> }).open.keys(),
    ]);
    const peer = play.peers.get('a')!;
    await play.takes(await peer.hello({ held: held as never, status: 'RUNNING' }));
    expect(play.running('a')).toEqual([1, 2]);
    await play.gives('a', 1, 'Q');
    await play.gives('a', 2, 'R');
    expect((await play.row(key)).state).toBe('succeeded');
    expect((await play.done(key)).map(({ executions }) => executions.length)).toEqual([1, 1, 1]);
    expect(await play.core.faults()).toEqual([]);
  });

  it('acknowledges what is said again of an item that is done', async () => {
    const play = await Mapped.of([each('a', 'source', 1)]);
    await play.submits([1, 2]);
    const [order] = play.open;
    await play.gives('a', 0, 'x');
    expect(play.core.state.executions.has(order!.executionId)).toBe(false);
    const peer = play.peers.get('a')!;
    const payload = { kind: 'inline', bytes: Buffer.from('"x"') } as const;
    const again = await peer.publish(order!, 1, { payload });
    expect(again.acks(peer.route)).toEqual([[1, true]]);
    const later = await peer.report(order!, 'RUNNING');
    expect([later.acks(peer.route), later.refusals(peer.route)]).toEqual([[[1, true]], []]);
  });

  it('begins anew by a reset, is stopped with its task, and gives its slots back when it is preempted', async () => {
    const play = await Mapped.of([each('a', 'source', 2)], 2);
    const key = await play.submits([1, 2, 3]);
    await play.gives('a', 0, 'x');
    const peer = play.peers.get('a')!;
    for (const order of play.open.splice(0)) await play.takes(await peer.report(order, 'ACCEPTED'));
    await play.command(key, 'reset', 'a');
    expect(play.types).toContain('module.reset');
    expect((await play.row(key)).modules.a).toMatchObject({
      phase: 'mapping',
      generation: 1,
      items: { done: 0 },
    });
    await play.takes(await peer.beat([]));
    expect(play.running('a')).toEqual([0, 1]);
    const preempted = await play.command(key, 'preempt');
    expect(preempted.types.filter((type) => type === 'execution.stopping')).toHaveLength(2);
    for (const order of play.open.splice(0)) await play.takes(await peer.report(order, 'PREEMPTED'));
    expect(play.running('a')).toEqual([0, 1]);
    await play.command(key, 'terminate');
    expect(await play.row(key)).toMatchObject({ state: 'aborted', modules: { a: { phase: 'stopped' } } });
    expect(await play.core.faults()).toEqual([]);
  });

  it('waits once for all of its items, and takes as many slots as there are', async () => {
    const play = await Mapped.of([each('a', 'source', 9)], 2);
    const [first, second] = [await play.submits([1, 2, 3]), await play.submits([4])];
    expect(play.running('a')).toEqual([0, 1]);
    expect(play.types.filter((type) => type === 'module.waiting')).toHaveLength(1);
    await play.gives('a', 0, 1);
    await play.gives('a', 1, 1);
    expect(play.running('a')).toEqual([2, 0]);
    await play.gives('a', 0, 1);
    await play.gives('a', 2, 1);
    for (const key of [first, second]) expect((await play.row(key)).state).toBe('succeeded');
    expect(await play.core.faults()).toEqual([]);
  });

  it('takes the results of items that ran before, in any list, where it has a cache', async () => {
    const play = await Mapped.of([each('a', 'source', 2, { cache: true })]);
    await play.submits(['p', 'q', 'r']);
    for (const [item, value] of ['P', 'Q', 'R'].entries()) await play.gives('a', item, value);
    const key = await play.submits(['r', 'new', 'p', 'q']);
    expect(play.running('a')).toEqual([1]);
    await play.gives('a', 1, 'N');
    const row = await play.row(key);
    expect(row.state).toBe('succeeded');
    expect((await play.done(key)).map(({ cached_from }) => cached_from !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    const { problem_id, iteration_id, owner, seq } = row.modules.a!.mapped!;
    const list = await play.core.store.get('payloads', [problem_id, iteration_id, owner, seq]);
    expect(JSON.parse(Buffer.from(list!).toString())).toEqual(['R', 'N', 'P', 'Q']);
    expect(await play.core.faults()).toEqual([]);
  });

  it('puts a long list of results into a blob, and says so where that has no room', async () => {
    const play = await Mapped.of([each('a', 'source', 2), each('b', 'a', 1)]);
    play.core.files.keep = async () => 'no room';
    const key = await play.submits([1, 2]);
    const long = 'x'.repeat(INLINE_MAX_BYTES - 10);
    for (const item of [0, 1]) await play.gives('a', item, `${long}${item}`);
    expect((await play.row(key)).modules.a!.phase).toBe('mapping');
    const { keep, read, contents } = memoryFiles();
    Object.assign(play.core.files, { keep, read, contents });
    for (const turned of await play.core.pass(1100)) await play.takes(turned);
    expect((await play.row(key)).modules.a!.mapped!.blob).toBeDefined();
    expect(play.running('b')).toEqual([0]);
    expect(await play.value(play.open[0]!, 'a')).toBe(`${long}0`);
    expect(await play.core.faults()).toEqual([]);
  });

  it('runs in each pass of a loop, and goes with its iteration', async () => {
    const specs = [each('a', 'source', 2), moduleSpec('b', ['a'])];
    const play = await Mapped.looping([loop('b', 'a', 'b.n = 2', 3)], specs);
    const key = await play.submits([1, 2]);
    for (const pass of [1, 2]) {
      for (const item of [0, 1]) await play.gives('a', item, { pass, item });
      expect(await play.value(play.open[0]!, 'a')).toEqual([0, 1].map((item) => ({ pass, item })));
      await play.gives('b', undefined, { n: pass });
    }
    expect((await play.row(key)).state).toBe('succeeded');
    expect((await play.done(key)).map(({ pass, generation, item }) => [pass, generation, item])).toEqual([
      [1, 0, 0],
      [1, 0, 1],
      [2, 1, 0],
      [2, 1, 1],
    ]);
    expect(await play.core.faults()).toEqual([]);
    const problemId = key.split('/')[0]!;
    const gone = await play.core.propose({
      ...{ kind: 'remove iteration', task: { problemId, iterationId: 1 }, isWhole: true, newest: 1 },
      ...{ problemSeq: (await play.row(key)).problem_seq, fields: [], index: [] },
    });
    expect(gone.kind).toBe('done');
    for (const table of ['items', 'item_executions', 'payloads', 'iterations'] as const)
      expect(await play.core.store.keys(table, { prefix: [problemId] })).toEqual([]);
  });

  it('leaves nothing behind of a step that throws', async () => {
    const play = await Mapped.of([each('a', 'source', 2)]);
    play.core.isSabotaged = true;
    const key = await play.submits([1, 2, 3]);
    for (const item of [1, 0, 2]) await play.gives('a', item, item);
    expect((await play.row(key)).state).toBe('succeeded');
    expect(play.core.undoneBatches).toBeGreaterThan(10);
  });
});

interface DrawnMap {
  readonly items: readonly { readonly fails: number; readonly value: number }[];
  readonly limit: number;
  readonly attempts: number;
  readonly ignore: boolean;
  readonly capacity: number;
}

const drawn = fc.record({
  items: fc.array(fc.record({ fails: fc.constantFrom(0, 0, 0, 0, 1, 2, 3), value: fc.nat(9) }), {
    maxLength: 7,
  }),
  limit: fc.integer({ min: 1, max: 4 }),
  attempts: fc.integer({ min: 1, max: 3 }),
  ignore: fc.boolean(),
  capacity: fc.integer({ min: 1, max: 5 }),
});

/** The same list, item by item; nothing where one of them fails for good. */
function interpreted({ items, attempts }: DrawnMap): number[] | undefined {
  return items.some(({ fails }) => fails >= attempts) ? undefined : items.map(({ value }) => value * 2);
}

it('a map puts out what a plain loop over the list does, whatever the order of arrivals and failures', async () => {
  await fc.assert(
    fc.asyncProperty(drawn, fc.infiniteStream(fc.nat(99)), async (one, picks) => {
      const retry = { attempts: one.attempts, backoffMs: 10, factor: 1, maxBackoffMs: 10 };
      const play = await Mapped.of(
        [
          each('a', 'source', one.limit, { retry, ...(one.ignore && { onError: 'ignore' }) }),
          moduleSpec('b', ['a', 'source']),
        ],
        one.capacity,
      );
      const key = await play.submits(one.items.map(({ value }) => value));
      const failed = new Map<number, number>();
      let given: unknown;
      for (let idle = 0; idle < 3; ) {
        const { length } = play.open;
        if (length === 0) {
          idle += 1;
          for (const turned of await play.core.pass(20)) await play.takes(turned);
          continue;
        }
        idle = 0;
        expect(play.running('a').length).toBeLessThanOrEqual(Math.min(one.limit, one.capacity));
        const order = play.open[(picks.next().value as number) % length]!;
        const { module, item } = order;
        if (module === 'b') {
          const has = order.inputs.some(({ name }) => name === 'a');
          given = has ? await play.value(order, 'a') : 'nothing';
          await play.gives('b', undefined, 1);
          continue;
        }
        const value = await play.value(order, 'source');
        expect(value).toBe(one.items[item!]!.value);
        const before = failed.get(item!) ?? 0;
        failed.set(item!, before + 1);
        if (before < one.items[item!]!.fails) {
          const turned = await play.fails('a', item, true);
          // What was stopped is no longer at work.
          if (turned.types.includes('execution.cancelled'))
            for (const other of play.open.splice(0)) if (other.module === 'b') play.open.push(other);
        } else await play.gives('a', item, (value as number) * 2);
      }
      const results = interpreted(one);
      const row = await play.row(key);
      expect(given).toEqual(results ?? (one.ignore ? 'nothing' : undefined));
      expect(row.state).toBe(results || one.ignore ? 'succeeded' : 'failed');
      const runs = (await play.done(key)).flatMap(({ executions }) => executions.length);
      if (results) expect(runs).toEqual(one.items.map(({ fails }) => fails + 1));
      expect(await play.core.faults()).toEqual([]);
    }),
    { numRuns: 100 },
  );
}, 120_000);
