import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeNode } from '../../support/fake-coordinator.js';
import { type RunningGateway, startGateway } from '../../support/gateway.js';

let running: RunningGateway;

beforeEach(async () => {
  running = await startGateway();
});
afterEach(() => running.gateway.stop());

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
  readonly body: any;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(running.url + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') && text !== '' && !text.includes('\n');
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}

async function submit(input: unknown = { text: 'a' }, title?: string): Promise<{ p: string; i: number }> {
  const { body } = await call('POST', '/v1/problems', { graph: 'demo', input, ...(title && { title }) });
  return { p: body.problem_id, i: body.iteration_id };
}

/** A request as fetch would not send it. */
function rawRequest(
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(running.url + path, { method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
    request.end();
  });
}

describe('problems and iterations', () => {
  it('answers a submission with 201 and the names of what began', async () => {
    const { status, body } = await call('POST', '/v1/problems', {
      graph: 'demo',
      input: { text: 'a' },
      priority: 7,
    });
    expect(status).toBe(201);
    expect(body.task_id).toBe(`${body.problem_id}/1`);
    expect(running.coordinator.requests).toEqual([
      { kind: 'submit', graph: 'demo', input: { text: 'a' }, priority: 7 },
    ]);
  });

  it('takes what people say about a problem with it and later, by the field, for a revision and with a key', async () => {
    const said = { title: 'Steel', tags: ['a', 'B 2'], notes: '# n', starred: true, archived: false };
    const { body: made } = await call('POST', '/v1/problems', { graph: 'demo', input: {}, ...said });
    const path = `/v1/problems/${made.problem_id}`;
    expect(running.coordinator.requests.at(-1)).toMatchObject(said);
    const merge = {
      'content-type': 'application/merge-patch+json',
      'if-match': '"17"',
      'idempotency-key': 'k',
    };
    const changed = await call('PATCH', path, { title: null, archived: true }, merge);
    expect([changed.status, changed.body]).toMatchObject([200, { ...said, title: '', archived: true }]);
    expect(running.coordinator.requests.at(-1)).toEqual({
      ...{ kind: 'change_problem', problemId: made.problem_id, revision: 17 },
      change: { title: null, archived: true },
    });
    expect((await call('GET', path)).body).toMatchObject({ notes: '# n', has_notes: true, archived: true });
    expect((await call('GET', '/v1/problems?archived=false&starred=true&tag=a')).body.items).toEqual([]);
    expect((await call('GET', '/v1/problems?archived=true&starred=true&tag=a')).body.items).toHaveLength(1);
    expect((await call('GET', '/v1/tags')).body.items).toEqual([{ tag: 'B 2' }, { tag: 'a' }]);
    expect((await call('PATCH', path, {}, { 'if-match': 'W/"17"' })).body.error.code).toBe('invalid_header');
  });

  it.each([
    [{ title: 'x'.repeat(1001) }, '/title out_of_range'],
    [{ tags: Array.from({ length: 21 }, (_, at) => `t${at}`) }, '/tags out_of_range'],
    [{ tags: ['a', 'x'.repeat(65)] }, '/tags/1 out_of_range'],
    [{ tags: ['a', 'a'] }, '/tags invalid_value'],
    [{ tags: [' a'] }, '/tags/0 invalid_value'],
    [{ tags: ['a,b'] }, '/tags/0 invalid_value'],
    [{ notes: 'é'.repeat(32 * 1024 + 1) }, '/notes invalid_value'],
    [{ starred: 1 }, '/starred wrong_type'],
    [{ note: 'x' }, '/note unknown_field'],
  ])('refuses %o at its field (%#)', async (said, fault) => {
    const { body: made } = await call('POST', '/v1/problems', { graph: 'demo', input: {} });
    const answers = [
      await call('PATCH', `/v1/problems/${made.problem_id}`, said),
      await call('POST', '/v1/problems', { graph: 'demo', input: {}, ...said }),
    ];
    for (const { status, body } of answers) {
      expect([status, body.error.code]).toEqual([422, 'invalid_body']);
      expect(
        body.error.details.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`),
      ).toEqual([fault]);
    }
  });

  it('gives the same answer to the same Idempotency-Key, and refuses it for another body', async () => {
    const key = { 'idempotency-key': 'k-1' };
    const body = { graph: 'demo', input: { text: 'a' } };
    const first = await call('POST', '/v1/problems', body, key);
    expect((await call('POST', '/v1/problems', body, key)).body).toEqual(first.body);
    const other = await call('POST', '/v1/problems', { ...body, title: 'other' }, key);
    expect([other.status, other.body.error.code]).toEqual([422, 'idempotency_mismatch']);
    expect(running.coordinator.requests).toHaveLength(1);
  });

  it('passes on reused outputs and overrides, and refuses malformed ones at their field', async () => {
    const { p } = await submit({ text: 'first' });
    const body = { parent_iteration_id: 1, reuse: ['length'], overrides: { report: { length: { n: 1 } } } };
    await call('POST', `/v1/problems/${p}/iterations`, body);
    expect(running.coordinator.requests.at(-1)).toMatchObject({
      ...{ kind: 'iterate', parentIterationId: 1, reuse: body.reuse, overrides: body.overrides },
    });
    const wrong = { reuse: 'length', overrides: { report: 3 } };
    const refused = await call('POST', `/v1/problems/${p}/iterations`, wrong);
    expect([refused.status, refused.body.error.code]).toEqual([422, 'invalid_body']);
    expect(refused.body.error.details.map(({ path }: { path: string }) => path).sort()).toEqual([
      '/overrides/report',
      '/reuse',
    ]);
    const { body: document } = await call('GET', '/openapi.json');
    const post = document.paths['/v1/problems/{problem_id}/iterations'].post;
    expect(JSON.stringify(post)).toContain('"reuse"');
  });

  it('iterates without a body from the newest succeeded iteration', async () => {
    const { p } = await submit({ text: 'first' });
    running.coordinator.end({ problemId: p, iterationId: 1 }, 'succeeded');
    const { status, body } = await call('POST', `/v1/problems/${p}/iterations`);
    expect([status, body.iteration_id]).toEqual([201, 2]);
    const view = await call('GET', `/v1/problems/${p}/iterations/2`);
    expect(view.body).toMatchObject({ parent_iteration_id: 1, input: { text: 'first' } });
  });

  it('answers 409 when the named parent has not succeeded', async () => {
    const { p } = await submit();
    const { status, body } = await call('POST', `/v1/problems/${p}/iterations`, { parent_iteration_id: 1 });
    expect([status, body.error.code]).toEqual([409, 'parent_not_succeeded']);
  });

  it('lists by pages, with the filters of the query', async () => {
    for (const title of ['Steel', 'Wood', 'Cast steel']) await submit({ text: title }, title);
    const first = await call('GET', '/v1/problems?q=steel&limit=1');
    expect(first.body.items.map((item: { title: string }) => item.title)).toEqual(['Cast steel']);
    const next = await call('GET', `/v1/problems?q=steel&limit=1&cursor=${first.body.next_cursor}`);
    expect(next.body).toMatchObject({ items: [{ title: 'Steel' }], next_cursor: null });
  });

  it('says with every GET which event it reflects', async () => {
    const { p } = await submit();
    const cursor = String(running.coordinator.events.cursor());
    for (const path of [
      '/v1/problems',
      `/v1/problems/${p}`,
      '/v1/nodes',
      '/v1/stats',
      '/livez',
      '/metrics',
      '/openapi.json',
    ]) {
      expect([path, (await call('GET', path)).headers.get('tutti-cursor')]).toEqual([path, cursor]);
    }
  });

  it('hands commands on to the orchestrator, and shows how far they have come', async () => {
    const { p } = await submit();
    const issued = await call('POST', `/v1/problems/${p}/iterations/1/commands`, {
      command: 'stop',
      reason: 'enough',
    });
    expect(issued.status).toBe(202);
    expect((await call('GET', `/v1/commands/${issued.body.command_id}`)).body.state).toBe('acked');
    const late = await call('POST', `/v1/problems/${p}/iterations/1/commands`, { command: 'stop' });
    expect(late.status).toBe(409);
  });
});

describe('outputs', () => {
  it('gives the decoded output as JSON, whatever JSON it is, and the bytes to whom asks for them', async () => {
    const { p, i } = await submit();
    running.coordinator.output({ problemId: p, iterationId: i }, 'length', 'seven');
    const path = `/v1/problems/${p}/iterations/${i}/outputs/length`;
    const json = await call('GET', path);
    expect([json.body, json.headers.get('tutti-type')]).toEqual(['seven', 'json']);
    const bytes = await call('GET', path, undefined, { accept: 'application/x-protobuf' });
    expect([bytes.body, bytes.headers.get('content-type')]).toEqual(['"seven"', 'application/x-protobuf']);
  });

  it('streams a large output out of its blob', async () => {
    const { p, i } = await submit();
    const content = Buffer.alloc(300_000, 'x');
    const blob = { sha256: createHash('sha256').update(content).digest('hex'), size: content.length };
    await fetch(`${running.url}/v1/blobs/${blob.sha256}`, { method: 'PUT', body: content });
    running.coordinator.output({ problemId: p, iterationId: i }, 'length', blob, { kind: 'blob', blob });
    const path = `${running.url}/v1/problems/${p}/iterations/${i}/outputs/length`;
    const response = await fetch(path, { headers: { accept: 'application/octet-stream' } });
    expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
    expect(await (await fetch(path)).json()).toEqual(blob);
  });

  it('has nothing before there is an output', async () => {
    const { p, i } = await submit();
    expect((await call('GET', `/v1/problems/${p}/iterations/${i}/outputs/length`)).status).toBe(404);
  });
});

describe('export', () => {
  it('streams a record an iteration as JSON lines or as a table', async () => {
    const { p } = await submit();
    running.coordinator.output({ problemId: p, iterationId: 1 }, 'length', {
      characters: 1,
      note: 'a "b", c',
    });
    running.coordinator.end({ problemId: p, iterationId: 1 }, 'succeeded');
    await call('POST', `/v1/problems/${p}/iterations`);
    const lines = (await call('GET', `/v1/problems/${p}/export`)).body
      .trim()
      .split('\n')
      .map(JSON.parse as never);
    expect(lines).toMatchObject([
      { iteration_id: 1, outputs: { length: { characters: 1 } } },
      { iteration_id: 2 },
    ]);
    const table = await call('GET', `/v1/problems/${p}/export?format=csv`);
    const [header, first, second] = table.body.split('\r\n');
    expect(header).toContain('outputs.length.characters,outputs.length.note');
    expect(first).toContain(',1,"a ""b"", c"');
    expect(second).toMatch(/,,$/);
    expect(table.headers.get('content-type')).toMatch(/^text\/csv/);
  });
});

describe('clusters', () => {
  const KEY = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.alloc(36, 7)]).toString('base64')}`;
  const faultsOf = async (body: object, method = 'POST', path = ''): Promise<unknown> => {
    const answer = await call(method, `/v1/clusters${path}`, body);
    const details = answer.body.error?.details as { path: string; code: string }[] | undefined;
    return [answer.status, details?.map((fault) => `${fault.path} ${fault.code}`)];
  };

  it('are added with what is said of them and the defaults of their type', async () => {
    const given = {
      ...{ name: 'hpc', type: 'slurm', host: 'login', port: 2222, user: 'ada', host_key: KEY },
      ...{ identity: '/keys/id', labels: { gpu: 'true' }, agent: 'remote' },
      resources: { cpus: 64, memory: '256GiB', gpus: 2 },
    };
    const { status, body } = await call('POST', '/v1/clusters', given);
    expect([status, body]).toMatchObject([
      201,
      { ...given, status: 'active', slots: 16, workdir: '~/.tutti/work', resources: { memory: 2 ** 38 } },
    ]);
    expect((await call('GET', '/v1/clusters')).body.items).toEqual([body]);
    expect((await call('GET', '/v1/clusters/hpc')).body).toEqual(body);
    expect((await call('POST', '/v1/clusters', given)).status).toBe(409);
    const other = await call('POST', '/v1/clusters', { name: 'here', type: 'local' });
    expect(other.body).toMatchObject({ slots: 1, labels: {}, agent: 'managed' });
  });

  it('are changed and removed', async () => {
    await call('POST', '/v1/clusters', { name: 'hpc', type: 'slurm' });
    const change = { status: 'draining', slots: 2, labels: { fast: 'yes' } };
    const changed = await call('PATCH', '/v1/clusters/hpc', change);
    expect([changed.status, changed.body]).toMatchObject([200, change]);
    expect(await call('DELETE', '/v1/clusters/hpc')).toMatchObject({ status: 200, body: { name: 'hpc' } });
    for (const method of ['GET', 'DELETE']) expect((await call(method, '/v1/clusters/hpc')).status).toBe(404);
    expect((await call('PATCH', '/v1/clusters/hpc', change)).status).toBe(404);
  });

  it('are refused with every fault at its place, and nothing is asked of the orchestrator', async () => {
    expect(await faultsOf({ type: 'pbs', slots: 0, labels: { cluster: 'x' }, nodes: 3 })).toEqual([
      422,
      [
        '/name missing_field',
        '/type invalid_value',
        '/slots out_of_range',
        '/labels/cluster invalid_value',
        '/nodes unknown_field',
      ],
    ]);
    expect(await faultsOf({ name: 'a', type: 'ssh' })).toEqual([422, ['/host missing_field']]);
    expect(await faultsOf({ name: 'a', type: 'local', host: 'b' })).toEqual([422, ['/host invalid_value']]);
    expect(await faultsOf({ name: 'a', type: 'slurm', user: 'ada' })).toEqual([422, ['/user invalid_value']]);
    expect(await faultsOf({ name: 'a', type: 'local', resources: { memory: 'much', cpu: 1 } })).toEqual([
      422,
      ['/resources/memory invalid_value', '/resources/cpu unknown_field'],
    ]);
    for (const name of ['A', '1a', 'a b', 'a.b', '-a', 'a'.repeat(64)])
      expect(await faultsOf({ name, type: 'local' })).toEqual([422, ['/name invalid_value']]);
    for (const host of ['-oProxyCommand=x', 'a b', 'a\n', 'a;b'])
      expect(await faultsOf({ name: 'a', type: 'ssh', host })).toEqual([422, ['/host invalid_value']]);
    expect(await faultsOf({ status: 'gone', name: 'a' }, 'PATCH', '/a')).toEqual([
      422,
      ['/status invalid_value', '/name unknown_field'],
    ]);
    expect(running.coordinator.requests).toEqual([]);
  });

  it.each([
    ['without its algorithm', KEY.slice(12)],
    ['of an unknown algorithm', KEY.replace('ssh-ed25519', 'ssh-dss')],
    ['that is said to be of another algorithm', KEY.replace('ssh-ed25519', 'ssh-rsa')],
    ['that is not base64', 'ssh-ed25519 AAAA*'],
    ['that is cut', 'ssh-ed25519 AAAA'],
    ['of two lines', `${KEY}\n${KEY}`],
    ['with a host before it', `login ${KEY}`],
  ])('have no host key %s', async (_what, host_key) => {
    expect(await faultsOf({ name: 'a', type: 'ssh', host: 'b', host_key })).toEqual([
      422,
      ['/host_key invalid_value'],
    ]);
  });
});

describe('nodes and graphs', () => {
  it('configures a node, and says 409 when it is not alive', async () => {
    const alive = fakeNode();
    const dead = fakeNode({ liveness: 'dead' });
    for (const node of [alive, dead]) running.coordinator.nodes.set(node.node_id as string, node);
    const done = await call('POST', `/v1/nodes/${alive.node_id}/configuration`, {
      configuration: 'x',
      timeout_ms: 5,
    });
    expect([done.status, done.body]).toEqual([200, { success: true, configuration: 'x' }]);
    expect(running.coordinator.requests.at(-1)).toMatchObject({ kind: 'configure', timeoutMs: 5 });
    expect(
      (await call('POST', `/v1/nodes/${dead.node_id}/configuration`, { configuration: '' })).status,
    ).toBe(409);
  });

  it.each(['text/yaml', 'application/yaml', 'text/plain; charset=utf-8'])(
    'takes a graph as %s',
    async (type) => {
      const { status, body } = await call('PUT', '/v1/graphs/mine', 'name: mine\n', { 'content-type': type });
      expect([status, body.version]).toEqual([201, 1]);
      expect(running.coordinator.requests).toEqual([
        { kind: 'put_graph', name: 'mine', yaml: 'name: mine\n' },
      ]);
      expect((await call('GET', '/v1/graphs/mine/versions/1')).body.yaml).toBe('name: mine\n');
    },
  );
});

describe('blobs', () => {
  const content = Buffer.from('0123456789');
  const sha256 = createHash('sha256').update(content).digest('hex');
  const put = (headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${running.url}/v1/blobs/${sha256}`, { method: 'PUT', body: content, headers });

  it('takes any content type, says 201 the first time and 200 afterwards', async () => {
    expect((await put()).status).toBe(201);
    const again = await put({ 'content-type': 'application/json' });
    expect([again.status, await again.json()]).toEqual([200, { sha256, size: 10 }]);
  });

  it.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=0-1,4-5', 200, '0123456789', null],
  ])('answers the range %s with %i', async (range, status, text, contentRange) => {
    await put();
    const response = await fetch(`${running.url}/v1/blobs/${sha256}`, { headers: { range } });
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      status,
      text,
      contentRange,
    ]);
  });

  it('refuses a range beyond the end with 416, and a content of another digest with 422', async () => {
    await put();
    const beyond = await call('GET', `/v1/blobs/${sha256}`, undefined, { range: 'bytes=10-' });
    expect([beyond.status, beyond.body.error.code, beyond.headers.get('content-range')]).toEqual([
      416,
      'bad_range',
      'bytes */10',
    ]);
    const wrong = await fetch(`${running.url}/v1/blobs/${'0'.repeat(64)}`, { method: 'PUT', body: content });
    expect([wrong.status, ((await wrong.json()) as Reply['body']).error.code]).toEqual([422, 'bad_digest']);
  });

  it('still answers where the content is given up half-way', async () => {
    running.coordinator.blobs.put = async (_sha256, content) => {
      for await (const _chunk of content) break;
      return { ok: false, kind: 'too_large', code: 'too_large', message: 'A blob has at most 1 byte.' };
    };
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-length': 1_000_000 };
      const path = `${running.url}/v1/blobs/${sha256}`;
      const request = httpRequest(path, { method: 'PUT', headers }, (response) =>
        resolve(response.statusCode),
      );
      request.on('error', reject);
      request.write(Buffer.alloc(1_000));
    });
    expect(answer).toBe(413);
  });

  it('notices an upload that breaks off', async () => {
    const broken = new Promise<unknown>((resolve) => {
      running.coordinator.blobs.put = async (_sha256, content) => {
        content.once('data', () => request.destroy());
        content.once('error', resolve);
        return new Promise(() => {});
      };
    });
    const path = `${running.url}/v1/blobs/${sha256}`;
    const request = httpRequest(path, { method: 'PUT', headers: { 'content-length': 1_000_000 } });
    request.on('error', () => {});
    request.write(Buffer.alloc(1_000));
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
  });

  it('tells the size to HEAD, and knows the empty blob', async () => {
    await put();
    const head = await fetch(`${running.url}/v1/blobs/${sha256}`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
    const empty = createHash('sha256').digest('hex');
    expect((await fetch(`${running.url}/v1/blobs/${empty}`, { method: 'PUT' })).status).toBe(201);
    expect(await (await fetch(`${running.url}/v1/blobs/${empty}`)).text()).toBe('');
    expect((await call('GET', `/v1/blobs/${'1'.repeat(64)}`)).status).toBe(404);
    expect((await call('GET', '/v1/blobs/short')).status).toBe(404);
  });
});

describe('errors', () => {
  it('names every fault of a body at once, each with its path', async () => {
    const { status, body } = await call('POST', '/v1/problems', { grahp: 'demo', input: 1, priority: 101 });
    expect([status, body.error.code]).toEqual([422, 'invalid_body']);
    const faults = body.error.details.map(
      (fault: { path: string; code: string }) => `${fault.path} ${fault.code}`,
    );
    expect(faults.sort()).toEqual(['/grahp unknown_field', '/graph missing_field', '/priority out_of_range']);
  });

  it.each([
    ['GET', '/v1/nothing', undefined, {}, 404, 'not_found'],
    ['GET', '/v1/problems/nobody', undefined, {}, 404, 'not_found'],
    ['GET', '/v1/problems/p/iterations/zero', undefined, {}, 404, 'not_found'],
    ['GET', '/v1/problems?limit=0', undefined, {}, 400, 'invalid_query'],
    ['GET', '/v1/problems?stat=failed', undefined, {}, 400, 'invalid_query'],
    ['GET', '/v1/problems?cursor=nonsense', undefined, {}, 400, 'bad_cursor'],
    ['DELETE', '/v1/problems', undefined, {}, 405, 'method_not_allowed'],
    ['POST', '/v1/problems', '{"graph":', {}, 400, 'malformed_json'],
    ['POST', '/v1/problems', '', {}, 422, 'invalid_body'],
    [
      'POST',
      '/v1/problems',
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['PUT', '/v1/graphs/g', '{}', {}, 415, 'unsupported_media_type'],
    [
      'POST',
      '/v1/problems',
      { graph: 'demo', input: {} },
      { 'idempotency-key': 'a b' },
      400,
      'invalid_header',
    ],
    ['POST', '/v1/problems', { graph: 'none', input: {} }, {}, 404, 'not_found'],
    ['POST', '/v1/problems', { graph: 'demo', input: 'x'.repeat(5 * 1024 * 1024) }, {}, 413, 'too_large'],
    ['GET', '/v1/stream', undefined, {}, 426, 'upgrade_required'],
    ['GET', '/%zz', undefined, {}, 400, 'bad_request'],
  ])('answers %s %s (%#) with the one shape', async (method, path, body, headers, status, code) => {
    const reply = await call(method, path, body, headers as Record<string, string>);
    expect([reply.status, reply.body.error?.code]).toEqual([status, code]);
    expect(reply.body.error.message).toMatch(/\S/);
  });

  it('says which methods an address takes', async () => {
    const reply = await call('PATCH', '/v1/problems');
    expect(reply.headers.get('allow')).toBe('GET, HEAD, POST');
  });

  it('says when to try again', async () => {
    running.coordinator.refuseNext = {
      ok: false,
      kind: 'unavailable',
      code: 'disk_full',
      message: 'No room.',
      retryAfter: 3,
    };
    const full = await call('POST', '/v1/problems', { graph: 'demo', input: {} });
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '3']);
    running.coordinator.refuseNext = {
      ok: false,
      kind: 'too_many',
      code: 'mailbox_full',
      message: 'Too many.',
    };
    const many = await call('POST', '/v1/problems', { graph: 'demo', input: {} });
    expect([many.status, many.headers.get('retry-after')]).toEqual([429, '1']);
  });

  it('answers what is not HTTP in the one shape, too', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(running.url).port), '127.0.0.1', () =>
        socket.write('nonsense\r\n\r\n'),
      );
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text)).on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ error: { code: 'bad_request' } });
  });

  it('notes every request that it refuses, and no failure of its own', async () => {
    await call('POST', '/v1/problems', '{');
    await call('GET', '/nothing/here');
    running.coordinator.queries.stats = () => Promise.reject(new Error('secret'));
    await call('GET', '/v1/stats');
    expect(running.coordinator.refused).toMatchObject([
      { via: 'http', peer: '127.0.0.1', code: 'malformed_json' },
      { via: 'http', peer: '127.0.0.1', code: 'not_found' },
    ]);
  });

  it('says nothing about its insides when it fails itself', async () => {
    running.coordinator.queries.stats = () => Promise.reject(new Error('secret'));
    const { status, body } = await call('GET', '/v1/stats');
    expect([status, body.error.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(body)).not.toContain('secret');
  });
});

describe('probes and figures', () => {
  it('is alive, and ready only when the orchestrator is', async () => {
    expect((await call('GET', '/livez')).status).toBe(200);
    expect((await call('GET', '/readyz')).status).toBe(200);
    running.coordinator.ready = { ready: false, reason: 'the disk is full' };
    const { status, body, headers } = await call('GET', '/readyz');
    expect([status, body.error.message, headers.get('retry-after')]).toEqual([503, 'the disk is full', '1']);
  });

  it('gives the figures that it was handed', async () => {
    const { body, headers } = await call('GET', '/metrics');
    expect(body).toContain('up 1');
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  });
});

describe('who may ask', () => {
  const restart = async (options: Parameters<typeof startGateway>[0]): Promise<void> => {
    await running.gateway.stop();
    running = await startGateway(options);
  };

  it.each(['https://evil.example', 'null', 'http://127.0.0.1:1'])('refuses a page of %s', async (origin) => {
    const { status, body } = await rawRequest('/v1/problems', { origin });
    expect([status, JSON.parse(body).error.code]).toEqual([403, 'forbidden_origin']);
  });

  it('lets its own pages and those of configured sites in, and answers their preflights', async () => {
    await restart({ origins: ['https://tutti.example.org'], token: 'secret' });
    expect((await rawRequest('/livez', { origin: running.url })).status).toBe(200);
    const origin = 'https://tutti.example.org';
    const preflight = await fetch(`${running.url}/v1/problems`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
  });

  it('refuses names that were made to point to loopback', async () => {
    const { status, body } = await rawRequest('/v1/problems', { host: 'evil.example:7480' });
    expect([status, JSON.parse(body).error.code]).toEqual([403, 'forbidden_host']);
    expect((await rawRequest('/v1/problems', { host: 'localhost:7480' })).status).toBe(200);
    expect((await rawRequest('/v1/problems', { host: '[::1]:7480' })).status).toBe(200);
  });

  it('needs the configured token in the header, and takes none from the address', async () => {
    await restart({ token: 'secret' });
    const bare = await call('GET', '/v1/problems');
    expect([bare.status, bare.body.error.code, bare.headers.get('www-authenticate')]).toEqual([
      401,
      'unauthorized',
      'Bearer realm="tutti"',
    ]);
    expect((await call('GET', '/v1/problems', undefined, { authorization: 'Bearer wrong' })).status).toBe(
      401,
    );
    expect((await call('GET', '/v1/problems', undefined, { authorization: 'Bearer secret' })).status).toBe(
      200,
    );
    for (const method of ['GET', 'POST']) {
      const right = { authorization: 'Bearer secret' };
      const body = method === 'POST' ? { graph: 'demo', input: {} } : undefined;
      const inUrl = await call(method, '/v1/problems?token=secret', body, right);
      expect([inUrl.status, inUrl.body.error.code]).toEqual([400, 'token_in_url']);
      expect(JSON.stringify(inUrl.body)).not.toContain('secret');
    }
    expect((await call('GET', '/livez')).status).toBe(200);
    expect((await call('GET', '/metrics')).status).toBe(401);
  });
});

describe('the web app', () => {
  it('is served at /, where the deeper addresses that people type lead, and others are not found', async () => {
    const root = mkdtempSync(join(tmpdir(), 'tutti-web-'));
    mkdirSync(join(root, 'assets'));
    writeFileSync(join(root, 'index.html'), '<!doctype html><title>Tutti</title>');
    writeFileSync(join(root, 'assets', 'app-1a2b.js'), 'export {};');
    try {
      await running.gateway.stop();
      running = await startGateway({ webRoot: root, token: 'secret' });
      const page = await call('GET', '/?token=secret');
      expect([page.status, page.body]).toEqual([200, '<!doctype html><title>Tutti</title>']);
      expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
      expect((await call('GET', '/assets/app-1a2b.js')).headers.get('cache-control')).toContain('immutable');
      // Whatever else is answered runs nothing where a browser shows it; no answer is framed.
      for (const path of ['/', '/assets/app-1a2b.js', '/livez', '/v1/me', '/v1/nothing', '/openapi.json']) {
        const { headers } = await call('GET', path);
        expect([path, headers.get('content-security-policy')]).toEqual([
          path,
          expect.stringMatching(
            path === '/' || path.startsWith('/assets')
              ? /frame-ancestors 'none'$/
              : /^default-src 'none'; frame-ancestors 'none'$/,
          ),
        ]);
        expect([path, headers.get('x-content-type-options')]).toEqual([path, 'nosniff']);
      }
      // Its addresses are relative: from any deeper path it would find nothing.
      const typed = async (path: string) => {
        const { status, headers } = await fetch(running.url + path, {
          redirect: 'manual',
          headers: { accept: 'text/html' },
        });
        return [status, headers.get('location')];
      };
      expect(await typed('/problems/p')).toEqual([302, './../?problem=p']);
      expect(await typed('/problems/p/')).toEqual([302, './../../?problem=p']);
      expect(await typed('/problems')).toEqual([302, './?page=problems']);
      for (const path of ['/assets/none.js', '/index.html/x', '//'])
        expect([path, (await call('GET', path, undefined, { accept: 'text/html' })).status]).toEqual([
          path,
          404,
        ]);
      expect((await call('GET', '/v1/none', undefined, { accept: 'text/html' })).status).toBe(404);
      expect((await call('GET', '/../package.json')).status).toBe(404);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('says so where it is not built', async () => {
    expect((await call('GET', '/')).body.error.code).toBe('no_web_app');
  });
});

describe('starting and stopping', () => {
  it('names the option when its port is in use', async () => {
    const port = Number(new URL(running.url).port);
    await expect(startGateway({ port })).rejects.toMatchObject({
      code: 'port_in_use',
      hint: expect.stringContaining('--http-port'),
    });
  });

  it('stops within two seconds while an answer is still being streamed, and forgets the orchestrator', async () => {
    const { p } = await submit();
    running.coordinator.queries.exportOf = async () => ({
      cursor: 0,
      value: (async function* () {
        yield Buffer.from('{"first":true}\n');
        await new Promise(() => {});
      })(),
    });
    const response = await fetch(`${running.url}/v1/problems/${p}/export`);
    expect(response.status).toBe(200);
    const started = performance.now();
    await running.gateway.stop();
    await running.gateway.stop();
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(running.coordinator.events.listeners()).toBe(0);
  });
});
