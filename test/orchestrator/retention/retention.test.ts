import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/base/logger.js';
import type { Graph, Retention as Policy } from '../../../src/model/graph.js';
import type { Proposals } from '../../../src/orchestrator/proposals/proposals.js';
import { Retention } from '../../../src/orchestrator/retention/retention.js';
import { indexElement, indexKey } from '../../../src/orchestrator/tables/index-key.js';
import { decodeRow, EMPTY, encodeRow } from '../../../src/orchestrator/tables/row.js';
import { Core, graphOf, moduleSpec, type Peer } from '../core.js';

const DAY_MS = 24 * 60 * 60 * 1000;

let core: Core;
let peer: Peer;
/** Whether the wall clock is. */
let believed: boolean;
/** Nodes that are never forgotten. */
let kept: number;

async function open(retention: Policy): Promise<void> {
  const graph: Graph = { ...graphOf('kept', moduleSpec('a', ['source'], { previous: ['a'] })), retention };
  core = await Core.open([graph]);
  peer = core.peer('a');
  await peer.join();
  believed = true;
  kept = 100;
}

beforeEach(() => open({ keepLast: 1, maxIterations: 2 }));

function retention(more: { readonly keepEvents?: number; readonly proposals?: Proposals } = {}): Retention {
  return new Retention({
    store: core.store,
    proposals: more.proposals ?? core,
    graphs: core.state,
    wallMs: () => core.wallMs,
    agesAreBelieved: () => believed,
    keepEvents: more.keepEvents ?? 0,
    forgetDays: 30,
    nodesKept: kept,
    collectBlob: async (_, take) => void (await take()),
    logger: silentLogger,
  });
}

/** Submits or iterates, and has the node solve it. */
async function solve(step: ReturnType<Core['submits']>): Promise<string> {
  const turned = await core.turn(step);
  const [order] = turned.only(peer.route, 'assign order');
  await peer.report(order!, 'ACCEPTED');
  await peer.publish(order!, 1);
  return order!.taskId.problemId;
}

/** The same, with so many outputs. */
async function solveAtLength(outputs: number): Promise<string> {
  const [order] = (await core.turn(core.submits('kept'))).only(peer.route, 'assign order');
  for (let seq = 1; seq < outputs; seq += 1) await peer.publish(order!, seq, { last: false });
  await peer.publish(order!, outputs);
  return order!.taskId.problemId;
}

/** After so many proposals there is no room for more. */
function interrupted(after: number): Proposals {
  let proposals = 0;
  return {
    async propose(proposal) {
      proposals += 1;
      return proposals > after ? { kind: 'no room' } : core.propose(proposal);
    },
  };
}

const iterates = (problemId: string, parentIterationId?: number) =>
  core.asks({
    ...{ kind: 'iterate', problemId, graphVersion: 1 },
    ...(parentIterationId !== undefined && { parentIterationId }),
    prepared: { kind: 'inline', bytes: Buffer.from('"own"') },
  } as Parameters<Core['asks']>[0]);

async function iterationsOf(problemId: string): Promise<number[]> {
  return (await core.store.keys('iterations', { prefix: [problemId] })).map((key) => Number(key[1]));
}

const faults = () => core.faults();

