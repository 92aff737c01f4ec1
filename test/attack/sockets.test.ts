/** Peers that mean harm, on the three sockets: the process stays, its memory is bounded, and honest nodes work. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MAX_HELLO_BYTES } from '../../src/model/limits.js';
import { GREETING, message, PING } from '../bus/zmtp/raw-peer.js';
import { controlFrame, helloOf, NOBODY } from '../support/attack-frames.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import {
  count,
  crowd,
  ended,
  handshake,
  hostile,
  latency,
  memoryOf,
  metric,
  taskOf,
  worksFor,
} from './hostile.js';

const TOKEN = 'a-token-of-more-than-thirty-two-characters';

/** A frame of heartbeats of six bytes each. */
const beats = (number: number): Buffer =>
  Buffer.concat([Buffer.from([8, 1]), Buffer.alloc(6 * number, Buffer.from([0x22, 4, 0x12, 2, 8, 3]))]);

describe.each([
  ['without a token', ''],
  ['with one', TOKEN],
])('a connection that has not registered, %s', (_how, token) => {
  const CONNECTIONS = 30;

  async function start(): Promise<{ scene: Scene; orchestrator: OrchestratorProcess }> {
    const scene = Scene.ofTest();
    const env = token === '' ? {} : { TUTTI_TOKEN: token };
    return { scene, orchestrator: await OrchestratorProcess.up(scene, { graphs: ['one'], env }) };
  }

  it('is ended for a frame that is larger than a hello, before the frame has come', async () => {
    const { scene, orchestrator } = await start();
    await worksFor(scene, orchestrator, { instance: 'before', token });
    const before = await memoryOf(orchestrator);
    const frame = message(beats(1_400_000));
    const floods = Array.from({ length: CONNECTIONS }, () =>
      hostile(scene, orchestrator.ready.control, ...handshake('DEALER'), frame),
    );
    expect(await latency(orchestrator)).toBeLessThan(2000);
    await Promise.all(floods.map(ended));
    await worksFor(scene, orchestrator, { instance: 'after', token });
    expect(await count(orchestrator, 'refused_bad_frame', token)).toBe(CONNECTIONS);
    expect((await memoryOf(orchestrator)) - before).toBeLessThan(128);
    expect(orchestrator.process.stderr).toMatch(/"via":"control".*"code":"bad_frame".*are allowed/);
  });

  it('is not heard but for a hello, and is ended when it goes on', async () => {
    const { scene, orchestrator } = await start();
    const before = await memoryOf(orchestrator);
    const frames = Array.from({ length: 300 }, () => message(beats(10_000)));
    const floods = Array.from({ length: CONNECTIONS }, () =>
      hostile(scene, orchestrator.ready.control, ...handshake('DEALER'), ...frames),
    );
    expect(await latency(orchestrator)).toBeLessThan(2000);
    await Promise.all(floods.map(ended));
    await worksFor(scene, orchestrator, { instance: 'after', token });
    expect(await count(orchestrator, 'refused_say_hello', token)).toBeLessThanOrEqual(CONNECTIONS * 70);
    expect((await memoryOf(orchestrator)) - before).toBeLessThan(200);
  });

  it('is refused for a hello of thousands of labels, at little cost', async () => {
    const { scene, orchestrator } = await start();
    const labels = Object.fromEntries(Array.from({ length: 6_000 }, (_, n) => [`${n}`, '']));
    const hello = controlFrame(NOBODY, helloOf('work', 'many', { labels, token }));
    expect(hello.byteLength).toBeLessThan(MAX_HELLO_BYTES);
    const frame = message(hello);
    const floods = Array.from({ length: CONNECTIONS }, () =>
      hostile(scene, orchestrator.ready.control, ...handshake('DEALER'), frame, frame, frame),
    );
    expect(await latency(orchestrator)).toBeLessThan(2000);
    await worksFor(scene, orchestrator, { instance: 'after', token });
    expect(await count(orchestrator, 'refused_bad_frame', token)).toBe(3 * CONNECTIONS);
    for (const socket of floods) socket.destroy();
  });
});

