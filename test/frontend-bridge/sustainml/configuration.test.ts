import { describe, expect, it } from 'vitest';
import { Configuration } from '../../../frontend-bridge/sustainml/configuration.js';
import { NodeList } from '../../../frontend-bridge/sustainml/status.js';
import type { Answer, Request, View, Workspace } from '../../../src/orchestrator/port.js';

type Configure = Extract<Request, { kind: 'configure' }>;

function node(module: string, more: View = {}): View {
  return {
    node_id: `${module}-1`,
    module,
    status: 'IDLE',
    liveness: 'alive',
    connected: true,
    capacity: 1,
    running: [],
    ...more,
  };
}

function facadeOf(nodes: readonly View[]) {
  const asked: { request: Configure; answer: (answer: Answer) => void }[] = [];
  const coordinator = {
    request: (request: Configure) =>
      new Promise<Answer>((resolve) => asked.push({ request, answer: resolve })),
    queries: { nodes: async () => ({ cursor: 1, value: { items: nodes, next_cursor: null } }) },
  } as unknown as Workspace;
  const list = new NodeList(coordinator);
  return { asked, list, configuration: new Configuration(coordinator, list) };
}

const done = (configuration: string, success = true): Answer => ({
  ok: true,
  kind: 'done',
  body: { success, configuration, ...(!success && { error: { message: 'not this' } }) },
});
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('configuration queries', () => {
  it('are answered in the order of asking, each after the one before has been written', async () => {
    const { asked, configuration } = facadeOf([node('ml_model_metadata')]);
    const written: (() => void)[] = [];
    const arrived: unknown[] = [];
    for (const text of ['a', 'b', 'c']) {
      const out = new Promise<void>((resolve) => written.push(resolve));
      void configuration
        .ask({ configuration: text, node_id: 4 }, out)
        .then(({ response }) => arrived.push(response.configuration));
    }
    await settle();
    expect(asked.map(({ request }) => request.configuration)).toEqual(['a', 'b', 'c']);
    asked[2]!.answer(done('C'));
    asked[1]!.answer(done('B'));
    await settle();
    expect(arrived).toEqual([]);
    asked[0]!.answer(done('A'));
    await settle();
    expect(arrived).toEqual(['A']);
    written[0]!();
    await settle();
    expect(arrived).toEqual(['A', 'B']);
    written[1]!();
    await settle();
    expect(arrived).toEqual(['A', 'B', 'C']);
  });

  it('queries to one node do not wait for those to another', async () => {
    const { asked, configuration } = facadeOf([node('ml_model_metadata'), node('ml_model')]);
    void configuration.ask({ configuration: 'slow', node_id: 4 }, Promise.resolve());
    const quick = configuration.ask({ configuration: 'quick', node_id: 5 }, Promise.resolve());
    await settle();
    asked.find(({ request }) => request.configuration === 'quick')!.answer(done('ok'));
    expect((await quick).response).toMatchObject({
      node_id: 5,
      success: true,
      err_code: 0,
      configuration: 'ok',
    });
  });

  it('failed queries say so, with the node that was asked', async () => {
    const { asked, configuration } = facadeOf([node('ml_model'), node('hw_resources', { liveness: 'dead' })]);
    const refused = configuration.ask({ configuration: 'x', node_id: 5 }, Promise.resolve());
    await settle();
    asked[0]!.answer(done('', false));
    const failed = { success: false, err_code: 1 };
    expect((await refused).response).toMatchObject({
      ...failed,
      node_id: 5,
      configuration: '{"error":"not this"}',
    });
    const late = configuration.ask({ configuration: 'x', node_id: 5 }, Promise.resolve());
    await settle();
    asked[1]!.answer({ ok: false, kind: 'timeout', code: 'no_answer', message: 'too late' });
    expect((await late).response).toMatchObject({ ...failed, configuration: '{"error":"too late"}' });
    for (const id of [3, 0, 99, -1]) {
      const { response } = await configuration.ask({ configuration: 'x', node_id: id }, Promise.resolve());
      expect(response).toMatchObject({ ...failed, node_id: id });
    }
  });

  it('queries without a text or a node are refused', async () => {
    const { configuration } = facadeOf([]);
    for (const body of [{}, { configuration: 'x' }, { node_id: 3 }, { configuration: 7, node_id: 3 }])
      await expect(configuration.ask(body, Promise.resolve())).rejects.toMatchObject({ status: 400 });
  });

  it('are bounded for each node', async () => {
    const { configuration } = facadeOf([node('ml_model')]);
    for (let turn = 0; turn < 100; turn += 1)
      void configuration.ask({ configuration: 'x', node_id: 5 }, Promise.resolve());
    await expect(
      configuration.ask({ configuration: 'x', node_id: 5 }, Promise.resolve()),
    ).rejects.toMatchObject({
      status: 503,
    });
  });
});

describe('the status', () => {
  const running = { status: 'RUNNING', running: [{}] };
  it.each<[string, readonly View[]]>([
    ['IDLE', [node('ml_model', running), node('ml_model')]],
    ['IDLE', [node('ml_model', { ...running, capacity: 2 })]],
    ['RUNNING', [node('ml_model', running), node('ml_model', { liveness: 'dead' })]],
    ['INITIALIZING', [node('ml_model', { status: 'INITIALIZING' })]],
    ['ERROR', [node('ml_model', { status: 'ERROR' })]],
    ['INACTIVE', [node('ml_model', { liveness: 'dead' })]],
    ['INACTIVE', [node('ml_model', { connected: false })]],
  ])('is %s', async (word, nodes) => {
    const { list } = facadeOf(nodes);
    expect(await list.status()).toEqual({ ML_MODEL: word });
    expect(await list.statusOf(5)).toBe(word);
    expect(await list.statusOf(0)).toBe('INACTIVE');
  });
});
