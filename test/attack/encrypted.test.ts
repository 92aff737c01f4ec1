/** Peers that mean harm where connections are encrypted: with a key that is enrolled, or with half of a handshake. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { keyFromZ85, toZ85 } from '../../src/base/z85.js';
import { type KeyPair, keyPairOf, loadBoxes } from '../../src/bus/zmtp/boxes.js';
import { CURVE_GREETING, CurveClient } from '../bus/zmtp/curve-client.js';
import {
  controlFrame,
  everyMessage,
  helloOf,
  NOBODY,
  outputOf,
  outputsFrame,
} from '../support/attack-frames.js';
import { welcomed } from '../support/curve-session.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';
import { count, crowd, ended, hostile, latency, memoryOf, metric, taskOf } from './hostile.js';

const NOTHING = { executionId: '01890000-0000-7000-8000-000000000000', lease: 'x.1.x' };
const FLOOD_MS = 3_000;

interface Place {
  readonly scene: Scene;
  readonly orchestrator: OrchestratorProcess;
  readonly serverKey: string;
}

beforeAll(loadBoxes);

async function place(openFiles?: number): Promise<Place> {
  const scene = Scene.ofTest();
  const options = { graphs: ['one'], args: ['--curve', 'on'], ...(openFiles && { openFiles }) };
  const orchestrator = await OrchestratorProcess.up(scene, options);
  return { scene, orchestrator, serverKey: orchestrator.ready.public_key! };
}

/** A node that has joined with a key of its own, and the key. */
async function joined({ scene, orchestrator, serverKey }: Place, instance: string) {
  const { token } = (await orchestrator.post('/v1/node-keys/joins', { module: 'work' })).body;
  const own = keyPairOf();
  const curve = { serverKey, publicKey: toZ85(own.publicKey), secretKey: toZ85(own.secretKey) };
  const peer = new RawPeer(scene, orchestrator, { instance, curve });
  await peer.join({ token });
  return { peer, own, key: curve.publicKey };
}

interface Session {
  readonly socket: Socket;
  readonly client: CurveClient;
}

/** After the whole handshake, as a peer of this type. */
async function session(
  { scene, serverKey }: Place,
  endpoint: string,
  type: string,
  own: KeyPair,
): Promise<Session> {
  const socket = hostile(scene, endpoint);
  const { client, welcome } = (await welcomed(socket, serverKey, own))!;
  socket.write(client.initiate(welcome, type));
  return { socket, client };
}

/** There is room again, or the connection is over. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timeout);
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    const timeout = setTimeout(settle, FLOOD_MS);
    socket.on('drain', settle).on('close', settle);
  });
}

/** As fast as the other side reads, until the time is over or the connection ends. Returns how many messages it was. */
async function flood(
  { socket, client }: Session,
  frames: (index: number) => readonly (string | Buffer)[],
): Promise<number> {
  const end = performance.now() + FLOOD_MS;
  let index = 0;
  for (; performance.now() < end && !socket.destroyed; index += 1) {
    const isTaken = socket.write(client.message(...frames(index)));
    if (!isTaken) await drained(socket);
    else if (index % 50 === 0) await delay(1);
  }
  return index;
}

/** Tasks of an honest node as long as it lasts, each in little time. */
async function workBeside({ orchestrator }: Place, honest: RawPeer, attack: Promise<unknown>): Promise<void> {
  let isOver = false;
  void attack.finally(() => {
    isOver = true;
  });
  do {
    expect(await taskOf(orchestrator, honest)).toBeLessThan(3_000);
    expect(await latency(orchestrator, 3)).toBeLessThan(2_000);
  } while (!isOver);
  await attack;
}

it('a key that is enrolled and floods all three sockets takes no memory and no place of others, and honest nodes join and work', async () => {
  const here = await place();
  const { orchestrator } = here;
  const { control, outputs, events } = orchestrator.ready;
  const { peer: honest } = await joined(here, 'honest');
  await taskOf(orchestrator, honest);
  const { peer: insider, own, key } = await joined(here, 'insider');
  insider.close();
  await orchestrator.post('/v1/node-keys/subscribers', { key });
  const before = await memoryOf(orchestrator);
  const registered = { nodeId: insider.nodeId, incarnation: insider.incarnation };
  const messages = everyMessage(NOTHING);
  const many = controlFrame(registered, ...Array.from({ length: 20 }, () => messages).flat());
  const hello = (index: number): Buffer =>
    controlFrame(NOBODY, helloOf('work', `name-${index}`, { labels: { label: 'x'.repeat(200) } }));
  const large = outputsFrame(
    outputOf(NOTHING, 1, { payload: { kind: 'inline', bytes: Buffer.alloc(100_000) } }),
  );
  const registering = await session(here, control, 'DEALER', own);
  registering.socket.write(registering.client.message(hello(0)));
  await expect.poll(() => metric(orchestrator, 'tutti_control_unregistered')).toBe(0);
  const attack = Promise.all([
    flood(registering, () => [many]),
    flood(await session(here, control, 'DEALER', own), (index) => [hello(index)]),
    flood(await session(here, outputs, 'PUB', own), () => ['output/work/', large]),
    flood(await session(here, events, 'SUB', own), (index) => [`\u0001${index}`.padEnd(1_000, 'x')]),
  ]);
  await workBeside(here, honest, attack);
  const told = await attack;
  console.log(`the floods were of ${told.join(', ')} messages`);
  for (const number of told) expect(number).toBeGreaterThan(20);
  const { peer: late } = await joined(here, 'late');
  late.close();
  const takeover = await session(here, control, 'DEALER', own);
  takeover.socket.write(takeover.client.message(controlFrame(NOBODY, helloOf('work', 'honest'))));
  await expect.poll(() => count(orchestrator, 'refused_unauthorized')).toBeGreaterThan(0);
  await taskOf(orchestrator, honest);
  // What waits in the mailbox may take 256 MiB; it is read once, so what is not given back yet counts.
  expect((await memoryOf(orchestrator)) - before).toBeLessThan(320);
  expect(orchestrator.process.isRunning).toBe(true);
});

