/** The three sockets with CURVE, against libzmq as `zeromq` and Debian's pyzmq bring it, through a network that records. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { curveKeyPair, Dealer, Publisher, Subscriber } from 'zeromq';
import { keyFromZ85 } from '../../../src/base/z85.js';
import type { Endpoints } from '../../../src/bus/bus.js';
import {
  createZeromqOrchestratorBus,
  type ZeromqOrchestratorBus,
} from '../../../src/bus/zeromq-orchestrator.js';
import { missing, runPython } from '../../python/python.js';
import { endAll, GREETING, message, type Open, rawPeer, readyAs } from './raw-peer.js';

const SERVER = curveKeyPair();
const NODE = curveKeyPair();
const ANY = 'tcp://127.0.0.1:0';
const SECRETS = ['a-secret-token', 'output/secret_module/', 'a secret payload', 'task/secret-problem/'];
const LARGE_BYTES = 5 * 1024 * 1024;
const CLIENT = fileURLToPath(new URL('../fixtures/curve_client.py', import.meta.url));

const open: Open[] = [];
let bus: ZeromqOrchestratorBus;
let endpoints: Endpoints;
let recorded: Buffer[];
let cuts: string[];
let enrolled: Set<string>;
let outputs: { topic: string; frame: string; key: string | undefined }[];

/** Passes bytes on to this endpoint and keeps them. */
async function tap(endpoint: string): Promise<string> {
  const server = createServer((near) => {
    const far = connect(Number(new URL(endpoint).port), '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.push(from);
      from.on('error', () => {});
      from.on('data', (bytes) => {
        recorded.push(bytes);
        to.write(bytes);
      });
      from.on('close', () => to.destroy());
    }
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(async () => {
  recorded = [];
  cuts = [];
  outputs = [];
  enrolled = new Set([NODE.publicKey]);
  const pair = { publicKey: keyFromZ85(SERVER.publicKey)!, secretKey: keyFromZ85(SERVER.secretKey)! };
  bus = createZeromqOrchestratorBus({
    ...{ control: ANY, outputs: ANY, events: ANY, maxFrameBytes: 2 * LARGE_BYTES },
    security: { keys: () => [pair], admits: (key) => enrolled.has(key) },
  });
  const bound = await bus.start({
    onControl(route, frame) {
      bus.admit(route);
      bus.send(route, Buffer.concat([Buffer.from('re: '), frame]));
    },
    onOutputs(topic, frame, { key }) {
      outputs.push({ topic, frame: Buffer.from(frame).toString(), key });
      bus.publish('task/secret-problem/', frame);
    },
    onMalformed: (socket) => void cuts.push(`malformed ${socket}`),
    onCut: (socket, code) => void cuts.push(`${socket} ${code}`),
    onUnreachable: () => {},
    onDisconnect: () => {},
  });
  endpoints = {
    control: await tap(bound.control),
    outputs: await tap(bound.outputs),
    events: await tap(bound.events),
  };
});

afterEach(async () => {
  endAll(open);
  await bus.stop();
});

const keys = (serverKey: string, { publicKey, secretKey }: typeof NODE) => ({
  ...{ curveServerKey: serverKey, curvePublicKey: publicKey, curveSecretKey: secretKey },
  ...{ linger: 0, reconnectInterval: 20 },
});

function dealer(serverKey = SERVER.publicKey, own = NODE): Dealer {
  const socket = new Dealer({ ...keys(serverKey, own), heartbeatInterval: 50, heartbeatTimeout: 10_000 });
  open.push(socket);
  socket.connect(endpoints.control);
  return socket;
}

/** Whether an answer comes while a peer that is admitted gets several. */
async function isAnswered(socket: Dealer): Promise<boolean> {
  void socket.send('hello').catch(() => {});
  return Promise.race([
    socket.receive().then(
      () => true,
      () => false,
    ),
    delay(300).then(() => false),
  ]);
}

describe('the sockets with CURVE', () => {
  it('serve a libzmq of npm on all three, frames of megabytes and heartbeats included, and nothing is readable between', async () => {
    const node = dealer();
    await node.send('a-secret-token');
    expect(String((await node.receive())[0])).toBe('re: a-secret-token');
    const large = Buffer.alloc(LARGE_BYTES, 'large');
    await node.send(large);
    expect((await node.receive())[0]!.subarray(4).equals(large)).toBe(true);
    const subscriber = new Subscriber(keys(SERVER.publicKey, NODE));
    const publisher = new Publisher(keys(SERVER.publicKey, NODE));
    open.push(subscriber, publisher);
    subscriber.connect(endpoints.events);
    subscriber.subscribe('task/secret-problem/');
    publisher.connect(endpoints.outputs);
    const saying = setInterval(() => void publisher.send(['output/secret_module/', 'a secret payload']), 10);
    expect((await subscriber.receive()).map(String)).toEqual(['task/secret-problem/', 'a secret payload']);
    clearInterval(saying);
    expect(outputs[0]).toEqual({
      ...{ topic: 'output/secret_module/', frame: 'a secret payload', key: NODE.publicKey },
    });
    // Several heartbeats of libzmq pass; nothing but the connection itself can show that they are answered.
    await delay(200);
    await node.send('after heartbeats');
    expect(String((await node.receive())[0])).toBe('re: after heartbeats');
    const all = Buffer.concat(recorded);
    expect(all.length).toBeGreaterThan(2 * LARGE_BYTES);
    for (const secret of [...SECRETS, 'large', 'DEALER', 'Socket-Type'])
      expect(all.includes(secret)).toBe(false);
    expect(all.includes('CURVE')).toBe(true);
    expect(cuts).toEqual([]);
  });

  it("serve Debian's libzmq by pyzmq on all three", async (ctx) => {
    if (missing('zmq') !== undefined) return ctx.skip('needs pyzmq');
    const { control, outputs: out, events } = endpoints;
    const args = [CLIENT, SERVER.publicKey, NODE.publicKey, NODE.secretKey, control, out, events];
    expect(await runPython(args)).toMatchObject({
      code: 0,
      stdout: 'control outputs events large heartbeats\n',
    });
    const all = Buffer.concat(recorded);
    for (const secret of SECRETS) expect(all.includes(secret)).toBe(false);
    expect(cuts).toEqual([]);
  });

  it('answer neither a key that is not enrolled, nor a peer that takes us for another server, nor plain text', async () => {
    const known = dealer();
    expect(await isAnswered(known)).toBe(true);
    expect(await isAnswered(dealer(SERVER.publicKey, curveKeyPair()))).toBe(false);
    expect(cuts).toContain('control unknown_key');
    expect(await isAnswered(dealer(curveKeyPair().publicKey))).toBe(false);
    expect(cuts).toContain('control bad_frame');
    const plain = await rawPeer(
      ...([Number(new URL(endpoints.control).port), open, GREETING] as const),
      ...[readyAs('DEALER'), message('hello')],
    );
    let said = Buffer.alloc(0);
    plain.on('data', (data) => {
      said = Buffer.concat([said, data]);
    });
    await once(plain, 'close');
    // Our greeting, which names CURVE, and not a word more.
    expect(said.length).toBeLessThanOrEqual(64);
    expect(await isAnswered(known)).toBe(true);
  });

  it('end the open connections of a key at once when it is revoked', async () => {
    const node = dealer();
    expect(await isAnswered(node)).toBe(true);
    enrolled.delete(NODE.publicKey);
    bus.endPeersOf(NODE.publicKey);
    expect(await isAnswered(node)).toBe(false);
    await expect.poll(() => cuts).toContain('control unknown_key');
    // It dials again and again, and each time it is let in no further.
    await expect.poll(() => bus.gauges().control.connections).toBe(0);
  });
});
