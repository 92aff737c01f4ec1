/** Who may come in: the token at every door, and no pages of other sites. */
import { once } from 'node:events';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import { tutti } from '../support/tutti.js';

const TOKEN = 'correct-horse-battery-staple';
const TLS = join(import.meta.dirname, '../support/tls');

/** The status with which an upgrade is refused; 101 when it is not. */
async function upgrade(http: string, headers: Readonly<Record<string, string>>, query = ''): Promise<number> {
  const socket = new WebSocket(`${http.replace('http', 'ws')}/v1/stream${query}`, { headers });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const status = await new Promise<number>((resolve) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
  });
  socket.terminate();
  await closed;
  return status;
}

describe('a configured token', () => {
  it('is needed by HTTP, WebSocket, nodes and commands, and a wrong one does not do', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['one'],
      env: { TUTTI_TOKEN: TOKEN },
    });
    const { http } = orchestrator.ready;
    const right = { authorization: `Bearer ${TOKEN}` };
    const wrong = { authorization: `Bearer ${TOKEN}s` };

    for (const path of [
      '/v1/problems',
      '/v1/nodes',
      '/v1/graphs',
      '/v1/stats',
      '/metrics',
      '/openapi.json',
    ]) {
      expect(await orchestrator.get(path), path).toMatchObject({
        status: 401,
        body: { error: { code: 'unauthorized' } },
      });
    }
    expect(await orchestrator.get('/v1/problems', wrong)).toMatchObject({
      status: 401,
      body: { error: { code: 'unauthorized' } },
    });
    expect((await orchestrator.get('/v1/problems', right)).status).toBe(200);
    const body = { graph: 'one', input: {} };
    expect((await orchestrator.post('/v1/problems', body)).status).toBe(401);
    expect((await orchestrator.post('/v1/problems', body, wrong)).status).toBe(401);

    expect(await upgrade(http, {})).toBe(401);
    expect(await upgrade(http, wrong)).toBe(401);
    expect(await upgrade(http, right)).toBe(101);
    expect(await upgrade(http, {}, `?token=${TOKEN}`)).toBe(400);

    for (const token of ['', `${TOKEN}s`]) {
      const peer = new RawPeer(scene, orchestrator);
      peer.sayHello({ token });
      const { message } = await peer.next('refused');
      expect(message.code).toBe('unauthorized');
      expect(message.message).not.toContain(TOKEN);
    }
    const stranger = startNode(scene, orchestrator, { module: 'work' });
    expect(await stranger.exited).toMatchObject({ code: 1 });
    expect(stranger.stderr).toContain('unauthorized');

    // With it, the same doors are open, and the work is done.
    await startNode(scene, orchestrator, { module: 'work', env: { TUTTI_TOKEN: TOKEN } }).line('registered ');
    const submit = ['submit', 'one', '--input', '{}', '--wait', '--url', http];
    expect(await tutti(scene, submit)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unauthorized'),
    });
    expect(await tutti(scene, submit, { TUTTI_TOKEN: TOKEN })).toMatchObject({ code: 0 });

    // Others get tokens with less rights, which last over a restart, and are nowhere in what is kept.
    const again = { ...right, 'idempotency-key': 'once' };
    const grant = { name: 'ada', role: 'author', expires_in_ms: 3_600_000 };
    const { status, body: ada } = await orchestrator.post('/v1/access', grant, again);
    expect(status).toBe(201);
    expect((await orchestrator.post('/v1/access', grant, again)).body).toEqual(ada);
    const asAda = { authorization: `Bearer ${ada.token}` };
    expect((await orchestrator.post('/v1/problems', body, asAda)).status).toBe(201);
    expect((await orchestrator.get('/v1/access', asAda)).body.error.code).toBe('admin_needed');
    const session = (await orchestrator.post('/v1/sessions', {}, asAda)).body;
    const inSession = { authorization: `Bearer ${session.token}` };
    await orchestrator.process.end('SIGKILL');
    const files = await readdir(orchestrator.ready.data, { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile())) {
      const content = await readFile(join(file.parentPath, file.name));
      expect([ada.token, session.token, TOKEN].filter((token) => content.includes(token))).toEqual([]);
    }
    // Without its own token, it would let everybody in.
    await expect(orchestrator.restart({})).rejects.toThrow();
    expect(orchestrator.process.stderr).toContain('token_required');
    await orchestrator.restart();
    expect((await orchestrator.get('/v1/me', asAda)).body).toMatchObject({ name: 'ada', role: 'author' });
    const { body: holder } = await orchestrator.get('/v1/me', inSession);
    expect(holder).toMatchObject({ name: 'ada', expires_at: session.expires_at });
    const path = `/v1/access/${ada.access_id}`;
    expect((await fetch(orchestrator.ready.http + path, { method: 'DELETE', headers: right })).status).toBe(
      200,
    );
    expect((await orchestrator.get('/v1/me', asAda)).status).toBe(401);
    expect((await orchestrator.get('/v1/me', inSession)).status).toBe(401);
    expect((await orchestrator.get('/v1/access', right)).body.items).toEqual([]);
    expect(orchestrator.process.stderr).not.toContain(TOKEN);
    expect(orchestrator.process.stderr).not.toContain(ada.token);

    // All of it is in the audit, also what was refused, and over the restart.
    await orchestrator.post('/v1/login', { token: TOKEN });
    await orchestrator.post('/v1/login', { token: `${TOKEN}s` });
    const audit = ['audit', '--url', http, '--json', '--limit', '1000'];
    const read = async (...filter: string[]): Promise<Record<string, unknown>[]> => {
      const ran = await tutti(scene, [...audit, ...filter], { TUTTI_TOKEN: TOKEN });
      expect(ran).toMatchObject({ code: 0 });
      return JSON.parse(ran.stdout).items;
    };
    expect((await read('--action', 'sign_in')).map(({ times }) => times)).toEqual([1, 1, 1]);
    const entries = await read();
    const say = ({ by, operation, result, code }: Record<string, unknown>): string =>
      [by ?? 'nobody', operation, result, ...(code === null ? [] : [code])].join(' ');
    const said = entries.map(say);
    for (const one of [
      'token grant_access done',
      'token revoke_access done',
      'token submit done',
      'token login done',
      'ada submit done',
      'ada session done',
      'ada GET /v1/access refused admin_needed',
      'nobody POST /v1/login refused unauthorized',
      'nobody hello refused unauthorized',
      'configuration put_graph done',
    ])
      expect(said, one).toContain(one);
    const refused = entries.find(({ code, action }) => code === 'unauthorized' && action === 'read');
    // Those of another start have entries of their own.
    expect(refused).toMatchObject({ address: '127.0.0.1', by: null, operation: 'GET /v1/me', times: 2 });
    expect(entries.every(({ address, by }) => address === '127.0.0.1' || by === 'configuration')).toBe(true);
    expect(JSON.stringify(entries)).not.toContain(TOKEN);
    expect(await read('--by', 'ada', '--result', 'done')).toMatchObject([
      { operation: 'session' },
      { operation: 'submit', access_id: ada.access_id, project: 'default', target: { graph: 'one' } },
    ]);
    const csv = await tutti(scene, ['audit', '--url', http, '--export', 'csv'], { TUTTI_TOKEN: TOKEN });
    expect(csv.stdout.split('\r\n').length).toBe(entries.length + 2);
    expect(csv.stdout).toContain(`"{""graph"":""one""`);
  });
});