it('thousands of handshakes that stop in the middle keep nobody out and little memory, and are ended in time', async () => {
  const here = await place(4_000);
  const { scene, orchestrator, serverKey } = here;
  const { peer: honest } = await joined(here, 'honest');
  await taskOf(orchestrator, honest);
  const before = await memoryOf(orchestrator);
  const hello = new CurveClient(keyFromZ85(serverKey)!).hello();
  const { control, outputs, events } = orchestrator.ready;
  const attack = crowd(3_000, (index) =>
    hostile(scene, [control, outputs, events][index % 3]!, CURVE_GREETING, hello),
  );
  await workBeside(here, honest, attack);
  expect(await metric(orchestrator, 'tutti_control_unregistered')).toBeLessThanOrEqual(4_000 * 0.12);
  const { peer: late } = await joined(here, 'late');
  late.close();
  await taskOf(orchestrator, honest);
  expect((await memoryOf(orchestrator)) - before).toBeLessThan(150);
  await expect.poll(() => metric(orchestrator, 'tutti_control_unregistered'), { timeout: 30_000 }).toBe(0);
});

it('an INITIATE that is played again, on its own connection or on another one, opens nothing', async () => {
  const here = await place();
  const { scene, orchestrator, serverKey } = here;
  const { own } = await joined(here, 'honest');
  const { control } = orchestrator.ready;
  const recorded = hostile(scene, control);
  const { client, welcome } = (await welcomed(recorded, serverKey, own))!;
  const initiate = client.initiate(welcome, 'DEALER');
  recorded.write(initiate);
  const message = client.message(controlFrame(NOBODY, helloOf('work', 'recorded')));
  recorded.write(message);
  await expect.poll(async () => (await orchestrator.nodes()).length).toBe(2);
  const bad = await count(orchestrator, 'refused_bad_frame');
  recorded.write(initiate);
  await ended(recorded);
  for (const replay of [[initiate], [initiate, message], [message]]) {
    const other = hostile(scene, control);
    await welcomed(other, serverKey, own);
    other.write(Buffer.concat(replay));
    await ended(other);
  }
  expect(await count(orchestrator, 'refused_bad_frame')).toBe(bad + 4);
  expect(await orchestrator.nodes()).toHaveLength(2);
});

it('a key that is revoked while it sends has no effect from the answer on', async () => {
  const here = await place();
  const { orchestrator } = here;
  const { peer, own, key } = await joined(here, 'revoked');
  const { problem_id } = await orchestrator.submit('one', {});
  const assign = await peer.assignment();
  const { control, outputs } = orchestrator.ready;
  const registered = { nodeId: peer.nodeId, incarnation: peer.incarnation };
  const output = (index: number) => outputsFrame(outputOf(assign, index + 1, { last: false }));
  const publishing = await session(here, outputs, 'PUB', own);
  const floods = Promise.all([
    flood(publishing, (index) => ['output/work/', output(index)]),
    flood(await session(here, control, 'DEALER', own), (index) => [
      index % 2 === 0
        ? controlFrame(NOBODY, helloOf('work', `name-${index}`))
        : controlFrame(registered, { kind: 'heartbeat', status: 'RUNNING', running: [assign.executionId] }),
    ]),
  ]);
  const recorded = async (): Promise<number> =>
    (await orchestrator.get(`/v1/problems/${problem_id}/iterations/1/executions`)).body.items[0].outputs;
  await expect.poll(recorded).toBeGreaterThan(10);
  const revoked = await orchestrator.post('/v1/node-keys/revoke', { key });
  expect(revoked.status).toBe(200);
  const [lastSeq, nodes] = [await recorded(), (await orchestrator.nodes()).length];
  await floods;
  expect([await recorded(), (await orchestrator.nodes()).length]).toEqual([lastSeq, nodes]);
  expect(publishing.socket.destroyed).toBe(true);
  await expect.poll(() => metric(orchestrator, 'tutti_control_connections')).toBe(0);
});