describe('iterations that are not to be kept', () => {
  it('go beyond the newest so many of the graph, with all that belongs to them; each problem keeps its last', async () => {
    const problems = [];
    for (let number = 0; number < 4; number += 1) problems.push(await solve(core.submits('kept')));
    await solve(iterates(problems[0]!, 1));
    expect(await faults()).toEqual([]);
    // Counted from the newest problem on: two of them stay anyway, of the others the newest iteration.
    expect(await retention().run()).toMatchObject({ iterations: 0 });
    await open({ keepLast: 0, maxIterations: 2 });
    const many = [];
    for (let number = 0; number < 4; number += 1) many.push(await solve(core.submits('kept')));
    expect(await retention().run()).toMatchObject({ iterations: 2, problems: 2 });
    expect(await Promise.all(many.map(iterationsOf))).toEqual([[], [], [1], [1]]);
    expect((await core.store.keys('payloads', { prefix: [many[0]!] })).length).toBe(0);
    expect((await core.store.keys('task_events', { prefix: [many[0]!] })).length).toBe(0);
    expect(await faults()).toEqual([]);
  });

  it('go by their age since they ended, and those that have not ended stay', async () => {
    await open({ keepLast: 0, maxAgeMs: DAY_MS });
    const old = await solve(core.submits('kept'));
    core.wallMs += 2 * DAY_MS;
    const young = await solve(core.submits('kept'));
    await core.turn(core.submits('kept'));
    core.wallMs += DAY_MS / 2;
    const waiting = [...core.state.tasks.values()][0]!;
    core.wallMs += 5 * DAY_MS;
    expect(await retention().run()).toMatchObject({ iterations: 2, problems: 2 });
    expect([await iterationsOf(old), await iterationsOf(young)]).toEqual([[], []]);
    expect(await iterationsOf(waiting.id.problemId)).toEqual([1]);
    expect(await faults()).toEqual([]);
  });

  it('stay as long as an iteration that stays was made from them, and their numbers do not come again', async () => {
    await open({ keepLast: 1, maxIterations: 0 });
    const problem = await solve(core.submits('kept'));
    await solve(iterates(problem, 1));
    await solve(iterates(problem, 1));
    expect(await retention().run()).toMatchObject({ iterations: 1, problems: 0 });
    expect(await iterationsOf(problem)).toEqual([1, 3]);
    expect(await faults()).toEqual([]);
    await solve(iterates(problem, 3));
    expect(await iterationsOf(problem)).toEqual([1, 3, 4]);
  });

  it('can be removed from a disk that is full', async () => {
    await open({ keepLast: 0, maxIterations: 0 });
    const problem = await solve(core.submits('kept'));
    core.store.disk.full = true;
    expect(await retention().run()).toMatchObject({ iterations: 1 });
    expect(await iterationsOf(problem)).toEqual([]);
  });

  it('cannot be iterated on while they are being removed', async () => {
    await open({ keepLast: 1, maxIterations: 0 });
    const [order] = (await core.turn(core.submits('kept'))).only(peer.route, 'assign order');
    for (let seq = 1; seq < 400; seq += 1) await peer.publish(order!, seq, { last: false });
    const { taskId } = order!;
    await core.ask({ kind: 'task_command', taskId, command: 'terminate' });
    await peer.beat();
    await core.pass(6000);
    await core.pass(60_000);
    const { problemId: problem } = taskId;
    const again = core.peer('a');
    await again.join();
    peer = again;
    await solve(iterates(problem));
    expect(await retention({ proposals: interrupted(1) }).run()).toMatchObject({ iterations: 0 });
    expect([...core.state.beingRemoved]).toEqual([problem]);
    expect((await core.turn(iterates(problem))).answers).toMatchObject([
      { ok: false, kind: 'unavailable', code: 'being_removed' },
    ]);
    expect(await retention().run()).toMatchObject({ iterations: 1, problems: 0 });
    expect([...core.state.beingRemoved]).toEqual([]);
    expect((await core.turn(iterates(problem))).answers).toMatchObject([{ ok: true }]);
    expect([await iterationsOf(problem), await faults()]).toEqual([[2, 3], []]);
  });

  it('iterations of a problem that is removed as a whole cannot be found once the removal starts, and are removed also after a restart', async () => {
    await open({ keepLast: 0, maxIterations: 0 });
    const problem = await solveAtLength(400);
    await solve(iterates(problem, 1));
    expect(await retention({ proposals: interrupted(1) }).run()).toMatchObject({ iterations: 0 });
    expect((await core.turn(iterates(problem))).answers).toMatchObject([{ code: 'unknown_problem' }]);
    await core.restart();
    expect([await faults(), (await core.check()).counts['problems being removed']]).toEqual([[], 1]);
    expect(await retention().run()).toMatchObject({ iterations: 2, problems: 1 });
    for (const table of ['problems', 'iterations', 'payloads', 'task_events'] as const)
      expect(await core.store.keys(table, { prefix: [] })).toEqual([]);
    expect(await faults()).toEqual([]);
  });

  it('stay where somebody has iterated on them since they were looked at', async () => {
    await open({ keepLast: 0, maxIterations: 0 });
    const problem = await solve(core.submits('kept'));
    const late: Proposals = {
      async propose(proposal) {
        await core.turn(iterates(problem, 1));
        return core.propose(proposal);
      },
    };
    expect(await retention({ proposals: late }).run()).toMatchObject({ iterations: 0 });
    // Now it is unfinished, and stays.
    expect(await retention().run()).toMatchObject({ iterations: 0 });
  });
});