describe('HTTPS', () => {
  it('serves commands, blobs of nodes and a renewed certificate; one that cannot be used leaves the one before', async () => {
    const scene = Scene.ofTest();
    const [cert, key] = [join(await scene.directory(), 'cert.pem'), join(await scene.directory(), 'key.pem')];
    const put = async (name: string): Promise<void> => {
      await copyFile(join(TLS, `${name}.cert.pem`), cert);
      await copyFile(join(TLS, `${name}.key.pem`), key);
    };
    await put('first');
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['one'],
      // Every payload goes by blob, over HTTPS.
      args: ['--tls-cert', cert, '--tls-key', key, '--inline-max', '0'],
      env: { TUTTI_TOKEN: TOKEN },
    });
    const { http } = orchestrator.ready;
    expect(http).toMatch(/^https:/);
    const ca = { NODE_EXTRA_CA_CERTS: join(TLS, 'first.cert.pem') };
    await startNode(scene, orchestrator, { module: 'work', env: { TUTTI_TOKEN: TOKEN, ...ca } }).line(
      'registered ',
    );
    const submit = ['submit', 'one', '--input', '{}', '--wait', '--url', http];
    expect(await tutti(scene, submit, { TUTTI_TOKEN: TOKEN, ...ca })).toMatchObject({ code: 0 });
    expect(await tutti(scene, submit, { TUTTI_TOKEN: TOKEN })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });

    const authorities = await Promise.all(
      ['first', 'second'].map((name) => readFile(join(TLS, `${name}.cert.pem`))),
    );
    const shown = async (): Promise<string> => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(http).port), ca: authorities });
      await once(socket, 'secureConnect');
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return String(subject.CN);
    };
    const { pid } = orchestrator.process;
    await writeFile(cert, 'not a certificate');
    process.kill(pid, 'SIGHUP');
    await expect
      .poll(() => orchestrator.process.stderr)
      .toContain('the new HTTPS certificate cannot be used');
    expect(await shown()).toBe('tutti test first');
    await put('second');
    process.kill(pid, 'SIGHUP');
    await expect.poll(() => orchestrator.process.stderr).toContain('the certificate of HTTPS was read again');
    expect(await shown()).toBe('tutti test second');
  });
});

