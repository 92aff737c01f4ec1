/** What the orchestrator's sockets do not take: each refusal is coded and says what was wrong, and everybody else is served on. */

import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOL_VERSION } from '../../src/model/protocol.js';
import { encodeToOrchestrator } from '../../src/wire/codec.js';
import type { EventTape } from '../support/event-tape.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';

const scene = Scene.ofFile();
let orchestrator: OrchestratorProcess;
let tape: EventTape;

beforeAll(async () => {
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one', 'six'] });
  tape = orchestrator.tape();
  await startNode(scene, orchestrator, { module: 'work', instance: 'honest' }).line('registered ');
});

/** The honest node works on, whatever the others do. */
async function expectServing(): Promise<void> {
  const { task_id: task } = await orchestrator.submit('one', {});
  expect(await tape.ended(task)).toEqual(['succeeded']);
  expect(await orchestrator.nodes()).toContainEqual(
    expect.objectContaining({ instance: 'honest', liveness: 'alive', incarnation: 1 }),
  );
}

/** How often something was counted, such as `refused_bad_frame`. */
async function counter(name: string): Promise<number> {
  return (await orchestrator.get('/v1/stats')).body.counters[name] ?? 0;
}

describe('a registration', () => {
  it('a registration for an unknown module is refused with the known ones', async () => {
    const peer = new RawPeer(scene, orchestrator, { module: 'carbon' });
    peer.sayHello();
    expect((await peer.next('refused')).message).toMatchObject({
      ...{ code: 'unknown_module', message: expect.stringContaining('carbon') },
      hint: expect.stringMatching(/metadata.*footprint/),
    });
    await expectServing();
  });

  it('a registration that comes before its graph is stored waits for it, in both languages, and says so once', async () => {
    const env = {
      ...{ TUTTI_CONTROL: orchestrator.ready.control, TUTTI_INSTANCE: 'py' },
      PYTHONPATH: join(import.meta.dirname, '../../python/src'),
    };
    const program = 'from tutti import node\n@node("late")\ndef late(task): return 1\nlate.serve()\n';
    const nodes = [
      startNode(scene, orchestrator, { module: 'late', instance: 'ts' }),
      scene.spawn(['-c', program], env, undefined, '/usr/bin/python3'),
    ];
    for (const node of nodes) await node.logs('waits for a graph to be stored: no graph has a module late');
    const yaml =
      'name: late\nsource: { name: problem, type: json }\nmodules:\n  late: { inputs: [problem], output: json }\n';
    const stored = await fetch(`${orchestrator.ready.http}/v1/graphs/late`, {
      method: 'PUT',
      headers: { 'content-type': 'application/yaml' },
      body: yaml,
    });
    expect(stored.status).toBe(201);
    await expect
      .poll(async () => (await orchestrator.nodes()).filter((node) => node.module === 'late').length)
      .toBe(2);
    for (const node of nodes) expect(node.stderr.match(/waits for a graph/g)).toHaveLength(1);
  });

  it('a registration with another protocol version is refused with both versions', async () => {
    const peer = new RawPeer(scene, orchestrator);
    peer.sendFrames(encodeToOrchestrator({ protocolVersion: 7, nodeId: '', incarnation: 0, messages: [] }));
    const { message } = await peer.next('refused');
    expect(message.code).toBe('protocol_version');
    expect(message.message).toMatch(/\b7\b.*\b1\b/);
    await expectServing();
  });

  it('a registration with another output type than the graph declares is refused with both types', async () => {
    const peer = new RawPeer(scene, orchestrator);
    peer.sayHello({ outputType: 'sustainml.v1.MLModel' });
    expect((await peer.next('refused')).message).toMatchObject({
      code: 'wrong_output_type',
      message: expect.stringMatching(/json.*sustainml\.v1\.MLModel/),
    });
    await expectServing();
  });

  it('a registration that was never made is asked for', async () => {
    const peer = new RawPeer(scene, orchestrator);
    peer.nodeId = '01890000-0000-7000-8000-000000000000';
    peer.incarnation = 3;
    peer.beat();
    expect((await peer.next('refused')).message).toMatchObject({ code: 'say_hello', incarnation: 3 });
  });
});

