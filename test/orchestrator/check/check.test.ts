import { beforeEach, describe, expect, it } from 'vitest';
import type { StoreFault } from '../../../src/orchestrator/check/check.js';
import type { CommandRow } from '../../../src/orchestrator/tables/command-row.js';
import type { ExecutionRow } from '../../../src/orchestrator/tables/execution-row.js';
import type { ModuleRow } from '../../../src/orchestrator/tables/module-row.js';
import type { NodeRow } from '../../../src/orchestrator/tables/node-row.js';
import type { ProblemRow } from '../../../src/orchestrator/tables/problem-row.js';
import { decodeRow, EMPTY, encodeRow } from '../../../src/orchestrator/tables/row.js';
import type { Summary } from '../../../src/orchestrator/tables/summary.js';
import type { TaskRow } from '../../../src/orchestrator/tables/task-row.js';
import type { Key, Table } from '../../../src/store/store.js';
import { Core, graphOf, moduleSpec, type Peer } from '../core.js';

let core: Core;
let peer: Peer;

/** One task that has succeeded, with an output that is indexed. */
beforeEach(async () => {
  core = await Core.open([{ ...graphOf('checked', moduleSpec('a', ['source'])), index: ['a.seq'] }]);
  peer = core.peer('a');
  await peer.join();
  const turned = await core.turn(core.submits('checked'));
  const [order] = turned.only(peer.route, 'assign order');
  await peer.report(order!, 'ACCEPTED');
  await peer.publish(order!, 1);
});

async function faults(): Promise<readonly StoreFault[]> {
  return core.faults();
}

async function change(table: Table, changed: (summary: Summary) => Uint8Array): Promise<void> {
  const [entry] = await core.store.range(table, { prefix: [] });
  const value = changed(decodeRow<Summary>(entry!.value));
  await core.store.commit(core.epoch, [{ op: 'put', table, key: entry!.key, value }]);
}

it('finds a problem that is listed, and is not there', async () => {
  const [entry] = await core.store.range('problems_by_state', { prefix: [] });
  const key = [entry!.key[0]!, 4711];
  await core.store.commit(core.epoch, [{ op: 'put', table: 'problems_by_state', key, value: entry!.value }]);
  expect(await faults()).toEqual([
    { where: 'problems_by_state succeeded', what: 'names 4711, which does not exist' },
  ]);
});

it('finds an output that is another than the one that was recorded', async () => {
  const entries = await core.store.range('payloads', { prefix: [] });
  const { key } = entries.find((entry) => entry.key[3] === 1)!;
  const value = Buffer.from('{"seq":2}');
  await core.store.commit(core.epoch, [{ op: 'put', table: 'payloads', key, value }]);
  expect(await faults()).toMatchObject([
    { what: expect.stringMatching(/^has output 1 of .*, and recorded/) },
  ]);
});

describe.each(['problems_by_state', 'iteration_index'] as const)('the summaries in %s', (table) => {
  it('are those of their iterations', async () => {
    expect(await faults()).toEqual([]);
    await change(table, (summary) => encodeRow({ ...summary, state: 'failed' }));
    expect(await faults()).toMatchObject([{ what: 'is listed with a summary that is not its own' }]);
    await change(table, () => Buffer.from('{'));
    expect(await faults()).toMatchObject([{ what: 'is listed with a summary that is not its own' }]);
  });

  it('may be missing in a store that is older than them', async () => {
    await change(table, () => EMPTY);
    expect(await faults()).toEqual([]);
  });
});

