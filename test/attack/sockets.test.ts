/** Peers that mean harm, on the three sockets: the process stays, its memory is bounded, and honest nodes work. */
import { describe, expect, it } from 'vitest';
import { MAX_HELLO_BYTES } from '../../src/model/limits.js';
import { message } from '../bus/zmtp-peer.js';
import { controlFrame, helloOf, NOBODY } from '../support/attack-frames.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { count, ended, handshake, hostile, latency, memoryOf, worksFor } from './hostile.js';

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
    expect(orchestrator.process.stderr).toMatch(/"via":"control".*"code":"bad_frame".*are the most/);
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
    expect(await count(orchestrator, 'refused_say_hello', token)).toBeLessThanOrEqual(CONNECTIONS * 256);
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