it('removes what a problem is found by with the problem', async () => {
  await open({ keepLast: 0, maxIterations: 1 });
  const problemId = await solve(core.submits('kept'));
  const change = { title: 'old', tags: ['a', 'b'], starred: true };
  await core.ask({ kind: 'change_problem', problemId, change });
  await solve(core.submits('kept'));
  await retention().run();
  expect(await core.faults()).toEqual([]);
  for (const table of ['problems_by_mark', 'problem_marks'] as const)
    expect(await core.store.keys(table, { prefix: [] })).toEqual([]);
  expect(await core.store.keys('problem_ids', { prefix: [] })).toHaveLength(1);
});

describe('the event stream', () => {
  it('is trimmed from its old end, page by page, and the newest so many stay', async () => {
    for (let number = 0; number < 5; number += 1) await solve(core.submits('kept'));
    const cursor = core.state.cursor;
    const forgotten = await retention({ keepEvents: 10 }).run();
    expect(forgotten.events).toBeGreaterThan(5);
    expect(core.trimmedTo).toBe(forgotten.events + 1);
    expect(cursor - forgotten.events).toBeGreaterThanOrEqual(10);
    const [first] = await core.store.keys('events', { prefix: [], limit: 1 });
    expect(first).toEqual([core.trimmedTo]);
    expect(await faults()).toEqual([]);
  });

  it('is left as it is where nothing is said', async () => {
    await solve(core.submits('kept'));
    expect(await retention().run()).toMatchObject({ events: 0 });
  });
});

describe('blobs and idempotency keys', () => {
  it('go when nobody refers to them and their lease is over', async () => {
    const [free, leased, referred] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [
      string,
      string,
      string,
    ];
    const row = (leaseUntil: number) => encodeRow({ size: 1, lease_until: leaseUntil });
    await core.store.commit(core.epoch, [
      { op: 'put', table: 'blobs', key: [free], value: row(core.wallMs - 1) },
      { op: 'put', table: 'blobs', key: [leased], value: row(core.wallMs + 1000) },
      { op: 'put', table: 'blobs', key: [referred], value: row(core.wallMs - 1) },
      { op: 'put', table: 'blob_refs', key: [referred, core.uuid(), 1, 'input', 0], value: EMPTY },
    ]);
    expect(await retention().run()).toMatchObject({ blobs: 1 });
    expect(await core.store.keys('blobs', { prefix: [] })).toEqual([[leased], [referred]]);
  });

  it('idempotency keys of requests are forgotten when they have expired', async () => {
    await core.turn(
      core.asks(
        ...([
          { kind: 'node_command', nodeId: peer.node.nodeId, command: 'start' },
          { key: 'k', hash: 'h' },
        ] as Parameters<Core['asks']>),
      ),
    );
    expect(await retention().run()).toMatchObject({ keys: 0 });
    core.wallMs += DAY_MS + 1;
    expect(await retention().run()).toMatchObject({ keys: 1 });
    expect(await core.store.keys('idempotency', { prefix: [] })).toEqual([]);
    expect(await core.store.keys('idempotency_by_time', { prefix: [] })).toEqual([]);
  });
});

