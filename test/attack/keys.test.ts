/** Keys of nodes: who gets in, who does not, and what a stolen lease, name or token is worth. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { curveKeyPair, Subscriber } from 'zeromq';
import { keyFromZ85 } from '../../src/base/z85.js';
import { loadBoxes } from '../../src/bus/zmtp/boxes.js';
import { CURVE_GREETING, CurveClient } from '../bus/zmtp/curve-client.js';
import { runPython } from '../python/python.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess, TUTTI } from '../support/orchestrator.js';
import { Scene, type Spawned } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import { tutti } from '../support/tutti.js';
import { hostile, memoryOf, metric } from './hostile.js';

interface Place {
  readonly scene: Scene;
  readonly orchestrator: OrchestratorProcess;
  /** Runs `tutti node …` and gives what it prints. */
  admin(...args: readonly string[]): Promise<string>;
}

async function place(): Promise<Place> {
  const scene = Scene.ofTest();
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], args: ['--curve', 'on'] });
  return {
    ...{ scene, orchestrator },
    async admin(...args) {
      const ran = await tutti(scene, ['node', ...args, '--url', orchestrator.ready.http]);
      expect(ran).toMatchObject({ code: 0 });
      return ran.stdout.trim();
    },
  };
}

/** A peer whose key has joined, over real sockets. */
async function joined({ scene, orchestrator, admin }: Place, instance: string, own = curveKeyPair()) {
  const token = await admin('enroll', '--module', 'work');
  const curve = { serverKey: orchestrator.ready.public_key!, ...own };
  const peer = new RawPeer(scene, orchestrator, { instance, curve });
  await peer.join({ token });
  return { peer, curve };
}

const submit = async ({ orchestrator }: Place): Promise<void> => {
  expect((await orchestrator.post('/v1/problems', { graph: 'one', input: {} })).status).toBe(201);
};

/** The SDK's node gets in and does a task. */
async function works({ orchestrator }: Place, node: Spawned): Promise<void> {
  await node.line('registered ');
  const tape = orchestrator.tape();
  const { task_id: task } = await orchestrator.submit('one', {});
  expect(await tape.ended(task)).toEqual(['succeeded']);
}

describe('a node with the SDK', () => {
  it('joins with a token once, and from then on its key is enough, while others do not get in', async () => {
    const here = await place();
    const { scene, orchestrator, admin } = here;
    expect(orchestrator.ready.public_key).toMatch(/^.{40}$/);
    const keys = join(await scene.directory(), 'keys');
    const token = await admin('enroll', '--module', 'work');
    const first = startNode(scene, orchestrator, {
      ...{ module: 'work', env: { TUTTI_JOIN: token, TUTTI_KEYS: keys } },
    });
    await works(here, first);
    expect((await stat(join(keys, 'work.json'))).mode & 0o777).toBe(0o600);
    await first.end();
    const again = startNode(scene, orchestrator, { module: 'work', env: { TUTTI_KEYS: keys } });
    await works(here, again);
    // The token had one use.
    const other = join(await scene.directory(), 'keys');
    const late = startNode(scene, orchestrator, {
      ...{ module: 'work', instance: 'late', env: { TUTTI_JOIN: token, TUTTI_KEYS: other } },
    });
    const valid = await admin('enroll', '--module', 'other');
    expect(await late.exited).toMatchObject({ code: 1 });
    expect(late.stderr).toContain('unauthorized');
    expect(late.stderr).not.toContain(token);
    expect(valid).toMatch(/^tutti-join-/);
    expect(orchestrator.process.stderr).not.toContain(token);
    const { body: audit } = await orchestrator.get('/v1/audit');
    const said = audit.items.map(({ operation, result, code, address, target }: Record<string, unknown>) => [
      ...[operation, result, code, address, (target as { module: string }).module],
    ]);
    const address = '127.0.0.1';
    expect(said).toContainEqual(['make_join', 'done', null, address, 'work']);
    expect(said).toContainEqual(['enroll', 'done', null, address, 'work']);
    expect(said).toContainEqual(['hello', 'refused', 'unauthorized', address, 'work']);
    expect(JSON.stringify(audit)).not.toContain(token);
  });

  it('does so in Python, too', async (ctx) => {
    const ran = await runPython(['-c', 'import zmq, google.protobuf']);
    if (ran.code !== 0) return ctx.skip('needs pyzmq and protobuf');
    const here = await place();
    const { scene, orchestrator, admin } = here;
    const keys = join(await scene.directory(), 'keys');
    const token = await admin('enroll', '--module', 'work', '--instance', 'snake');
    const root = join(import.meta.dirname, '../..');
    const start = (more: Readonly<Record<string, string>>): Spawned =>
      scene.spawn(
        ['-m', 'tutti', 'run', join(root, 'test/e2e/nodes/giver.py')],
        {
          ...{ TUTTI_CONTROL: orchestrator.ready.control, TUTTI_INSTANCE: 'snake', TUTTI_KEYS: keys },
          ...{ PYTHONPATH: join(root, 'python/src'), ...more },
        },
        undefined,
        '/usr/bin/python3',
      );
    const idle = async () => (await orchestrator.get('/v1/nodes')).body.items[0]?.status;
    const first = start({ TUTTI_JOIN: token });
    await expect.poll(idle, { timeout: 20_000 }).toBe('IDLE');
    expect((await stat(join(keys, 'work.json'))).mode & 0o777).toBe(0o600);
    await first.end();
    start({});
    await expect.poll(idle, { timeout: 20_000 }).toBe('IDLE');
  });
});