describe('what is not a frame', () => {
  it('is refused on the control socket, whatever it is', async () => {
    const before = await counter('refused_bad_frame');
    const hello = encodeToOrchestrator({
      ...{ protocolVersion: PROTOCOL_VERSION, nodeId: '', incarnation: 0 },
      messages: [{ kind: 'goodbye' }],
    });
    const garbage: Uint8Array[][] = [
      [Buffer.from('GET / HTTP/1.1\r\n\r\n')],
      [Buffer.alloc(1000, 0xff)],
      [hello.subarray(0, hello.length - 1)],
      [hello, hello],
      [Buffer.alloc(0), Buffer.alloc(0), Buffer.alloc(0)],
    ];
    for (const frames of garbage) {
      const peer = new RawPeer(scene, orchestrator);
      peer.sendFrames(...frames);
      expect((await peer.next('refused')).message).toMatchObject({
        code: expect.stringMatching(/^(bad_frame|protocol_version)$/),
        message: expect.stringMatching(/.{20,}/),
      });
    }
    // Nothing at all is a frame of version 0.
    const silent = new RawPeer(scene, orchestrator);
    silent.sendFrames(Buffer.alloc(0));
    expect((await silent.next('refused')).message.code).toBe('protocol_version');
    expect((await counter('refused_bad_frame')) - before).toBeGreaterThanOrEqual(3);
    await expectServing();
  });

  it('is counted on the outputs socket', async () => {
    const before = await counter('refused_bad_frame');
    const peer = new RawPeer(scene, orchestrator, { instance: 'noisy' });
    await peer.connectOutputs(orchestrator.ready.outputs);
    const topic = Buffer.from('output/work/');
    peer.publishFrames(topic, Buffer.from('rubbish'));
    peer.publishFrames(topic);
    peer.publishFrames(topic, Buffer.alloc(10), Buffer.alloc(10));
    peer.publishFrames(Buffer.from('output/'), Buffer.alloc(10));
    await expect.poll(() => counter('refused_bad_frame')).toBe(before + 4);
    await expectServing();
  });

  it('a peer that does not speak ZeroMQ is logged with its address', async () => {
    const port = Number(new URL(orchestrator.ready.outputs).port);
    const names = (line: string): boolean =>
      line.includes('"via":"outputs"') && line.includes('"peer":"127.0.0.1"') && line.includes('ZeroMQ');
    const isLogged = (): boolean => {
      connect(port, '127.0.0.1')
        .on('error', () => {})
        .end('GET / HTTP/1.1\r\n\r\n');
      return orchestrator.process.stderr.split('\n').some(names);
    };
    // There are ten lines a second in all, and others have been refused, too.
    await expect.poll(isLogged, { timeout: 20_000, interval: 200 }).toBe(true);
    await expectServing();
  });

  it('an invalid message in a batch does not fail the rest of the batch', async () => {
    const before = await counter('refused_bad_frame');
    const peer = new RawPeer(scene, orchestrator, { module: 'metadata' });
    await peer.join();
    peer.fallSilent();
    const { nodeId, incarnation } = peer;
    const good = encodeToOrchestrator({
      ...{ protocolVersion: PROTOCOL_VERSION, nodeId, incarnation },
      messages: [{ kind: 'node_report', status: 'INACTIVE' }],
    });
    // Field 4, `messages`: three bytes that are not a message.
    const bad = Buffer.from([0x22, 3, 0x0a, 0xff, 0xff]);
    peer.sendFrames(Buffer.concat([bad, good, bad]));
    expect((await peer.next('refused')).message).toMatchObject({ code: 'bad_frame', incarnation });
    expect((await peer.next('refused')).message.code).toBe('bad_frame');
    const seen = await orchestrator.get(`/v1/nodes/${nodeId}`);
    expect(seen.body).toMatchObject({ status: 'INACTIVE', liveness: 'alive' });
    expect(await counter('refused_bad_frame')).toBe(before + 2);
  });

  it('an oversized message ends only its connection, and its peer may reconnect', async () => {
    const peer = new RawPeer(scene, orchestrator, { module: 'metadata', instance: 'huge' });
    const { nodeId } = await peer.join();
    peer.fallSilent();
    const huge = Buffer.alloc(10 * 1024 ** 2, 1);
    const before = await counter('refused_bad_frame');
    peer.sendFrames(huge);
    peer.publishFrames(Buffer.from('output/work/'), huge);
    // On either socket.
    await expect.poll(() => counter('refused_bad_frame')).toBeGreaterThanOrEqual(before + 2);
    await expectServing();
    // The hello that is sent into the connection while it dies is lost: a node repeats it.
    const again = setInterval(() => peer.sayHello(), 200);
    scene.atEnd(() => clearInterval(again));
    expect((await peer.next('welcome')).message).toMatchObject({ nodeId, incarnation: 1 });
    clearInterval(again);
    await expectServing();
  });
});

describe('refusals', () => {
  it('refusals to one peer are limited, so that the orchestrator cannot be used as an amplifier', async () => {
    const peer = new RawPeer(scene, orchestrator);
    const COUNT = 2_000;
    const before = await counter('refused_bad_frame');
    for (let number = 0; number < COUNT; number += 1) peer.sendFrames(Buffer.from('rubbish'));
    await expect.poll(() => counter('refused_bad_frame'), { timeout: 20_000 }).toBe(before + COUNT);
    await expectServing();
    expect(peer.untaken('refused').length).toBeLessThan(COUNT / 4);
    expect(peer.untaken('refused').length).toBeGreaterThan(0);
    // The log has some of it, with what and why, and says how many it leaves out.
    const logged = () =>
      orchestrator.process.stderr
        .split('\n')
        .filter((line) => line.includes('"code":"bad_frame"') && line.endsWith('}'))
        .map((line) => JSON.parse(line));
    const untold = () => {
      peer.sendFrames(Buffer.from('rubbish'));
      return logged().some(({ unlogged }) => unlogged > 10);
    };
    await expect.poll(untold, { timeout: 20_000 }).toBe(true);
    expect(logged().length).toBeLessThan(COUNT / 20);
    expect(logged().find(({ via }) => via === 'control')).toMatchObject({
      ...{ peer: expect.stringContaining('@127.0.0.1:'), reason: expect.stringContaining('frame') },
    });
  });
});