describe('a node that has registered', () => {
  it('is refused a frame of a million messages, and its mailbox is weighed by what they take in memory', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    await worksFor(scene, orchestrator, { instance: 'before' });
    const before = await memoryOf(orchestrator);
    const hello = message(controlFrame(NOBODY, helloOf('work', 'hostile')));
    const socket = hostile(scene, orchestrator.ready.control, ...handshake('DEALER'), hello);
    await expect.poll(() => count(orchestrator, 'refused_say_hello')).toBe(0);
    const outputs = Buffer.concat([
      Buffer.from([8, 1]),
      Buffer.alloc(8 * 500_000, Buffer.from([0x12, 6, 0x0a, 1, 65, 0x12, 1, 65])),
    ]);
    const publisher = hostile(
      ...([scene, orchestrator.ready.outputs] as const),
      ...handshake('PUB'),
      message('output/work/', outputs),
      message('output/work/', outputs),
    );
    await expect.poll(() => count(orchestrator, 'refused_bad_frame')).toBeGreaterThan(1);
    for (let frames = 0; frames < 30; frames += 1) socket.write(message(beats(4_000)));
    expect(await latency(orchestrator)).toBeLessThan(2000);
    await worksFor(scene, orchestrator, { instance: 'after' });
    expect((await memoryOf(orchestrator)) - before).toBeLessThan(200);
    socket.destroy();
    publisher.destroy();
  });
});

describe('unregistered peers without end', () => {
  it('peers that hang, ping or never finish their greeting keep no honest node out, and are ended in time', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], openFiles: 600 });
    const { control, outputs, events } = orchestrator.ready;
    const registered = new RawPeer(scene, orchestrator, { instance: 'registered' });
    await registered.join();
    // Its publisher is known from its first output on, and is not replaced then; this peer does not send again what is lost.
    await taskOf(orchestrator, registered);
    const before = await memoryOf(orchestrator);
    const unregistered = [
      ...(await crowd(300, () => hostile(scene, control, GREETING.subarray(0, 11)))),
      ...(await crowd(200, () => hostile(scene, control))),
      ...(await crowd(300, () => hostile(scene, control, ...handshake('DEALER')))),
      ...(await crowd(300, () => hostile(scene, outputs, ...handshake('PUB')))),
      ...(await crowd(200, () => hostile(scene, events, ...handshake('SUB'), message('\u0001')))),
    ];
    const pinging = setInterval(() => {
      for (const socket of unregistered.slice(500)) if (!socket.destroyed) socket.write(PING);
    }, 1000);
    scene.atEnd(() => clearInterval(pinging));
    // The limits are those of what the process may have open, and it answers people and takes blobs all the same.
    expect(await metric(orchestrator, 'tutti_control_connections')).toBeLessThanOrEqual(600 * 0.24);
    expect(await metric(orchestrator, 'tutti_control_unregistered')).toBeLessThanOrEqual(600 * 0.12);
    expect(await latency(orchestrator)).toBeLessThan(2000);
    const sha256 = createHash('sha256').update('x').digest('hex');
    const put = await fetch(`${orchestrator.ready.http}/v1/blobs/${sha256}`, { method: 'PUT', body: 'x' });
    expect(put.status).toBe(201);
    await taskOf(orchestrator, registered);
    await worksFor(scene, orchestrator, { instance: 'another' });
    await expect.poll(() => metric(orchestrator, 'tutti_control_unregistered'), { timeout: 30_000 }).toBe(0);
    await taskOf(orchestrator, registered);
    expect(await count(orchestrator, 'refused_too_many_connections')).toBeGreaterThan(400);
    expect(await count(orchestrator, 'refused_no_hello')).toBeGreaterThan(10);
    expect((await memoryOf(orchestrator)) - before).toBeLessThan(100);
    expect(orchestrator.process.stderr).toMatch(/"via":"control".*"code":"no_hello"/);
  });

  it('peers that come and go cost a registered node nothing', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const node = new RawPeer(scene, orchestrator, { instance: 'registered' });
    await node.join();
    await taskOf(orchestrator, node);
    const told = node.frames;
    for (let round = 0; round < 100; round += 1) {
      const socket = hostile(scene, orchestrator.ready.control, ...handshake('DEALER'), message('x'));
      await new Promise((resolve) => socket.once('data', resolve));
      socket.destroy();
    }
    await expect.poll(() => metric(orchestrator, 'tutti_control_connections')).toBe(1);
    expect(node.frames - told).toBe(0);
    await taskOf(orchestrator, node);
  });

  it('peers of a socket type that is not served are refused in the handshake', async () => {
    const scene = Scene.ofTest();
    const { ready } = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const wrong = [
      ...['REQ', 'ROUTER', 'REP', 'PUB', 'SUB', 'PAIR'].map((type) => [ready.control, type] as const),
      ...['SUB', 'PUSH', 'DEALER'].map((type) => [ready.outputs, type] as const),
      ...['PUB', 'REQ', 'DEALER'].map((type) => [ready.events, type] as const),
    ];
    await Promise.all(wrong.map(([endpoint, type]) => ended(hostile(scene, endpoint, ...handshake(type)))));
  });
});

