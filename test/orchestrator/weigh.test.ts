/** What is proposed is decided by what is the case at that moment, a batch that waits for room included. */
import { beforeEach, describe, expect, it } from 'vitest';
import { formatTaskId, type TaskId } from '../../src/model/task-id.js';
import type { Proposal, Removal } from '../../src/orchestrator/proposals/proposals.js';
import { EMPTY, encodeRow } from '../../src/orchestrator/tables/row.js';
import type { Summary } from '../../src/orchestrator/tables/summary.js';
import { Core, graphOf, moduleSpec, type Peer } from './core.js';

const DECLINED = { kind: 'declined' };
const SHA = 'b'.repeat(64);

let core: Core;
let peer: Peer;
let taskId: TaskId;

/** With an iteration that has succeeded. */
beforeEach(async () => {
  core = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
  peer = core.peer('a');
  await peer.join();
  const [order] = (await core.turn(core.submits('one'))).only(peer.route, 'assign order');
  await peer.publish(order!, 1);
  taskId = order!.taskId;
});

async function removes(): Promise<Removal> {
  const { problem_seq: problemSeq } = await core.row(formatTaskId(taskId));
  return {
    ...{ kind: 'remove iteration', task: taskId, problemSeq, isWhole: true, newest: 1 },
    ...{ fields: [], index: [] },
  };
}

const iterates = () =>
  core.asks({
    ...{ kind: 'iterate', problemId: taskId.problemId, graphVersion: 1 },
    ...{ parentIterationId: 1, prepared: { kind: 'inline', bytes: Buffer.from('{}') } },
  });

const terminates = (iterationId: number) =>
  core.asks({ kind: 'task_command', taskId: { ...taskId, iterationId }, command: 'terminate' });

describe('an iteration', () => {
  it('goes with its problem where nothing speaks against it, also before a batch about something else', async () => {
    const held = await core.decide(core.submits('one'));
    const proposal = await removes();
    expect(await core.propose(proposal, held)).toEqual({ kind: 'done', count: 1, isMore: false });
    expect(await core.propose(proposal, held)).toEqual(DECLINED);
    await core.commit(held);
    await core.restart();
    expect([await core.faults(), core.state.tasks.size]).toEqual([[], 1]);
  });

  it('stays where somebody has begun to iterate on it', async () => {
    const proposal = await removes();
    // A proposer that reads while that is being committed sees the new number, and may see the old row.
    await core.turn(iterates());
    expect(await core.propose({ ...proposal, newest: 2 } as Removal)).toEqual(DECLINED);
    expect(await core.propose(proposal)).toEqual(DECLINED);
    expect(await core.faults()).toEqual([]);
  });

  it('stays where a batch that waits for room has begun an iteration and ended it', async () => {
    const proposal = await removes();
    const held = await core.decide(iterates(), terminates(2));
    expect(core.state.problems.size).toBe(0);
    expect(await core.propose(proposal, held)).toEqual(DECLINED);
    await core.commit(held);
    expect(await core.faults()).toEqual([]);
  });

  it('stays as long as a command on it may say something yet', async () => {
    const [order] = (await core.turn(core.submits('one'))).only(peer.route, 'assign order');
    taskId = order!.taskId;
    await peer.report(order!, 'ACCEPTED');
    await core.turn(terminates(1));
    await peer.report(order!, 'CANCELLED');
    const row = await core.row(formatTaskId(taskId));
    expect([row.state, core.state.commands.size]).toEqual(['aborted', 1]);
    expect(await core.propose(await removes())).toEqual(DECLINED);
    const proposal = await removes();
    await core.pass(60_000);
    expect(core.state.commands.size).toBe(0);
    expect(await core.propose(proposal)).toMatchObject({ count: 1 });
    expect(await core.faults()).toEqual([]);
  });

  it('stays until its place in an index that was declared meanwhile is known', async () => {
    Object.assign(core.state.graph('one')!.compiled.graph, { index: ['a.seq'] });
    const proposal = await removes();
    expect(await core.propose(proposal)).toEqual(DECLINED);
    expect(await core.propose({ ...proposal, fields: ['a.seq'] } as Removal)).toMatchObject({ count: 1 });
  });
});