describe('the agent of a remote cluster', () => {
  it('joins with a token for its cluster, and for no other one', async () => {
    const here = await place();
    const { scene, orchestrator, admin } = here;
    for (const name of ['far', 'near'])
      await orchestrator.post('/v1/clusters', { name, type: 'local', agent: 'remote' });
    const token = await admin('enroll', '--module', 'tutti.agent', '--instance', 'far');
    const start = async (cluster: string): Promise<Spawned> => {
      const state = await scene.directory();
      const keys = { TUTTI_KEYS: join(state, 'keys'), TUTTI_JOIN: token };
      const env = { TUTTI_CONTROL: orchestrator.ready.control, ...keys };
      return scene.spawn([TUTTI, 'agent', '--cluster', cluster, '--state', state], env);
    };
    const near = await start('near');
    expect(await near.exited).toMatchObject({ code: 1 });
    expect(near.stderr).toContain('the join token is for the instance far');
    await start('far');
    await expect
      .poll(async () => (await orchestrator.get('/v1/clusters/far')).body.agent_state)
      .toBe('online');
  });
});

describe('a key', () => {
  it('speaks for its own modules, instances and executions only, and a stolen lease is worthless without it', async () => {
    const here = await place();
    const { scene, orchestrator, admin } = here;
    const honest = await joined(here, 'honest');
    await submit(here);
    const assign = await honest.peer.assignment();
    // A thief with a key of its own knows everything that the node knows.
    const thief = await joined(here, 'thief');
    const dropped = await metric(orchestrator, 'tutti_counts_total{name="outputs_dropped"}');
    thief.peer.publish(assign, 1, { last: true, text: '"forged"' });
    await expect
      .poll(() => metric(orchestrator, 'tutti_counts_total{name="outputs_dropped"}'))
      .toBeGreaterThan(dropped);
    // Under the node's name, from another connection.
    const asHonest = new RawPeer(scene, orchestrator, { instance: 'other', curve: thief.curve });
    asHonest.nodeId = honest.peer.nodeId;
    asHonest.incarnation = honest.peer.incarnation;
    asHonest.report(assign, 'FAILED', 0, 'forged');
    expect((await asHonest.next('refused')).message.code).toBe('say_hello');
    // As another process of the instance.
    const takeover = new RawPeer(scene, orchestrator, { instance: 'honest', curve: thief.curve });
    takeover.sayHello();
    expect((await takeover.next('refused')).message).toMatchObject({
      ...{ code: 'unauthorized', message: expect.stringContaining('belongs to another key') },
    });
    const elsewhere = new RawPeer(scene, orchestrator, { module: 'other', curve: thief.curve });
    elsewhere.sayHello();
    expect((await elsewhere.next('refused')).message.message).toContain('enrolled for work only');
    honest.peer.publish(assign, 1, { last: true, text: '"honest"' });
    await honest.peer.acked(assign.executionId, 1, true);
    expect(await admin('keys')).toContain(honest.curve.publicKey);
  });

  it('is revoked at once and forever, and a token does not bring it back', async () => {
    const here = await place();
    const { scene, orchestrator, admin } = here;
    const { peer, curve } = await joined(here, 'revoked');
    const token = await admin('enroll', '--module', 'work');
    await admin('revoke', curve.publicKey);
    await expect.poll(() => metric(orchestrator, 'tutti_control_connections')).toBe(0);
    peer.sayHello({ token });
    await expect
      .poll(() => metric(orchestrator, 'tutti_counts_total{name="refused_unknown_key"}'))
      .toBeGreaterThan(1);
    await orchestrator.process.end();
    await orchestrator.restart();
    const again = new RawPeer(scene, orchestrator, { instance: 'again', curve });
    again.sayHello({ token });
    await expect
      .poll(() => metric(orchestrator, 'tutti_counts_total{name="refused_unknown_key"}'))
      .toBeGreaterThan(0);
    expect(again.frames).toBe(0);
  });

  it('is needed for events, of subscribers that were enrolled for them', async () => {
    const here = await place();
    const { scene, orchestrator, admin } = here;
    const own = curveKeyPair();
    const heard: string[] = [];
    const listen = (): void => {
      const socket = new Subscriber({
        ...{ curveServerKey: orchestrator.ready.public_key!, curvePublicKey: own.publicKey },
        ...{ curveSecretKey: own.secretKey, linger: 0, reconnectInterval: 50 },
      });
      scene.atEnd(() => socket.close());
      socket.connect(orchestrator.ready.events);
      socket.subscribe('');
      void (async () => {
        for await (const [topic] of socket) heard.push(String(topic));
      })();
    };
    listen();
    await expect
      .poll(() => metric(orchestrator, 'tutti_counts_total{name="refused_unknown_key"}'))
      .toBeGreaterThan(0);
    await submit(here);
    expect(heard).toEqual([]);
    await admin('enroll', '--subscribe', '--key', own.publicKey);
    await expect.poll(() => metric(orchestrator, 'tutti_events_subscriptions')).toBe(1);
    await submit(here);
    await expect.poll(() => heard.length).toBeGreaterThan(0);
  });
});