describe('an index that was declared later', () => {
  it('loses what it had of an iteration that is removed', async () => {
    await open({ keepLast: 0, maxIterations: 1 });
    const old = await solve(core.submits('kept'));
    const row = await core.row(`${old}/1`);
    const { compiled } = core.state.graph('kept')!;
    Object.assign(compiled.graph, { index: ['a.seq'] });
    await solve(core.submits('kept'));
    // As it is added beside the loop: the iteration's own row does not know of it.
    const key = indexKey('a.seq', indexElement(1)!, row.problem_seq, 1);
    await core.store.commit(core.epoch, [{ op: 'put', table: 'iteration_index', key, value: EMPTY }]);
    expect(await core.store.keys('iteration_index', { prefix: [] })).toHaveLength(2);
    expect(await faults()).toEqual([]);
    expect(await retention().run()).toMatchObject({ iterations: 1 });
    expect(await core.store.keys('iteration_index', { prefix: [] })).toHaveLength(1);
    expect(await faults()).toEqual([]);
  });

  it('loses that first, so that nothing is found whose outputs are gone already', async () => {
    await open({ keepLast: 0, maxIterations: 1 });
    const row = await core.row(`${await solveAtLength(400)}/1`);
    Object.assign(core.state.graph('kept')!.compiled.graph, { index: ['a.seq'] });
    await solve(core.submits('kept'));
    const key = indexKey('a.seq', indexElement(400)!, row.problem_seq, 1);
    await core.store.commit(core.epoch, [{ op: 'put', table: 'iteration_index', key, value: EMPTY }]);
    const indexed = async () => (await core.store.keys('iteration_index', { prefix: [] })).length;
    expect(await indexed()).toBe(2);
    expect(await retention({ proposals: interrupted(1) }).run()).toMatchObject({ iterations: 0 });
    expect(await indexed()).toBe(1);
    expect(await retention().run()).toMatchObject({ iterations: 1 });
    expect(await faults()).toEqual([]);
  });
});

