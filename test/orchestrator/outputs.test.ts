/** Modules with several named outputs, from the assignment to what is read of them. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AssignOrder } from '../../src/orchestrator/core/journal.js';
import type { PreparedRequest } from '../../src/orchestrator/core/turn.js';
import { Payloads } from '../../src/orchestrator/queries/payloads.js';
import { Core, graphOf, moduleSpec, type Peer, type Turned } from './core.js';

const OUTPUTS = { score: 'json', plot: 'bytes', report: 'json' };
const train = moduleSpec('train', ['source'], { output: undefined, outputs: OUTPUTS });
const GRAPH = {
  ...graphOf('g', train, moduleSpec('use', ['train.plot', 'train.score'], { previous: ['train.report'] })),
  index: ['train.score.loss'],
};
const PNG = Buffer.from('a picture');

let core: Core;
let node: Peer;
let user: Peer;
let order: AssignOrder;

const json = (value: unknown) => ({
  ...{ type: 'json', payload: { kind: 'inline' as const, bytes: Buffer.from(JSON.stringify(value)) } },
});
const plot = { name: 'plot', type: 'bytes', payload: { kind: 'inline' as const, bytes: PNG }, last: false };
const score = { name: 'score', ...json({ loss: 0.5 }), last: false };
const report = { name: 'report', ...json({ text: 'good' }), last: false };
const key = (iteration = 1): string => `${order.taskId.problemId}/${iteration}`;
const whatFailed = (turned: Turned): unknown[] => [
  turned.refusals(node.route),
  turned.event('execution.failed')?.error?.message,
];

beforeEach(async () => {
  core = await Core.open([GRAPH]);
  node = core.peer('train');
  user = core.peer('use');
  await node.join();
  await user.join();
  order = (await core.turn(core.submits('g'))).only(node.route, 'assign order')[0]!;
});

/** All of them, out of their order in the graph. Returns what the last one led to. */
async function publishAll(assigned = order): Promise<Turned> {
  await node.publish(assigned, 1, plot);
  await node.publish(assigned, 2, report);
  return node.publish(assigned, 3, { ...score, last: true });
}

describe('a module with named outputs', () => {
  it('is told their names and types, and what follows gets those that it refers to', async () => {
    expect([order.outputType, order.outputs]).toEqual([
      '',
      Object.entries(OUTPUTS).map(([name, type]) => ({ name, type })),
    ]);
    const turned = await publishAll();
    expect(turned.event('output.recorded')).toMatchObject({ name: 'score', output_seq: 3, last: true });
    const [next] = turned.only(user.route, 'assign order');
    expect(next!.inputs.map(({ name, type, ref }) => [name, type, ref.owner, ref.seq])).toEqual([
      ['train.plot', 'bytes', order.executionId, 1],
      ['train.score', 'json', order.executionId, 3],
    ]);
    await user.publish(next!, 1);
    expect(await core.faults()).toEqual([]);
  });

  it('fails with a name that the graph does not declare', async () => {
    const misspelt = await node.publish(order, 1, { ...plot, name: 'plots' });
    expect(whatFailed(misspelt)).toEqual([
      ['unknown_output'],
      'output 1: "plots" is not an output of the graph (did you mean plot?): score, plot, report',
    ]);
  });

  it('fails with an output that has no name', async () => {
    expect(whatFailed(await node.publish(order, 1, { ...json(1) }))).toEqual([
      ['unknown_output'],
      'output 1: the output has no name: score, plot, report',
    ]);
  });

  it('publishes each name once', async () => {
    await node.publish(order, 1, plot);
    expect(whatFailed(await node.publish(order, 2, plot))).toEqual([
      ['duplicate_output'],
      'output 2: plot has been published already',
    ]);
  });

  it('has not succeeded without all of them', async () => {
    await node.publish(order, 1, plot);
    expect(whatFailed(await node.publish(order, 2, { ...report, last: true }))).toEqual([
      ['missing_output'],
      'output 2: it is the last, and there is no score',
    ]);
  });

  it('has each of them checked against its own type', async () => {
    expect(whatFailed(await node.publish(order, 1, { ...plot, name: 'score' }))).toEqual([
      ['bad_payload'],
      'output 1: score is of type bytes, the graph declares json',
    ]);
  });

  it('does not take a repeated output for a second one', async () => {
    await node.publish(order, 1, plot);
    expect((await node.publish(order, 1, plot)).acks(node.route)).toEqual([[1, false]]);
  });

  it('is the same after a restart', async () => {
    await node.publish(order, 1, plot);
    await core.restart();
    expect(core.state.executions.get(order.executionId)?.named).toEqual(new Map([['plot', 1]]));
  });

  it('gives no output a name that has one only', async () => {
    const chain = await Core.open([graphOf('one', moduleSpec('a', ['source']))]);
    const a = chain.peer('a');
    await a.join();
    const [assigned] = (await chain.turn(chain.submits('one'))).only(a.route, 'assign order');
    const turned = await a.publish(assigned!, 1, { name: 'plot' });
    expect(turned.event('execution.failed')?.error).toMatchObject({
      code: 'unknown_output',
      message: 'output 1: "plot" is not an output of the graph: a has one, without a name',
    });
  });
});

