/** The TypeScript client against a real orchestrator, over a good network and a bad one. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { ClientError, type Iteration, type StreamedEvent, Tutti } from '../../src/client/index.js';
import { missing } from '../python/python.js';
import { Scene } from '../support/processes.js';
import { TcpProxy } from '../support/proxy.js';
import { zipOf } from '../support/zip.js';
import { NEEDED, Stage, TOKEN } from './stage.js';

/** An agent starts meanwhile, on a machine that is shared. */
const LONG = { timeout: 40_000 };
const tool = missing(...NEEDED);
const points = [
  [0, 1],
  [1, 3],
  [2, 5],
];
const GOOD = { points, rate: 0.1, epochs: 20 };
const ENDLESS = { points, rate: 0.01, epochs: 100_000 };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe.skipIf(tool !== undefined)(`the TypeScript client${tool ? ` (needs ${tool})` : ''}`, () => {
  const scene = Scene.ofFile();
  let stage: Stage;
  let tutti: Tutti;
  let done: Iteration;

  const refused = async (work: Promise<unknown>): Promise<ClientError> => {
    const error = await work.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ClientError);
    return error as ClientError;
  };

  beforeAll(async () => {
    stage = await Stage.up(scene);
    tutti = new Tutti({ url: stage.orchestrator.ready.http, token: TOKEN });
    done = await (await tutti.submit('fit', GOOD, { title: 'of the client' })).wait();
  });

  it('gives outputs as values, and bytes as a Blob', async () => {
    expect(done.state).toBe('succeeded');
    const outputs = await done.outputs();
    expect(outputs.train).toMatchObject({ loss: expect.any(Number) });
    expect(outputs.plot).toBeInstanceOf(Blob);
    expect(Buffer.from(await (outputs.plot as Blob).arrayBuffer()).toString('latin1', 1, 4)).toBe('PNG');
  });

  it('keeps NaN and the infinities, in inputs and in outputs', async () => {
    const input = { ...GOOD, epochs: 1, seen: [Number.NaN, Number.POSITIVE_INFINITY] };
    expect((await (await tutti.submit('fit', input)).wait()).view.input).toEqual(input);
    const overrides = { plot: { train: { slope: 0, offset: 0, loss: Number.NaN } } };
    expect((await done.iterate({ reuse: ['train'], overrides })).view.overrides).toEqual(overrides);
  });

  it('lists the orchestrators of the store', async () => {
    const { http, control } = stage.orchestrator.ready;
    expect(await tutti.peers()).toEqual([{ http, control, role: 'leader', seen_at: expect.any(String) }]);
  });

  it('iterates, compares and searches', async () => {
    const second = await (await done.iterate({ input: { ...GOOD, rate: 0.05 } })).wait();
    expect((await done.compare(second)).input).toEqual([{ path: '/rate', a: 0.1, b: 0.05 }]);
    const third = await (
      await tutti.iterate(done.problemId, { parent: second.iterationId, reuse: ['train'] })
    ).wait();
    expect(third.view.modules.train?.state).toBe('reused');
    const found: unknown[] = [];
    const search = { problem_id: done.problemId, filter: 'input.rate < 0.1', fields: 'input.rate' };
    for await (const each of tutti.iterations(search)) found.push(each.fields);
    expect(found).toEqual([{ 'input.rate': 0.05 }, { 'input.rate': 0.05 }]);
    for await (const problem of tutti.problems({ q: 'of the client' }))
      expect(problem.problem_id).toBe(done.problemId);
    const { items } = await tutti.request('GET /v1/nodes', { query: { limit: 10 } });
    expect(items.map(({ module }) => module).sort()).toEqual(['plot', 'train']);
    expect((await done.log('train')).at(-1)?.message).toContain('trained to a loss of');
  });

  it('changes what people say about a problem, and finds it by that', async () => {
    const marked = await tutti.submit('fit', GOOD, {
      title: 'marked',
      tags: ['paper', 'draft'],
      notes: '# N',
    });
    const { revision, notes } = await tutti.problem(marked.problemId);
    expect(notes).toBe('# N');
    const change = { tags: ['paper'], notes: null, starred: true };
    const changed = await tutti.changeProblem(marked.problemId, change, { revision });
    expect(changed).toMatchObject({ title: 'marked', tags: ['paper'], notes: '', starred: true });
    const late = await refused(tutti.changeProblem(marked.problemId, { title: 'x' }, { revision }));
    expect([late.code, late.status]).toEqual(['revision_outdated', 412]);
    const found: string[] = [];
    for await (const { problem_id } of tutti.problems({ filter: 'tags has "paper" and starred = true' }))
      found.push(problem_id);
    expect(found).toEqual([marked.problemId]);
    const tags: string[] = [];
    for await (const tag of tutti.tags()) tags.push(tag);
    expect(tags).toEqual(['paper']);
    await marked.wait();
  });

  it('gives an iteration as an RO-Crate', async () => {
    const content = Buffer.from(await new Response(await done.crate()).arrayBuffer());
    expect(content.toString('latin1')).toMatch(/^PK.*ro-crate-metadata\.json/s);
    expect(content.includes('rightsstatements.org/vocab/CNE')).toBe(true);
  });

  it('follows a task from its beginning to its end, though the connection is cut', async () => {
    const proxy = await TcpProxy.to(scene, stage.orchestrator.ready.http);
    const far = new Tutti({ url: proxy.endpoint.replace('tcp:', 'http:'), token: TOKEN });
    const begun = await far.submit('fit', { ...GOOD, epochs: 200 });
    const seen: StreamedEvent[] = [];
    for await (const event of begun.follow()) {
      if ('kind' in event) throw new Error('a gap');
      seen.push(event);
      if (event.type === 'execution.running') proxy.cut();
    }
    const stored: unknown[] = [];
    for await (const event of begun.events()) stored.push(event);
    expect(seen).toEqual(stored);
    expect(seen.at(-1)?.type).toBe('iteration.succeeded');
    expect(proxy.connections).toBeGreaterThan(2);
  });

  it('submits once though the answer was lost', async () => {
    const proxy = await TcpProxy.to(scene, stage.orchestrator.ready.http);
    const far = new Tutti({ url: proxy.endpoint.replace('tcp:', 'http:'), token: TOKEN });
    await far.request('GET /v1/stats', {});
    const count = async () => (await stage.get('/v1/problems?limit=1000')).items.length;
    const before = await count();
    proxy.swallow();
    const submitting = far.submit('fit', GOOD);
    await expect.poll(count).toBe(before + 1);
    proxy.cut();
    await submitting;
    expect(await count()).toBe(before + 1);
  });

  it('waits until its signal is aborted, and cancels', async () => {
    const begun = await tutti.submit('fit', ENDLESS);
    await expect(begun.wait({ signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await begun.cancel('enough');
    await begun.wait({ check: false });
    expect([begun.state, begun.view.reason]).toEqual(['cancelled', 'enough']);
  });

  it('reads the items of a map: all, from a number on, in a state, and one of them', async () => {
    const yaml =
      'name: mapped\nsource: { name: list, type: json }\n' +
      'modules: { nobody: { inputs: [list], map: list, output: json } }';
    await tutti.request('POST /v1/graphs', { body: { yaml } });
    const begun = await tutti.submit('mapped', ['a', 'b', 'c']);
    expect(await begun.itemStates('nobody')).toEqual({
      total: 3,
      counts: { waiting: 3 },
      runs: [['waiting', 3]],
    });
    const from = await all(begun.items('nobody', { from: 1, state: 'waiting' }));
    expect(from.map(({ item }) => item)).toEqual([1, 2]);
    expect(await all(begun.items('nobody', { state: 'succeeded' }))).toEqual([]);
    expect(await begun.item('nobody', 1)).toMatchObject({ value: 'b', result: null, executions: [] });
    expect((await refused(begun.item('nobody', 3))).code).toBe('unknown_item');
    await begun.cancel();
  });

  it('decides what waits for a person, once', async () => {
    const yaml =
      'name: asking\nsource: { name: request, type: json }\n' +
      'modules: { review: { inputs: [request], approve: { message: "Go on?" } } }';
    await tutti.request('POST /v1/graphs', { body: { yaml } });
    const [one, other] = [await tutti.submit('asking', { n: 1 }), await tutti.submit('asking', { n: 2 })];
    const waiting: unknown[] = [];
    for await (const { message, inputs } of tutti.approvals()) waiting.push([message, inputs]);
    expect(await all(tutti.approvals({ role: 'operator' }))).toHaveLength(2);
    expect(await all(tutti.approvals({ role: 'author' }))).toEqual([]);
    expect(waiting).toEqual([1, 2].map((n) => ['Go on?', { request: { n } }]));
    expect(await one.approve('review', 'fine')).toMatchObject({
      decision: 'approve',
      by: 'token',
      reason: 'fine',
    });
    expect(await (await one.wait()).output('review')).toMatchObject({ decision: 'approve', by: 'token' });
    expect((await refused(one.deny('review'))).code).toBe('approval_decided');
    expect(await other.deny('review')).toMatchObject({ decision: 'deny', reason: null });
    expect((await refused(other.wait())).message).toContain('it was denied');
  });

  it('reads the audit page by page, and narrowed', async () => {
    await tutti.request('POST /v1/access', { body: { name: 'ada', role: 'viewer' } });
    const ids: number[] = [];
    for await (const { audit_id } of tutti.audit()) ids.push(audit_id);
    expect(ids).toEqual(ids.map((_, index) => ids.length - index));
    const granted: unknown[] = [];
    for await (const { by, target, result } of tutti.audit({ action: 'manage_access', by: 'token' }))
      granted.push([by, target.name, result]);
    expect(granted).toEqual([['token', 'ada', 'done']]);
  });

  it('adds, changes and removes clusters', async () => {
    const { clusters } = tutti;
    await clusters.add({ name: 'attic', type: 'local', workdir: 'attic', slots: 2, agent: 'remote' });
    const labels = { old: 'true' };
    expect(await clusters.change('attic', { status: 'draining', labels })).toMatchObject({ labels });
    expect((await clusters.get('attic')).status).toBe('draining');
    expect((await all(clusters.list())).map(({ name }) => name)).toEqual(['attic', 'local']);
    await clusters.remove('attic');
    expect((await refused(clusters.get('attic'))).code).toBe('unknown_cluster');
  });

  it('applies a service with its files, scales it, reads its log and removes it', async () => {
    const { services } = tutti;
    const files = {
      'sit.sh': '#!/bin/sh\necho $TUTTI_REPLICA: $(cat words.txt)\nexec sleep 600\n',
      'words.txt': new TextEncoder().encode('here I am'),
    };
    const service = { script: 'sit.sh', cluster: 'local', restart: { backoff: '100ms' } };
    expect(await services.apply('sitter', service, { files })).toMatchObject({ count: 1, health: 'ok' });
    await expect.poll(() => services.log('sitter').catch(String), LONG).toBe('sitter-1: here I am\n');
    expect(await services.log('sitter', 'sitter-1')).toBe('sitter-1: here I am\n');
    const [placed] = await all(services.placement('sitter'));
    expect(placed).toMatchObject({ cluster: 'local', score: expect.any(Number), reason: null });
    expect((await services.scale('sitter', 0)).count).toBe(0);
    await expect.poll(async () => (await services.get('sitter')).replicas, LONG).toEqual([]);
    expect((await services.stop('sitter')).desired).toBe('stopped');
    expect((await services.start('sitter')).desired).toBe('running');
    expect((await services.restart('sitter')).generation).toBe(2);
    await services.remove('sitter');
    await expect.poll(async () => all(services.list()), LONG).toEqual([]);
    const error = await refused(services.apply('sitter', { command: ['sleep', '9'], count: -1 }));
    expect(error).toMatchObject({ code: 'invalid_body', details: [{ path: '/count' }] });
  });

  it('deploys a blueprint with its files, goes on with it, reads its log and takes it down', async () => {
    const { deployments } = tutti;
    const blueprint = `
blueprint: shop
inputs: { word: { type: string } }
components:
  store: { operations: { create: ./create.sh, delete: ./create.sh }, env: { WORD: "\${inputs.word}" } }
outputs: { said: "\${store.said}" }
`;
    const files = { 'create.sh': '#!/bin/sh\necho $WORD\necho "{\\"said\\":\\"$WORD\\"}" > $TUTTI_OUTPUT\n' };
    const begun = await deployments.deploy(blueprint, { name: 'mine', inputs: { word: 'hello' }, files });
    expect(begun).toMatchObject({ operation_id: 1, task_id: `${begun.deployment_id}/1` });
    const stateOf = async (): Promise<string> => (await deployments.get('mine')).state;
    await expect.poll(stateOf, LONG).toBe('deployed');
    expect((await deployments.get(begun.deployment_id)).outputs).toEqual({ said: 'hello' });
    expect(await deployments.log('mine')).toBe('--- store create on local\nhello\n');
    expect((await refused(deployments.continue('mine', { clean: true }))).code).toBe('not_in_this_state');
    expect((await refused(deployments.cancel('mine'))).code).toBe('not_in_this_state');
    expect((await deployments.undeploy('mine')).operation_id).toBe(2);
    await expect.poll(stateOf, LONG).toBe('undeployed');
    expect((await all(deployments.operations('mine'))).map(({ operation }) => operation)).toEqual([
      'deploy',
      'undeploy',
    ]);
    expect(await deployments.log('mine', 1)).toContain('store create');
    expect((await all(deployments.list())).map(({ name }) => name)).toEqual(['mine']);
  });

  it('deploys a TOSCA archive from its bytes', async () => {
    const { deployments } = tutti;
    const template = `tosca_definitions_version: tosca_simple_yaml_1_3
topology_template:
  node_templates:
    store: { type: tosca.nodes.Root, interfaces: { Standard: { create: create.sh } } }
`;
    const archive = zipOf([
      { name: 'service.yaml', content: template },
      { name: 'create.sh', content: '#!/bin/sh\necho hello\n' },
    ]);
    await deployments.deploy(archive, { name: 'archive' });
    await expect.poll(async () => (await deployments.get('archive')).state, LONG).toBe('deployed');
    expect(await deployments.log('archive')).toBe('--- store create on local\nhello\n');
  });

  it('adds a webhook, tests it, reads how it stands and removes it', async () => {
    const { webhooks } = tutti;
    const got: { type: string; isSigned: boolean }[] = [];
    const server = createServer(async (request, response) => {
      const { type } = JSON.parse(await text(request));
      got.push({ type, isSigned: request.headers['tutti-signature'] !== undefined });
      response.writeHead(got.length === 1 ? 204 : 503).end();
    });
    scene.atEnd(async () => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const secret = 'correct-horse-battery-staple';
    const chat = { name: 'chat', url: `${origin}/hook`, filter: ['iteration.failed'], secret };
    const added = { name: 'chat', url: `${origin}/…`, filter: ['iteration.failed'], signed: true };
    expect(await webhooks.add(chat)).toMatchObject(added);
    expect(await webhooks.test('chat')).toEqual({ name: 'chat', delivered: true, status: '204' });
    expect(await webhooks.test('chat')).toEqual({ name: 'chat', delivered: false, status: '503' });
    expect(got).toEqual([1, 2].map(() => ({ type: 'webhook.test', isSigned: true })));
    expect(await all(webhooks.list())).toMatchObject([{ ...added, lag: expect.any(Number), failures: 0 }]);
    expect((await refused(webhooks.add(chat))).code).toBe('name_taken');
    await webhooks.remove('chat');
    expect(await all(webhooks.list())).toEqual([]);
    expect((await refused(webhooks.remove('chat'))).code).toBe('unknown_webhook');
  });

  it('reports refusals and failures as one error with a code and details', async () => {
    const unknown = await refused(tutti.submit('fti', {}));
    expect(unknown).toMatchObject({
      code: 'unknown_graph',
      status: 422,
      hint: 'known graphs: fit, mapped, asking',
    });
    expect(unknown.details).toMatchObject([{ path: '/graph' }]);
    const failed = await refused((await tutti.submit('fit', { ...GOOD, rate: 9, epochs: 400 })).wait());
    expect(failed).toMatchObject({
      code: 'task_failed',
      details: [{ path: 'train', code: 'handler_error' }],
    });
    expect((await refused(done.output('nothing'))).code).toBe('unknown_module');
    expect((await refused(tutti.iteration('nonsense'))).code).toBe('bad_task_id');
    const stranger = new Tutti({ url: stage.orchestrator.ready.http, token: 'x'.repeat(20) });
    expect((await refused(stranger.submit('fit', GOOD))).code).toBe('unauthorized');
    const nobody = new Tutti({ url: 'http://127.0.0.1:9' });
    expect((await refused(nobody.submit('fit', GOOD))).code).toBe('unreachable');
    expect(() => new Tutti({ url: 'localhost' })).toThrow(/not an http:/);
    const key = { key: 'typescript-1' };
    const twice = [await tutti.submit('fit', GOOD, key), await tutti.submit('fit', GOOD, key)];
    expect(twice[0]!.taskId).toBe(twice[1]!.taskId);
  });
});