describe("the orchestrator's key", () => {
  it('is kept over a restart, and after a rotation both are valid for a while', async () => {
    const here = await place();
    const { scene, orchestrator, admin } = here;
    const before = orchestrator.ready.public_key!;
    const { curve } = await joined(here, 'old');
    await orchestrator.process.end();
    await orchestrator.restart();
    expect(orchestrator.ready.public_key).toBe(before);
    const after = await admin('rotate-server-key', '--for', '1h');
    expect(after).not.toBe(before);
    for (const [instance, serverKey] of [
      ['with-old', before],
      ['with-new', after],
    ] as const) {
      const peer = new RawPeer(scene, orchestrator, { instance, curve: { ...curve, serverKey } });
      await peer.join();
      peer.close();
    }
    await admin('rotate-server-key', '--for', '0s');
    await orchestrator.process.end();
    await orchestrator.restart();
    const late = new RawPeer(scene, orchestrator, { instance: 'late', curve });
    late.sayHello();
    await expect
      .poll(() => metric(orchestrator, 'tutti_counts_total{name="refused_bad_frame"}'))
      .toBeGreaterThan(0);
    expect(late.frames).toBe(0);
  });
});

describe('handshakes without end', () => {
  it('leave the orchestrator time for everything else, and no memory behind', async () => {
    const here = await place();
    const { scene, orchestrator } = here;
    await loadBoxes();
    const { peer } = await joined(here, 'honest');
    const before = await memoryOf(orchestrator);
    const server = keyFromZ85(orchestrator.ready.public_key!)!;
    const hello = new CurveClient(server).hello();
    let isOver = false;
    const flood = (async () => {
      while (!isOver) {
        const sockets = Array.from({ length: 20 }, () =>
          hostile(scene, orchestrator.ready.control, CURVE_GREETING, hello),
        );
        // The pace of the flood: some connections get as far as their handshake before they end.
        await delay(20);
        for (const socket of sockets.slice(10)) socket.destroy();
      }
    })();
    for (let task = 0; task < 10; task += 1) {
      const beganMs = performance.now();
      await submit(here);
      const assign = await peer.assignment();
      peer.publish(assign, 1, { last: true });
      await peer.acked(assign.executionId, 1, true);
      peer.running.delete(assign.executionId);
      expect(performance.now() - beganMs).toBeLessThan(2000);
    }
    isOver = true;
    await flood;
    expect((await memoryOf(orchestrator)) - before).toBeLessThan(150);
  });
});

describe('without CURVE', () => {
  it('there are no keys, and loopback asks for none', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    expect(orchestrator.ready.public_key).toBeUndefined();
    const ran = await tutti(scene, ['node', 'keys', '--url', orchestrator.ready.http]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('--curve on') });
  });
});
