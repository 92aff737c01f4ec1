import { beforeEach, describe, expect, it } from 'vitest';
import { typesFromDescriptors } from '../../src/wire/types.js';
import { Core, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

const types = typesFromDescriptors(new Uint8Array());
let core: Core;

beforeEach(async () => {
  core = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
});

/** Stores another version. */
function put(output: string, more: Parameters<typeof moduleSpec>[2] = {}): Promise<Turned> {
  const graph = graphOf('one', moduleSpec('a', ['source'], { output, ...more }));
  const yaml = `one ${output} ${JSON.stringify(more)}`;
  return core.turn(
    core.asks({ kind: 'put_graph', name: 'one', yaml, graph, types, typesJson: types.toJson([]) }),
  );
}

const submits = (graphVersion: number) =>
  core.asks({
    ...{ kind: 'submit', graph: 'one', input: undefined, project: 'default', graphVersion },
    prepared: { kind: 'inline', bytes: Buffer.from('{}') },
  });
const orders = (peer: Peer, turned: Turned) => turned.only(peer.route, 'assign order');

describe('a node that takes its types from assignments', () => {
  it('is told at once, and gets work of any version, each with its own type', async () => {
    const a = core.peer('a', { typesByAssignment: true, capacity: 3 });
    await a.join();
    const stored = await put('bytes');
    expect(stored.only(a.route, 'welcome')).toMatchObject([
      { outputType: 'bytes', nodeId: a.nodeId, drop: [] },
    ]);
    expect(stored.refusals(a.route)).toEqual([]);
    const [old] = orders(a, await core.turn(submits(1)));
    const [newer] = orders(a, await core.turn(submits(2)));
    expect([old?.outputType, newer?.outputType]).toEqual(['json', 'bytes']);
    // The welcome that it registered with told it of the first version only.
    expect([old?.descriptors, newer?.descriptors]).toEqual([undefined, Buffer.alloc(0)]);
    await a.publish(old!, 1);
    const payload = { kind: 'inline', bytes: Buffer.from('x') } as const;
    expect((await a.publish(newer!, 1, { type: 'bytes', payload })).types).toContain('iteration.succeeded');
  });

  it('hears of another limit, too, and of nothing where nothing that it was told has changed', async () => {
    const a = core.peer('a', { typesByAssignment: true });
    await a.join();
    const liveness = { unresponsiveAfterMs: 3000, deadAfterMs: 60_000 };
    expect((await put('json', { liveness })).only(a.route, 'welcome')).toMatchObject([
      { deadAfterMs: 60_000 },
    ]);
    expect((await put('json', { liveness, timeoutMs: 5 })).to(a.route)).toEqual([]);
  });
});

describe('a node that knows the types of its last welcome', () => {
  it('is asked to register again; until then it gets no work with the new ones, and goes on with the old', async () => {
    const a = core.peer('a', { capacity: 2 });
    await a.join();
    const [running] = orders(a, await core.turn(submits(1)));
    expect((await put('bytes')).refusals(a.route)).toEqual(['say_hello']);
    const waits = await core.turn(submits(2));
    expect(orders(a, waits)).toEqual([]);
    expect(waits.detail('module.waiting')?.reason).toBe(
      'waiting for a node of a that fits graph one version 2 (a-1: it has not received these types)',
    );
    expect((await a.publish(running!, 1)).types).toContain('iteration.succeeded');
    const hello = await a.hello({ status: 'IDLE' });
    expect(hello.only(a.route, 'welcome')).toMatchObject([{ outputType: 'bytes' }]);
    expect(orders(a, hello)).toMatchObject([{ outputType: 'bytes' }]);
  });

  it('is left alone where its types have not changed', async () => {
    const a = core.peer('a');
    await a.join();
    expect((await put('json', { timeoutMs: 5 })).to(a.route)).toEqual([]);
    expect(orders(a, await core.turn(submits(2)))).toHaveLength(1);
  });
});

describe('a node whose author declares its output', () => {
  it('gets no work of a version that declares another one: it fails none', async () => {
    const a = core.peer('a', { outputType: 'json', typesByAssignment: true, capacity: 3 });
    await a.join();
    await put('bytes');
    const waits = await core.turn(submits(2));
    expect(orders(a, waits)).toEqual([]);
    expect(waits.detail('module.waiting')?.reason).toContain('it publishes json, not bytes');
    expect(orders(a, await core.turn(submits(1)))).toHaveLength(1);
    const b = core.peer('a', { instance: 'a-2', outputType: 'bytes' });
    await b.join();
    await put('json');
    expect(core.state.tasks.size).toBe(2);
  });
});
