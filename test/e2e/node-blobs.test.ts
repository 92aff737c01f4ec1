/** Large payloads of nodes that have joined by their keys: no token of HTTP is given to them, and none is needed. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { runPython } from '../python/python.js';
import { type Json, OrchestratorProcess, type Reply, TUTTI } from '../support/orchestrator.js';
import { Scene, type Spawned } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import { tutti } from '../support/tutti.js';

const TOKEN = 'a-token-of-the-role-admin-that-no-node-gets';
const AS_ADMIN = { authorization: `Bearer ${TOKEN}` };
const LARGE = 'x'.repeat(600_000);
const NODES = join(import.meta.dirname, 'nodes');
/** Its input and its output are far above `inline_max`. */
const COPY = `
name: copy
source: { name: request, type: json }
modules:
  copied:
    inputs: [request]
    output: json
    run: { command: [sh, -c, 'cp "$TUTTI_INPUTS/request.json" "$TUTTI_OUTPUT"; env >&2'] }
`;

const scene = new Scene();
let orchestrator: OrchestratorProcess;

beforeAll(async () => {
  const graph = join(await scene.directory(), 'copy.yaml');
  await writeFile(graph, COPY);
  orchestrator = await OrchestratorProcess.up(scene, {
    ...{ graphs: ['one', graph], args: ['--curve', 'on'], env: { TUTTI_TOKEN: TOKEN } },
  });
});
afterAll(() => scene.end());

async function admin(...args: readonly string[]): Promise<string> {
  const ran = await tutti(scene, ['node', ...args, '--url', orchestrator.ready.http], { TUTTI_TOKEN: TOKEN });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return ran.stdout.trim();
}

async function submit(graph: string, input: Json, more: object = {}): Promise<string> {
  const reply = await orchestrator.post('/v1/problems', { graph, input, ...more }, AS_ADMIN);
  expect(reply.status).toBe(201);
  return `/v1/problems/${String(reply.body.task_id).replace('/', '/iterations/')}`;
}

/** Of a large output, its bytes hash to those of this JSON. */
const putsOut = async (path: string, module: string, value: Json): Promise<void> => {
  const stateOf = async () => (await orchestrator.get(path, AS_ADMIN)).body.state;
  await expect.poll(stateOf, { timeout: 30_000 }).toBe('succeeded');
  const { body } = await orchestrator.get(`${path}/outputs/${module}`, AS_ADMIN);
  expect(body.blob.sha256).toBe(hashOf(Buffer.from(JSON.stringify(value))));
};

/** A node that registers with a join token and no other. */
async function joins(program: readonly string[], command?: string): Promise<Spawned> {
  const env = {
    ...{ TUTTI_CONTROL: orchestrator.ready.control, TUTTI_KEYS: join(await scene.directory(), 'keys') },
    ...{ TUTTI_JOIN: await admin('enroll', '--module', 'work'), TUTTI_TOKEN: '' },
    PYTHONPATH: join(import.meta.dirname, '../../python/src'),
  };
  return scene.spawn(program, env, undefined, command);
}

async function copiesTheLarge(node: Spawned): Promise<void> {
  const give = { large: LARGE, random: randomBytes(8).toString('hex') };
  await putsOut(await submit('one', { give }), 'work', give);
  await node.end();
}

describe('without a token of HTTP, a node with a key gets large inputs and puts out large outputs', () => {
  it('a keyed node in TypeScript gets and publishes large payloads without an HTTP token', async () => {
    await copiesTheLarge(await joins([join(NODES, 'giver.mjs')]));
  });

  it('a keyed node in Python gets and publishes large payloads without an HTTP token', async (ctx) => {
    const ran = await runPython(['-c', 'import zmq, google.protobuf']);
    if (ran.code !== 0) return ctx.skip('needs pyzmq and protobuf');
    await copiesTheLarge(await joins(['-m', 'tutti', 'run', join(NODES, 'giver.py')], '/usr/bin/python3'));
  });

  it('a node on a cluster gets and publishes large payloads, and neither its agent nor its command knows the token', async () => {
    const request = { large: LARGE };
    const task = await submit('copy', request);
    await putsOut(task, 'copied', request);
    const { body } = await orchestrator.get(`${task}/events?limit=1000`, AS_ADMIN);
    expect(JSON.stringify(body)).toContain('TUTTI_OUTPUT');
    expect(JSON.stringify(body)).not.toContain(TOKEN);
  });

  it('a node on a cluster whose agent dials in from elsewhere joins with a token', async () => {
    const [dir, asAdmin] = [
      await scene.directory(),
      { TUTTI_TOKEN: TOKEN, TUTTI_URL: orchestrator.ready.http },
    ];
    const added = await tutti(
      scene,
      ['cluster', 'add', 'far', '--type', 'local', '--agent', 'remote', '--workdir', join(dir, 'work')],
      asAdmin,
    );
    expect(added).toMatchObject({ code: 0 });
    const agent = scene.spawn([TUTTI, 'agent', '--cluster', 'far', '--state', join(dir, 'state')], {
      ...{ TUTTI_CONTROL: orchestrator.ready.control, TUTTI_KEYS: join(dir, 'keys'), TUTTI_TOKEN: '' },
      TUTTI_JOIN: await admin('enroll', '--module', 'tutti.agent', '--instance', 'far'),
    });
    const request = { large: LARGE };
    const require = { copied: { cluster: 'far' } };
    const task = await submit('copy', request, { require });
    await putsOut(task, 'copied', request);
    await agent.end();
  });
});

describe('the token of a node', () => {
  it('opens its own blobs only, and nothing once its key is revoked', async () => {
    const own = curveKeyPair();
    const curve = { serverKey: orchestrator.ready.public_key!, ...own };
    const peer = new RawPeer(scene, orchestrator, { instance: 'raw', curve });
    const { blobToken } = await peer.join({ token: await admin('enroll', '--module', 'work') });
    const as = { authorization: `Bearer ${blobToken}` };
    const hidden = Buffer.from('of somebody else');
    const own_output = Buffer.from('of the node');
    const put = async (bytes: Buffer, headers: Readonly<Record<string, string>>): Promise<number> => {
      const url = `${orchestrator.ready.http}/v1/blobs/${hashOf(bytes)}`;
      const init = {
        method: 'PUT',
        body: new Uint8Array(bytes),
        headers: { ...headers, 'content-type': 'application/octet-stream' },
      };
      return (await fetch(url, init)).status;
    };
    const get = async (sha256: string): Promise<number> => {
      const reply = await fetch(`${orchestrator.ready.http}/v1/blobs/${sha256}`, { headers: as });
      await reply.arrayBuffer();
      return reply.status;
    };
    expect(await put(hidden, AS_ADMIN)).toBe(201);
    expect([await get(hashOf(hidden)), await put(own_output, as)]).toEqual([404, 409]);
    const asked: Reply = await orchestrator.get('/v1/problems', as);
    expect([asked.status, asked.body.error.code]).toEqual([403, 'blobs_only']);

    await submit('one', { give: LARGE });
    const { inputs } = await peer.assignment();
    const { value } = inputs[0]!;
    if (value.kind !== 'blob') throw new Error('the input is not large');
    expect([await get(value.blob.sha256), await get(hashOf(hidden)), await put(own_output, as)]).toEqual([
      200, 404, 201,
    ]);
    await admin('revoke', own.publicKey);
    expect([await get(value.blob.sha256), await put(own_output, as)]).toEqual([401, 401]);
  });
});

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