describe('a blob', () => {
  const removesBlob: Proposal = { kind: 'remove blob', sha256: SHA };

  beforeEach(async () => {
    const value = encodeRow({ size: 1, lease_until: core.wallMs - 1 });
    await core.store.commit(core.epoch, [{ op: 'put', table: 'blobs', key: [SHA], value }]);
  });

  it('goes when its lease is over', async () => {
    expect(await core.propose(removesBlob)).toMatchObject({ kind: 'done', count: 1 });
    expect(await core.propose(removesBlob)).toEqual(DECLINED);
  });

  it('stays where it has been leased again, if only by a batch that waits for room', async () => {
    const held = await core.decide({ kind: 'blob', id: 1, sha256: SHA, size: 1 });
    expect(await core.propose(removesBlob, held)).toEqual(DECLINED);
    await core.commit(held);
    expect(await core.propose(removesBlob)).toEqual(DECLINED);
  });

  it('stays where somebody refers to it', async () => {
    const key = [SHA, core.uuid(), 1, 'input', 0];
    await core.store.commit(core.epoch, [{ op: 'put', table: 'blob_refs', key, value: EMPTY }]);
    expect(await core.propose(removesBlob)).toEqual(DECLINED);
  });
});

describe('a node that is gone', () => {
  it('stays where a batch that waits for room is about it', async () => {
    await peer.say({ kind: 'goodbye' });
    await core.pass(60_000);
    const { nodeId } = peer;
    const command = core.asks({ kind: 'node_command', nodeId, command: 'start' });
    const held = await core.decide(command);
    const forgets: Proposal = { kind: 'remove nodes', seenBefore: core.wallMs + 1, kept: 0 };
    expect(await core.propose(forgets, held)).toMatchObject({ count: 0 });
    await core.commit(held);
    expect(await core.faults()).toEqual([]);
    for (const { commandId } of [...core.state.commands.values()]) await peer.acks(commandId);
    await core.pass(60_000);
    expect(await core.propose(forgets)).toMatchObject({ count: 1 });
    expect(await core.faults()).toEqual([]);
  });
});

describe('an answer that has expired', () => {
  it('stays where its key is used again by a batch that waits for room', async () => {
    const request = core.asks(
      { kind: 'node_command', nodeId: peer.nodeId, command: 'start' },
      { key: 'k', hash: 'h' },
    );
    await core.turn(request);
    const [[at]] = (await core.store.keys('idempotency_by_time', { prefix: [] })) as [[number, string]];
    const expired: Proposal = { kind: 'remove answers', expired: [[at, 'k']] };
    expect(await core.propose(expired)).toMatchObject({ count: 0 });
    core.wallMs = at + 1;
    const held = await core.decide(request);
    expect(await core.propose(expired, held)).toMatchObject({ count: 0 });
    await core.commit(held);
    // The older one goes, the newer one stays.
    expect(await core.propose(expired)).toMatchObject({ count: 1 });
    expect(await core.store.keys('idempotency', { prefix: [] })).toEqual([['k']]);
    expect(await core.faults()).toEqual([]);
  });
});

describe('an index', () => {
  it('takes in only what is still as it was read', async () => {
    const key = [taskId.problemId, taskId.iterationId];
    const row = (await core.store.get('iterations', key))!;
    const { problem_seq: problemSeq } = await core.row(formatTaskId(taskId));
    const adds: Proposal = {
      kind: 'index iterations',
      iterations: [{ task: taskId, row, problemSeq, index: [['a.seq', 'n1']], summary: {} as Summary }],
    };
    const indexed = async () => (await core.store.keys('iteration_index', { prefix: [] })).length;
    expect([await core.propose(adds), await indexed()]).toMatchObject([{ count: 1 }, 1]);
    const index = [['a.seq', 'n1']] as const;
    await core.propose({ ...(await removes()), index } as Removal);
    expect(await indexed()).toBe(0);
    expect([await core.propose(adds), await indexed()]).toMatchObject([{ count: 0 }, 0]);
  });

  it('is complete only where the graph still declares it', async () => {
    const complete: Proposal = { kind: 'complete index', graph: 'one', field: 'a.seq', since: 1 };
    expect(await core.propose(complete)).toEqual(DECLINED);
    Object.assign(core.state.graph('one')!.compiled.graph, { index: ['a.seq'] });
    expect(await core.propose({ ...complete, since: 2 })).toEqual(DECLINED);
    expect(await core.propose(complete)).toMatchObject({ kind: 'done' });
  });
});