describe('guesses at the token', () => {
  it('are one for each connection, and few in a second, while honest nodes and people get in', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['one'],
      env: { TUTTI_TOKEN: TOKEN },
    });
    const guess = (index: number): Buffer =>
      message(controlFrame(NOBODY, helloOf('work', 'guesser', { token: `guess ${index}` })));
    const beganAt = performance.now();
    let answers = 0;
    const guessing = await crowd(300, (index) => {
      // As many as fit, at once: the first one ends the connection.
      const guesses = Array.from({ length: 50 }, (_, more) => guess(index * 50 + more));
      const socket = hostile(scene, orchestrator.ready.control, ...handshake('DEALER'), ...guesses);
      socket.on('data', (data) => {
        answers += data.toString('latin1').split('unauthorized').length - 1;
      });
      return socket;
    });
    await Promise.all(guessing.map(ended));
    const seconds = (performance.now() - beganAt) / 1000;
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThanOrEqual(5 * (Math.ceil(seconds) + 1));
    await worksFor(scene, orchestrator, { instance: 'honest', token: TOKEN });
    expect(await count(orchestrator, 'refused_unauthorized', TOKEN)).toBeLessThanOrEqual(300);
  });
});

describe('subscribers that read nothing', () => {
  it('slow no task down, however many try to be, and no more than the limit are', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], openFiles: 20_000 });
    const node = new RawPeer(scene, orchestrator, { instance: 'honest' });
    await node.join();
    const median = async (): Promise<number> => {
      const took: number[] = [];
      for (let task = 0; task < 30; task += 1) took.push(await taskOf(orchestrator, node));
      return took.sort((a, b) => a - b)[15]!;
    };
    await median();
    const alone = await median();
    const before = await memoryOf(orchestrator);
    await crowd(1_500, () =>
      hostile(scene, orchestrator.ready.events, ...handshake('SUB'), message('\u0001')).pause(),
    );
    expect(await metric(orchestrator, 'tutti_events_connections')).toBeLessThanOrEqual(1_024);
    const together = await median();
    console.log(`a task takes ${alone.toFixed(1)} ms alone, ${together.toFixed(1)} ms beside subscribers`);
    expect(together).toBeLessThan(4 * alone + 50);
    expect((await memoryOf(orchestrator)) - before).toBeLessThan(150);
  });
});

describe('with a token and without CURVE', () => {
  it('the events socket, which asks for none, is reached from this machine only', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, {
      graphs: ['one'],
      env: { TUTTI_TOKEN: TOKEN },
      args: ['--host', '0.0.0.0', '--curve', 'off'],
    });
    expect(orchestrator.ready.events).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
    expect(orchestrator.ready.control).toMatch(/^tcp:\/\/0\.0\.0\.0:\d+$/);
    expect(orchestrator.process.stderr).toContain('the events socket needs no token');
  });
});