describe('named outputs', () => {
  it('are read by their references, and all together by the name of their module', async () => {
    await publishAll();
    const payloads = new Payloads(core.state);
    const row = await core.row(key());
    const read = async (reference: string) => {
      const output = await payloads.moduleOutput(core.store, row, reference);
      return (
        output && [output.type, output.raw.kind === 'inline' && Buffer.from(output.raw.bytes).toString()]
      );
    };
    expect(await read('train.plot')).toEqual(['bytes', 'a picture']);
    expect(await read('train.report')).toEqual(['json', '{"text":"good"}']);
    expect(await read('train')).toEqual([
      'json',
      `{"plot":"${PNG.toString('base64')}","report":{"text":"good"},"score":{"loss":0.5}}`,
    ]);
    expect(await read('train.plots')).toBeUndefined();
  });

  it('are indexed by their own fields once the iteration has ended', async () => {
    const [next] = (await publishAll()).only(user.route, 'assign order');
    await user.publish(next!, 1);
    const [found] = await core.store.keys('iteration_index', { prefix: ['train.score.loss'] });
    expect(found?.slice(2)).toEqual([expect.any(Number), 1]);
    const read = await new Payloads(core.state).readableOutput(core.store, await core.row(key()), 'train');
    expect(String(read)).toContain('"score":{"loss":0.5}');
  });

  it('are handed on to the next iteration, by what refers to them as previous', async () => {
    const [next] = (await publishAll()).only(user.route, 'assign order');
    await user.publish(next!, 1);
    const request: PreparedRequest = {
      ...{ kind: 'iterate', problemId: order.taskId.problemId, graphVersion: 1, input: undefined },
      ...{ reuse: ['train'], parentIterationId: 1 },
    };
    const turned = await core.turn(core.asks(request));
    expect(turned.detail('module.reused')).toMatchObject({
      reused_from: { iteration_id: 1, execution_id: order.executionId },
      output_seq: 3,
      outputs: { plot: { output_seq: 1 }, report: { output_seq: 2 }, score: { output_seq: 3 } },
    });
    const [again] = turned.only(user.route, 'assign order');
    expect(
      again!.inputs.map(({ name, previous, ref }) => [name, previous, ref.iterationId, ref.seq]),
    ).toEqual([
      ['train.plot', false, 1, 1],
      ['train.score', false, 1, 3],
      ['train.report', true, 1, 2],
    ]);
    await user.publish(again!, 1);
    expect(await core.faults()).toEqual([]);
    expect(await core.store.keys('iteration_index', { prefix: ['train.score.loss'] })).toHaveLength(2);
    await core.restart();
    const output = await new Payloads(core.state).moduleOutput(
      core.store,
      await core.row(key(2)),
      'train.plot',
    );
    expect(output?.reusedFrom).toEqual({ iterationId: 1, executionId: order.executionId });
  });

  it('are waited for unless each of them is overridden', async () => {
    const bytes = Buffer.from('{"loss":1}');
    const overridden = (...inputs: string[]): PreparedRequest => ({
      ...{ kind: 'iterate', problemId: order.taskId.problemId, graphVersion: 1, input: undefined },
      preparedOverrides: inputs.map((input) => ({
        ...{ module: 'use', input, value: { kind: 'inline' as const, bytes } },
      })),
    });
    const [next] = (await publishAll()).only(user.route, 'assign order');
    await user.publish(next!, 1);
    const one = await core.turn(core.asks(overridden('train.score')));
    expect(one.only(user.route, 'assign order')).toEqual([]);
    const both = await core.turn(core.asks(overridden('train.score', 'train.plot')));
    const [placed] = both.only(user.route, 'assign order');
    expect(placed?.inputs.map(({ ref }) => ref.owner)).toContain('override/use/train.score');
  });
});
