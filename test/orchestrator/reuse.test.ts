import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { parseTaskId } from '../../src/model/task-id.js';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import type { PreparedInput, PreparedOverride, PreparedRequest } from '../../src/orchestrator/core/turn.js';
import type { Answer } from '../../src/orchestrator/port.js';
import { Retention } from '../../src/orchestrator/retention/retention.js';
import { Core, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

const GRAPH = {
  ...graphOf(
    'chain',
    moduleSpec('a', ['source']),
    moduleSpec('b', ['a']),
    moduleSpec('c', ['a', 'b'], { previous: ['c'] }),
  ),
  index: ['b.seq'],
};

let core: Core;
let peers: ReadonlyMap<string, Peer>;
let problemId: string;
/** The assignments of the first iteration, by module. */
let first: Map<string, AssignOrder>;

const peer = (module: string): Peer => peers.get(module)!;
const ordersOf = (turned: Turned): AssignOrder[] =>
  [...peers.values()].flatMap((one) => turned.only(one.route, 'assign order'));
const inline = (value: unknown): PreparedInput => ({
  kind: 'inline',
  bytes: Buffer.from(JSON.stringify(value)),
});
const override = (module: string, input: string, value: unknown): PreparedOverride => ({
  ...{ module, input, value: inline(value) },
});
const iterate = (more: object): PreparedRequest => ({
  ...{ kind: 'iterate', problemId, graphVersion: 1 },
  ...more,
});
const keyOf = (iteration: number): string => `${problemId}/${iteration}`;
const faults = () => core.faults();
const problems = (answer: Answer): unknown => (answer.ok ? answer : [answer.code, answer.details]);

/** Has the nodes do all that there is to do, and returns the assignments by module. */
async function play(turned: Turned): Promise<Map<string, AssignOrder>> {
  const done = new Map<string, AssignOrder>();
  for (let open = ordersOf(turned); open.length > 0; ) {
    const [order, ...rest] = open;
    done.set(order!.module, order!);
    open = [...rest, ...ordersOf(await peer(order!.module).publish(order!, 1))];
  }
  return done;
}

beforeEach(async () => {
  core = await Core.open([GRAPH]);
  peers = new Map(['a', 'b', 'c'].map((module) => [module, core.peer(module, { capacity: 9 })]));
  for (const one of peers.values()) await one.join();
  first = await play(await core.turn(core.submits('chain')));
  problemId = first.get('a')!.taskId.problemId;
});

describe('an iteration that reuses outputs', () => {
  it('runs nothing for them, says whose they are, and gives them to what follows', async () => {
    const turned = await core.turn(core.asks(iterate({ parentIterationId: 1, reuse: ['b', 'a'] })));
    expect(turned.types.filter((type) => !type.startsWith('execution.'))).toEqual([
      ...['iteration.submitted', 'module.reused', 'module.reused', 'iteration.started'],
    ]);
    expect(
      turned.journal.events.flatMap(({ fact }) => (fact.type === 'module.reused' ? [fact] : [])),
    ).toMatchObject(
      ['a', 'b'].map((module) => ({
        module,
        reused_from: { iteration_id: 1, execution_id: first.get(module)!.executionId },
        output: { text: JSON.stringify({ from: module, seq: 1 }) },
      })),
    );
    const [order, ...others] = ordersOf(turned);
    expect([order?.module, others]).toEqual(['c', []]);
    expect(
      order?.inputs.map(({ name, previous, ref }) => [name, previous, ref.iterationId, ref.owner]),
    ).toEqual([
      ['a', false, 1, first.get('a')!.executionId],
      ['b', false, 1, first.get('b')!.executionId],
      ['c', true, 1, first.get('c')!.executionId],
    ]);
    expect((await peer('c').publish(order!, 1)).types).toContain('iteration.succeeded');
    const { modules } = await core.row(keyOf(2));
    expect(modules).toMatchObject({
      a: { phase: 'reused', reused: { iteration_id: 1 }, executions: [] },
      b: { phase: 'reused', indexed: { 'b.seq': expect.any(String) } },
      c: { phase: 'succeeded' },
    });
    const indexed = await core.store.keys('iteration_index', { prefix: ['b.seq'] });
    expect(indexed.map((key) => key.at(-1))).toEqual([1, 2]);
    expect(await faults()).toEqual([]);
  });

  it('succeeds at once when it reuses everything, and one made from it refers to where the outputs are', async () => {
    const turned = await core.turn(core.asks(iterate({ parentIterationId: 1, reuse: ['a', 'b', 'c'] })));
    expect(turned.types).toContain('iteration.succeeded');
    const next = await core.turn(core.asks(iterate({ parentIterationId: 2, reuse: ['a'] })));
    expect(next.detail('module.reused')).toMatchObject({
      reused_from: { iteration_id: 1, execution_id: first.get('a')!.executionId },
    });
    const done = await play(next);
    expect([...done.keys()]).toEqual(['b', 'c']);
    expect(done.get('c')?.inputs.at(-1)).toMatchObject({ previous: true, ref: { iterationId: 1 } });
    expect(await faults()).toEqual([]);
  });

  it('may begin with what has an output although the parent has failed, and with an input of its own', async () => {
    const failing = await core.turn(core.asks(iterate({ parentIterationId: 1, prepared: inline(2) })));
    const [top] = ordersOf(failing);
    const [middle] = ordersOf(await peer('a').publish(top!, 1));
    await peer('b').report(middle!, 'FAILED', { error: { code: 'x', message: 'x', retryable: false } });
    expect((await core.row(keyOf(2))).state).toBe('failed');
    const refused = await core.ask(iterate({ parentIterationId: 2, reuse: ['a', 'b'] }));
    expect(problems(refused)).toMatchObject(['bad_reuse', [{ path: '/reuse/1', code: 'not_succeeded' }]]);
    expect(problems(await core.ask(iterate({ parentIterationId: 2 })))).toMatchObject([
      'parent_not_succeeded',
      {},
    ]);
    const turned = await core.turn(
      core.asks(iterate({ parentIterationId: 2, reuse: ['a'], prepared: inline(3) })),
    );
    expect([...(await play(turned)).keys()]).toEqual(['b', 'c']);
    // Nothing is taken over: the failed one only gives its input.
    const again = await play(await core.turn(core.asks(iterate({ parentIterationId: 2, reuse: [] }))));
    expect([...again.keys()]).toEqual(['a', 'b', 'c']);
    expect(again.get('a')!.inputs).toEqual(top!.inputs);
  });

  it('is refused with every fault at its place', async () => {
    const wrong = {
      parentIterationId: 1,
      reuse: ['a', 'x', 'b'],
      preparedOverrides: [override('b', 'a', 1)],
    };
    expect(problems(await core.ask(iterate(wrong)))).toMatchObject([
      'bad_reuse',
      [
        { path: '/reuse/1', code: 'unknown_module' },
        { path: '/reuse/2', code: 'overridden_too' },
      ],
    ]);
    const other = parseTaskId(await core.submit('chain'))!.problemId;
    expect(
      problems(await core.ask(iterate({ problemId: other, reuse: ['a'], prepared: inline(1) }))),
    ).toMatchObject(['bad_reuse', [{ path: '/parent_iteration_id', code: 'no_parent' }]]);
    const running = iterate({ problemId: other, parentIterationId: 1, reuse: [] });
    expect(problems(await core.ask(running))).toMatchObject([
      'parent_not_ended',
      [{ path: '/parent_iteration_id' }],
    ]);
  });

  it('is refused where the graph has another type for the output by now', async () => {
    const { types, typesJson } = core.state.graph('chain')!;
    const [a, ...rest] = GRAPH.modules;
    const graph = { ...GRAPH, modules: [{ ...a!, output: 'bytes' }, ...rest] };
    await core.ask({ kind: 'put_graph', name: 'chain', yaml: 'changed', graph, types, typesJson });
    const answer = await core.ask(iterate({ graphVersion: 2, parentIterationId: 1, reuse: ['b', 'a'] }));
    expect(problems(answer)).toMatchObject(['bad_reuse', [{ path: '/reuse/1', code: 'type_changed' }]]);
    expect((await core.ask(iterate({ graphVersion: 2, parentIterationId: 1, reuse: ['b'] }))).ok).toBe(true);
  });

  it('gives the same answer to the same key, and is there again after a restart', async () => {
    const dedupe = { key: 'k', hash: 'h' };
    const request = iterate({
      parentIterationId: 1,
      reuse: ['a'],
      preparedOverrides: [override('c', 'a', 'x')],
    });
    const answer = await core.ask(request, dedupe);
    const before = core.state.tasks.get(keyOf(2))!;
    await core.restart();
    expect(await core.ask(request, dedupe)).toEqual(answer);
    const after = core.state.tasks.get(keyOf(2))!;
    expect([after.runs[0]?.phase, after.overrides]).toEqual([before.runs[0]?.phase, before.overrides]);
    expect(core.state.tasks.size).toBe(1);
  });

  it('runs a reused module after all when it follows from one that is reset', async () => {
    const turned = await core.turn(core.asks(iterate({ parentIterationId: 1, reuse: ['a', 'b'] })));
    const [bottom] = ordersOf(turned);
    expect(bottom?.module).toBe('c');
    const taskId = bottom!.taskId;
    const reset = await core.turn(core.asks({ kind: 'task_command', taskId, command: 'reset', module: 'a' }));
    const [top] = ordersOf(reset);
    expect(top?.module).toBe('a');
    const [middle] = ordersOf(await peer('a').publish(top!, 1));
    expect([middle?.module, middle?.inputs[0]?.ref.iterationId]).toEqual(['b', 2]);
    await peer('b').publish(middle!, 1);
    expect((await core.row(keyOf(2))).modules).toMatchObject({
      a: { phase: 'succeeded', generation: 1 },
      b: { phase: 'succeeded', generation: 1 },
    });
    expect((await core.row(keyOf(2))).modules.a?.reused).toBeUndefined();
  });

  it('is at fault in a store that has lost what it refers to', async () => {
    await core.ask(
      iterate({ parentIterationId: 1, reuse: ['a'], preparedOverrides: [override('c', 'b', 1)] }),
    );
    const { executionId } = first.get('a')!;
    await core.store.commit(core.epoch, [
      { op: 'delete', table: 'payloads', key: [problemId, 1, executionId, 1] },
      { op: 'delete', table: 'payloads', key: [problemId, 2, 'override/c/b', 0] },
    ]);
    const said = (await faults()).map(({ where, what }) => `${where} ${what}`);
    expect(said).toContainEqual(
      `iterations ${keyOf(2)} output 1 of ${executionId} in iteration 1 is not there`,
    );
    expect(said).toContainEqual(`iterations ${keyOf(2)} override/c/b is not there`);
  });

  it('keeps the iteration whose outputs they are from being removed, and no other', async () => {
    const reuse = ['a', 'b', 'c'];
    await core.ask(iterate({ parentIterationId: 1, reuse }));
    await core.ask(iterate({ parentIterationId: 2, reuse }));
    const compiled = core.state.graph('chain')!.compiled as { graph: object };
    compiled.graph = { ...compiled.graph, retention: { keepLast: 1, maxIterations: 0 } };
    const retention = new Retention({
      ...{ store: core.store, proposals: core, graphs: core.state, wallMs: () => core.wallMs },
      ...{ agesAreBelieved: () => true, keepEvents: 0, forgetDays: 30 },
      ...{ collectBlob: async () => {}, logger: silentLogger },
    });
    await retention.run();
    const left = await core.store.keys('iterations', { prefix: [problemId] });
    expect(left.map((key) => key[1])).toEqual([1, 3]);
    expect(await faults()).toEqual([]);
  });
});

describe('an override', () => {
  it('is given to its module alone, as the input that it names', async () => {
    const preparedOverrides = [override('c', 'a', { edited: true })];
    const turned = await core.turn(
      core.asks(iterate({ parentIterationId: 1, reuse: ['a'], preparedOverrides })),
    );
    expect(turned.detail('iteration.submitted')).toMatchObject({ overridden: { c: ['a'] } });
    const done = await play(turned);
    expect(done.get('b')?.inputs[0]?.ref.owner).toBe(first.get('a')!.executionId);
    const { ref, type } = done.get('c')!.inputs[0]!;
    expect([ref.owner, ref.iterationId, type]).toEqual(['override/c/a', 2, 'json']);
    const stored = await core.store.get('payloads', [problemId, 2, ref.owner, 0]);
    expect(JSON.parse(Buffer.from(stored!).toString())).toEqual({ edited: true });
    expect(await faults()).toEqual([]);
  });

  it('is there from the beginning: its module does not wait for what it replaces', async () => {
    const preparedOverrides = [override('b', 'a', 1), override('c', 'a', 1), override('c', 'b', 1)];
    const turned = await core.turn(core.asks(iterate({ preparedOverrides })));
    expect(ordersOf(turned).map(({ module }) => module)).toEqual(['a', 'b', 'c']);
  });

  it('takes the place of the source’s value and of a previous output too', async () => {
    const preparedOverrides = [override('a', 'source', 7), override('c', 'c', 8)];
    const done = await play(await core.turn(core.asks(iterate({ preparedOverrides }))));
    expect(done.get('a')?.inputs.map(({ ref }) => ref.owner)).toEqual(['override/a/source']);
    expect(
      done
        .get('c')
        ?.inputs.map(({ previous, ref }) => [previous, ref.owner])
        .at(-1),
    ).toEqual([true, 'override/c/c']);
  });

  it('an override that is a blob counts as a use of the blob, which is not collected meanwhile', async () => {
    const sha256 = 'a'.repeat(64);
    await core.turn({ kind: 'blob', id: 99, sha256, size: 9 });
    const value = { kind: 'blob', sha256, size: 9 } as const;
    await core.ask(iterate({ preparedOverrides: [{ module: 'c', input: 'b', value }] }));
    expect(await core.store.keys('blob_refs', { prefix: [sha256] })).toEqual([
      [sha256, problemId, 2, 'override/c/b', 0],
    ]);
    expect(await faults()).toEqual([]);
  });
});

describe('a module that goes back to waiting', () => {
  it('says so and why, before whatever comes next', async () => {
    const [order] = ordersOf(await core.turn(core.submits('chain')));
    await core.ask({ kind: 'task_command', taskId: order!.taskId, command: 'preempt', module: 'a' });
    const turned = await peer('a').report(order!, 'PREEMPTED');
    expect(turned.types).toEqual(
      expect.arrayContaining(['execution.preempted', 'module.waiting', 'execution.assigned']),
    );
    expect(turned.detail('module.waiting')).toEqual({
      reason: 'attempt 1 was preempted',
      waiting: { code: 'requeued' },
    });
  });
});