describe('what the fleet leaves behind', () => {
  const command = (name: 'start' | 'stop', nodeId = peer.nodeId) =>
    core.ask({ kind: 'node_command', nodeId, command: name });
  const commands = async () => (await core.store.keys('commands', { prefix: [] })).length;
  const boots = async () => (await core.store.keys('boots', { prefix: [] })).length;

  it('finished commands are removed some time later; pending ones stay', async () => {
    await command('start');
    const [open] = [...core.state.commands.values()].filter(({ by }) => by === 'user');
    await peer.acks(open!.commandId);
    core.wallMs += 31 * DAY_MS;
    expect(await commands()).toBe(1);
    await command('start');
    core.wallMs += 31 * DAY_MS;
    expect(await retention().run()).toMatchObject({ commands: 1 });
    expect([await commands(), core.state.commands.size]).toEqual([1, 1]);
    expect(await faults()).toEqual([]);
  });

  it('replaced boots are removed after a while, and a removed boot cannot come back as the newest', async () => {
    const older = peer;
    const newer = core.peer('a');
    await newer.join();
    expect([newer.incarnation, await boots()]).toEqual([2, 1]);
    expect(await retention().run()).toMatchObject({ boots: 0 });
    core.wallMs += 31 * DAY_MS;
    await newer.beat();
    expect(await retention().run()).toMatchObject({ boots: 1 });
    await core.restart();
    await newer.hello();
    expect((await older.hello()).refusals(older.route)).toEqual(['replaced']);
    expect(newer.node).toMatchObject({ bootId: newer.bootId, incarnation: 2 });
    expect((await newer.hello()).only(newer.route, 'welcome')).toHaveLength(1);
    // One that is really new has never been told an incarnation.
    const newest = core.peer('a');
    await newest.join();
    expect(newest.incarnation).toBe(3);
    expect(await faults()).toEqual([]);
  });

  it('many nodes are removed long after they died, unless they were stopped or somebody waits for them', async () => {
    const [gone, stopped] = [core.peer('a', { instance: 'gone' }), core.peer('a', { instance: 'stopped' })];
    for (const node of [gone, stopped]) await node.join();
    await command('stop', stopped.nodeId);
    for (const { commandId, by } of [...core.state.commands.values()])
      if (by === 'user') await stopped.acks(commandId);
    for (const node of [gone, stopped]) await node.say({ kind: 'goodbye' });
    core.wallMs += 29 * DAY_MS;
    expect(await retention().run()).toMatchObject({ nodes: 0 });
    core.wallMs += 2 * DAY_MS;
    expect(await retention().run()).toMatchObject({ nodes: 0 });
    kept = 2;
    expect(await retention().run()).toMatchObject({ nodes: 1 });
    const left = [...core.state.nodes.values()].map(({ instance }) => instance);
    expect(left).toEqual(['a-1', 'stopped']);
    kept = 0;
    expect(await retention().run()).toMatchObject({ nodes: 0 });
    expect(await core.store.keys('nodes', { prefix: [] })).toHaveLength(2);
    expect(await faults()).toEqual([]);
    // Its instance is welcome again, as a new node.
    const again = core.peer('a', { instance: 'gone' });
    await again.join();
    expect([again.nodeId === gone.nodeId, again.incarnation]).toEqual([false, 1]);
  });
});

describe('the check of a store', () => {
  it('names what is missing, what is there although nobody knows of it, and what contradicts itself', async () => {
    const problem = await solve(core.submits('kept'));
    expect(await faults()).toEqual([]);
    const [output] = (await core.store.keys('payloads', { prefix: [problem, 1] })).filter(
      (key) => key[2] !== 'input',
    );
    const [page] = await core.store.keys('events', { prefix: [], limit: 1 });
    const row = await core.store.get('iterations', [problem, 1]);
    await core.store.commit(core.epoch, [
      { op: 'delete', table: 'payloads', key: output! },
      { op: 'put', table: 'payloads', key: [core.uuid(), 1, 'input', 0], value: EMPTY },
      {
        op: 'put',
        table: 'unfinished',
        key: [decodeRow<{ problem_seq: number }>(row!).problem_seq, problem, 1],
        value: EMPTY,
      },
      { op: 'put', table: 'problem_ids', key: [core.uuid()], value: encodeRow(12_345) },
      { op: 'put', table: 'events', key: [Number(page![0]) + 1_000_000], value: Buffer.from('{"seq":5}') },
    ]);
    const found = (await faults()).map(({ what }) => what);
    expect(found).toEqual(
      expect.arrayContaining([
        'output 1 is not there',
        'is of no iteration',
        'is succeeded, and listed as unfinished',
        'leads to no problem',
        expect.stringMatching(/^follows \d+$/),
      ]),
    );
  });
});

describe('while the wall clock is in doubt', () => {
  it('nothing goes for its age, and what is too much goes all the same', async () => {
    await open({ keepLast: 0, maxAgeMs: DAY_MS, maxIterations: 2 });
    for (let count = 0; count < 3; count += 1) await solve(core.submits('kept'));
    await core.turn({ kind: 'blob', id: 7, sha256: 'b'.repeat(64), size: 1 });
    core.wallMs += 400 * DAY_MS;
    believed = false;
    expect(await retention().run()).toMatchObject({
      iterations: 1,
      blobs: 0,
      commands: 0,
      boots: 0,
      nodes: 0,
    });
    believed = true;
    expect(await retention().run()).toMatchObject({ iterations: 2, blobs: 1 });
  });
});