describe('a page of another site', () => {
  it('is refused with 403, by HTTP and WebSocket, also when it hides its origin', async () => {
    const scene = Scene.ofTest();
    const args = ['--origin', 'https://tutti.example.org'];
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], args });
    const { http } = orchestrator.ready;
    for (const origin of ['null', 'https://evil.example', http.replace('http', 'https'), `${http}0`]) {
      expect(await orchestrator.get('/v1/problems', { origin }), origin).toMatchObject({
        status: 403,
        body: { error: { code: 'forbidden_origin' } },
      });
      expect((await orchestrator.post('/v1/problems', { graph: 'one', input: {} }, { origin })).status).toBe(
        403,
      );
      expect(await upgrade(http, { origin }), origin).toBe(403);
    }
    expect((await orchestrator.get('/v1/problems')).body.items).toEqual([]);
    for (const origin of [http, 'https://tutti.example.org']) {
      expect((await orchestrator.get('/v1/problems', { origin })).status, origin).toBe(200);
      expect(await upgrade(http, { origin }), origin).toBe(101);
    }
  });
});

describe('somebody without the token who knows a node by name', () => {
  it('gets none of its work: neither under its routing id nor with its node_id', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['one'],
      env: { TUTTI_TOKEN: TOKEN },
    });
    const node = new RawPeer(scene, orchestrator, { instance: 'honest', routingId: 'known' });
    await node.join({ token: TOKEN });
    const thief = new RawPeer(scene, orchestrator, { instance: 'honest', routingId: 'known' });
    thief.nodeId = node.nodeId;
    thief.incarnation = node.incarnation;
    thief.beat();
    expect((await thief.next('refused')).message.code).toBe('say_hello');
    thief.sayHello();
    expect((await thief.next('refused')).message.code).toBe('unauthorized');

    const right = { authorization: `Bearer ${TOKEN}` };
    const { body } = await orchestrator.post('/v1/problems', { graph: 'one', input: {} }, right);
    const assign = await node.assignment();
    expect(assign.taskId.problemId).toBe(body.problem_id);
    node.publish(assign, 1, { last: true });
    await node.acked(assign.executionId, 1, true);
    expect(thief.untaken('assign')).toEqual([]);
    // On another connection the node itself registers again, as after any restart, and goes on.
    const elsewhere = new RawPeer(scene, orchestrator, { instance: 'honest', bootId: node.bootId });
    elsewhere.nodeId = node.nodeId;
    elsewhere.incarnation = node.incarnation;
    elsewhere.beat();
    expect((await elsewhere.next('refused')).message.code).toBe('say_hello');
    expect(await elsewhere.join({ token: TOKEN })).toMatchObject({ nodeId: node.nodeId });
  });
});