describe('a row that is not the fold of its facts', () => {
  const writes = (table: Table, key: Key, row: unknown): Promise<unknown> =>
    core.store.commit(core.epoch, [{ op: 'put', table, key, value: encodeRow(row) }]);

  async function alter<Row extends object>(table: Table, altered: (row: Row) => Row): Promise<void> {
    const [entry] = await core.store.range(table, { prefix: [] });
    await writes(table, entry!.key, altered(decodeRow<Row>(entry!.value)));
  }

  const alterModule = (altered: (module: ModuleRow) => object): Promise<void> =>
    alter<TaskRow>('iterations', (row) => ({
      ...row,
      modules: { a: altered(row.modules.a!) as ModuleRow },
    }));

  const alterExecution = (altered: Partial<ExecutionRow>): Promise<void> =>
    alterModule((module) => ({ ...module, executions: [{ ...module.executions[0], ...altered }] }));

  const notFolded = async (): Promise<string[]> =>
    (await faults()).map(({ what }) => what).filter((what) => what.startsWith('is not the fold'));

  it('is found, and what is different is named', async () => {
    await alterModule((module) => ({ ...module, attempts: 2 }));
    expect(await notFolded()).toEqual([
      'is not the fold of its facts: modules.a.attempts is 2, they make it 1',
    ]);
  });

  it.each<[string, Partial<ExecutionRow>]>([
    ['attempt', { attempt: 2 }],
    ['node', { node_id: 'other' }],
    ['time of assignment', { assigned_at: 1 }],
    ['time of acceptance', { accepted_at: 1 }],
    ['end', { finished_at: 1 }],
    ['error', { error: { code: 'x', message: 'x', retryable: false } }],
    ['generation', { generation: 1 }],
    ['number of outputs', { outputs: 2 }],
  ])('is found by the %s of an execution', async (_, altered) => {
    await alterExecution(altered);
    expect(await notFolded()).toHaveLength(1);
  });

  it('is found where it claims what its events contradict', async () => {
    await alterModule((module) => ({ ...module, phase: 'waiting', reason: 'for nothing' }));
    expect(await notFolded()).toHaveLength(1);
    await alterExecution({ state: 'failed' });
    expect(await notFolded()).toHaveLength(1);
  });

  it.each<[string, Partial<TaskRow>]>([
    ['priority', { priority: 1 }],
    ['time of submission', { created_at: 1 }],
    ['parent', { parent_iteration_id: 7 }],
    ['client', { client: 'somebody' }],
    ['start', { started_at: 1 }],
    ['reason', { reason: 'no reason' }],
  ])('is found by the %s of an iteration', async (_, altered) => {
    await alter<TaskRow>('iterations', (row) => ({ ...row, ...altered }));
    expect(await notFolded()).toHaveLength(1);
  });

  it('is found by the title of a problem', async () => {
    await alter<ProblemRow>('problems', (row) => ({ ...row, title: 'another' }));
    expect(await notFolded()).toHaveLength(1);
  });

  it('is found by the liveness of a node', async () => {
    await alter<NodeRow>('nodes', (row) => ({ ...row, liveness: 'dead' }));
    expect(await notFolded()).toEqual([
      'is not the fold of its facts: liveness is "dead", they make it "alive"',
    ]);
  });

  it('is found by the state of a command, under way or answered', async () => {
    await core.ask({ kind: 'node_command', nodeId: peer.nodeId, command: 'stop', reason: 'a test' });
    expect(await faults()).toEqual([]);
    await alter<CommandRow>('commands', (row) => ({ ...row, reason: 'another' }));
    expect(await notFolded()).toHaveLength(1);
    await alter<CommandRow>('commands', (row) => ({ ...row, reason: 'a test' }));
    const [key] = await core.store.keys('commands', { prefix: [] });
    await peer.acks(String(key![0]));
    expect(await faults()).toEqual([]);
    await alter<CommandRow>('commands', (row) => ({ ...row, state: 'refused' }));
    expect(await notFolded()).toHaveLength(1);
  });

  it('is not looked for where its first event is gone or older than complete facts, and this is counted', async () => {
    await core.ask({ kind: 'node_command', nodeId: peer.nodeId, command: 'stop' });
    const { counts } = await core.check();
    expect(counts).toMatchObject({ 'iterations folded': 1, 'nodes folded': 1, 'commands folded': 1 });
    await alterModule((module) => ({ ...module, attempts: 2 }));
    await writes('meta', ['facts_since'], core.state.cursor + 1);
    const older = await core.check();
    expect(older.faults).toEqual([]);
    expect(older.counts).toMatchObject({
      'iterations without their first event': 1,
      'nodes without their first event': 1,
      'commands without their first event': 1,
    });
    expect(older.counts).not.toHaveProperty('iterations folded');
  });

  it('is found where an event does not fit those before it', async () => {
    const [page] = await core.store.range('task_events', { prefix: [], reverse: true, limit: 1 });
    const [line] = Buffer.from(page!.value).toString().split('\n');
    const { seq, at, problem_id, iteration_id } = JSON.parse(line!);
    const event = { seq, at, type: 'iteration.resumed', problem_id, iteration_id };
    await writes('task_events', page!.key, event);
    expect((await faults()).map(({ what }) => what).join()).toContain('does not fit what came before');
  });
});
