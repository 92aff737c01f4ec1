/**
 * Every socket of a real orchestrator under hostile bytes, while an honest node goes on solving tasks. Seeded: `FUZZ_SEED=7` repeats a run. With
 * every other seed connections are encrypted, and what is hostile has an enrolled key.
 */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { curveKeyPair, Dealer, Subscriber, XPublisher } from 'zeromq';
import { keyFromZ85 } from '../../src/base/z85.js';
import { loadBoxes } from '../../src/bus/zmtp/boxes.js';
import { outputTopic } from '../../src/wire/topics.js';
import { hostile } from '../attack/hostile.js';
import { CURVE_GREETING, CurveClient } from '../bus/zmtp/curve-client.js';
import {
  controlFrame,
  everyMessage,
  helloOf,
  type Known,
  mangled,
  NOBODY,
  outputOf,
  outputsFrame,
  type Registration,
  randomBytes,
} from '../support/attack-frames.js';
import { welcomed } from '../support/curve-session.js';
import type { EventTape } from '../support/event-tape.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { Random } from '../support/random.js';
import { type PeerCurve, RawPeer } from '../support/raw-peer.js';

const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** An attack is not over before. */
const SOLVED_MEANWHILE = 2;
const TEN_MB = 10 * 1024 ** 2;
/** A log that grows with every hostile frame would be a way to fill the disk. */
const MOST_LOG_BYTES = 100_000;

let scene: Scene;
let orchestrator: OrchestratorProcess;
let tape: EventTape;
let random: Random;
let attacking: boolean;
/** Tasks that the honest node has solved meanwhile. */
let solved: number;
let honest: Promise<void>;
/** The enrolled keys of the attacker, where connections are encrypted. */
let curve: PeerCurve | undefined;

beforeEach(() => {
  console.log(`FUZZ_SEED=${SEED}`);
  random = new Random(SEED);
  scene = new Scene();
});
afterEach(() => scene.end());

async function start(withCurve = SEED % 2 === 1): Promise<void> {
  const args = ['--curve', withCurve ? 'on' : 'off'];
  orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], args });
  tape = orchestrator.tape();
  curve = withCurve ? await hostileKeys() : undefined;
  const env: Record<string, string> = withCurve
    ? { TUTTI_JOIN: await joinToken(), TUTTI_KEYS: await scene.directory() }
    : {};
  startNode(scene, orchestrator, { module: 'work', instance: 'honest', capacity: 2, env });
  attacking = true;
  solved = 0;
  honest = solveTasks();
}

async function joinToken(): Promise<string> {
  return (await orchestrator.post('/v1/node-keys/joins', { module: 'work' })).body.token;
}

/** Enrolled for the module, and for events. */
async function hostileKeys(): Promise<PeerCurve> {
  const keys = { ...curveKeyPair(), serverKey: orchestrator.ready.public_key! };
  const joining = new RawPeer(scene, orchestrator, { instance: 'joining', curve: keys });
  await joining.join({ token: await joinToken() });
  joining.close();
  await orchestrator.post('/v1/node-keys/subscribers', { key: keys.publicKey });
  return keys;
}

/** What a socket of the attacker is made with. */
function encrypted(): { curveServerKey?: string; curvePublicKey?: string; curveSecretKey?: string } {
  if (!curve) return {};
  const { serverKey, publicKey, secretKey } = curve;
  return { curveServerKey: serverKey, curvePublicKey: publicKey, curveSecretKey: secretKey };
}

async function solveTasks(): Promise<void> {
  do {
    const { task_id: task } = await orchestrator.submit('one', { solved });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await orchestrator.output(task, 'work')).toMatchObject({ task });
    solved += 1;
  } while (attacking);
}

/** So many rounds at least, and until some tasks were solved meanwhile. */
async function attack(rounds: number, strike: (round: number) => Promise<void>): Promise<void> {
  const before = solved;
  for (let round = 0; round < rounds || solved < before + SOLVED_MEANWHILE; round += 1) {
    await strike(round);
    // Sends that are taken at once never let anybody else run.
    if (round % 20 === 0) await delay(4);
  }
}

/** How often something was counted, such as `refused_bad_frame`: what was sent may still be on its way. */
const counted = (name: string) =>
  expect.poll(async () => (await orchestrator.get('/v1/stats')).body.counters[name] ?? 0, {
    timeout: 30_000,
  });

/** After the attack: the same process, serving, not much larger, and its log not full. */
async function expectUnharmed(before: number, growthMib: number): Promise<void> {
  attacking = false;
  await honest;
  expect(orchestrator.process.isRunning).toBe(true);
  expect(orchestrator.process.stderr.length).toBeLessThan(MOST_LOG_BYTES);
  const { status, body } = await orchestrator.get('/v1/stats');
  expect(status).toBe(200);
  expect(body.counters.internal_errors ?? 0).toBe(0);
  expect((await memoryMib()) - before).toBeLessThan(growthMib);
}

/** Of the process alone: what it maps of its store is not among it. */
async function memoryMib(): Promise<number> {
  const status = await readFile(`/proc/${orchestrator.process.pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

function dealer(): { send(...frames: Buffer[]): Promise<void>; socket: Dealer } {
  const socket = new Dealer({ linger: 0, reconnectInterval: 20, sendTimeout: 200, ...encrypted() });
  socket.connect(orchestrator.ready.control);
  scene.atEnd(() => socket.close());
  return { socket, send: (...frames) => socket.send(frames).catch(() => {}) };
}

/** Subscribed to: before, all that it sends is lost. */
async function publisher(): Promise<{ send(...frames: Buffer[]): Promise<void> }> {
  const socket = new XPublisher({ linger: 0, reconnectInterval: 20, ...encrypted() });
  socket.connect(orchestrator.ready.outputs);
  scene.atEnd(() => socket.close());
  await socket.receive();
  return { send: (...frames) => socket.send(frames).catch(() => {}) };
}

/** A node that is registered and has an execution whose lease the attacker knows. */
async function insider(): Promise<{ registration: Registration; known: Known; peer: RawPeer }> {
  const peer = new RawPeer(scene, orchestrator, { instance: 'insider', ...(curve && { curve }) });
  await peer.join();
  const known = {
    executionId: '01890000-0000-7000-8000-000000000000',
    lease: 'x.1.01890000-0000-7000-8000-000000000000',
  };
  return { registration: { nodeId: peer.nodeId, incarnation: peer.incarnation }, known, peer };
}

describe('the control socket', () => {
  it('takes random bytes, mangled frames, wrong types, stale incarnations and replays, and goes on', async () => {
    await start();
    const { registration, known, peer } = await insider();
    // It only lends its name: what it gets to do is not done.
    peer.close();
    const before = await memoryMib();
    const hostile = dealer();
    const froms = [
      NOBODY,
      registration,
      { ...registration, incarnation: 0 },
      { ...registration, incarnation: 99 },
    ];
    const corpus = everyMessage(known);
    await attack(1500, async () => {
      const frame = controlFrame(random.pick(froms), random.pick(corpus), random.pick(corpus));
      if (random.chance(0.1)) await hostile.send(frame, randomBytes(random, 10));
      else await hostile.send(random.chance(0.15) ? frame : mangled(random, frame));
    });
    await hostile.send(Buffer.alloc(TEN_MB));
    const noise = connect(Number(new URL(orchestrator.ready.control).port), '127.0.0.1');
    noise.on('error', () => {});
    noise.end(randomBytes(random, 5000));
    await delay(500);
    await counted('refused_bad_frame').toBeGreaterThan(100);
    await expectUnharmed(before, 120);
  });

  it('bounds what a flood of hellos can make it remember', async () => {
    await start();
    const before = await memoryMib();
    const floods = Array.from({ length: 4 }, () => dealer());
    let number = 0;
    await attack(2000, async () => {
      number += 1;
      const instance = number % 2 === 0 ? `flood-${number}` : 'flood';
      const hello = helloOf('work', instance, { labels: { label: 'x'.repeat(200) } });
      await floods[number % 4]!.send(controlFrame(NOBODY, hello));
    });
    await counted('refused_too_many').toBeGreaterThan(100);
    const { nodes } = (await orchestrator.get('/v1/stats')).body;
    expect(nodes.alive + nodes.unresponsive + nodes.dead).toBeLessThan(number / 2);
    await expectUnharmed(before, 120);
  });
});

describe('the outputs socket', () => {
  it('takes random bytes, mangled outputs, wrong topics and wrong leases, and records none of it', async () => {
    await start();
    const { known, peer } = await insider();
    peer.close();
    const before = await memoryMib();
    const hostile = await publisher();
    const topics = [
      outputTopic('work'),
      'output/',
      'output//',
      'output/work/more/',
      `output/${'x'.repeat(5000)}/`,
    ];
    await attack(1500, async () => {
      const frame = outputsFrame(
        outputOf(known, random.whole(0, 5)),
        outputOf({ ...known, lease: randomBytes(random, 8).toString('hex') }, 1, { type: 'bytes' }),
      );
      const topic = Buffer.from(random.chance(0.7) ? topics[0]! : random.pick(topics));
      if (random.chance(0.05)) await hostile.send(topic);
      else await hostile.send(topic, random.chance(0.2) ? frame : mangled(random, frame));
    });
    await hostile.send(Buffer.from(topics[0]!), Buffer.alloc(TEN_MB));
    await delay(500);
    expect(JSON.stringify(tape.events)).not.toContain('hostile"');
    await counted('outputs_dropped').toBeGreaterThan(100);
    await expectUnharmed(before, 120);
  });
});

describe('the events socket', () => {
  it('takes subscriptions to anything, and noise', async () => {
    await start();
    const before = await memoryMib();
    const socket = new Subscriber({ linger: 0, ...encrypted() });
    scene.atEnd(() => socket.close());
    socket.connect(orchestrator.ready.events);
    await attack(1000, async () => socket.subscribe(randomBytes(random, random.whole(0, 100))));
    socket.subscribe('x'.repeat(TEN_MB));
    const noise = connect(Number(new URL(orchestrator.ready.events).port), '127.0.0.1');
    noise.on('error', () => {});
    noise.end(randomBytes(random, 5000));
    await delay(500);
    await expectUnharmed(before, 120);
  });
});

describe('the handshake with CURVE', () => {
  it('takes mangled commands before it is over and mangled frames after it, and goes on', async () => {
    await start(true);
    await loadBoxes();
    const { serverKey, publicKey, secretKey } = curve!;
    const own = { publicKey: keyFromZ85(publicKey)!, secretKey: keyFromZ85(secretKey)! };
    const { known, peer, registration } = await insider();
    peer.close();
    const before = await memoryMib();
    const corpus = everyMessage(known);
    const mangledOr = (chance: number, bytes: Buffer): Buffer =>
      random.chance(chance) ? mangled(random, bytes) : bytes;
    await attack(200, async () => {
      const { control, outputs, events } = orchestrator.ready;
      const [endpoint, type] = random.pick([
        ...[[control, 'DEALER'] as const, [outputs, 'PUB'] as const, [events, 'SUB'] as const],
      ]);
      const socket = hostile(scene, endpoint);
      if (random.chance(0.3)) {
        const client = new CurveClient(keyFromZ85(serverKey)!, own);
        socket.end(Buffer.concat([mangledOr(0.3, CURVE_GREETING), mangled(random, client.hello())]));
        return;
      }
      const session = await welcomed(socket, serverKey, own);
      if (!session) return;
      const { client, welcome } = session;
      socket.write(mangledOr(0.3, client.initiate(welcome, type)));
      for (let frames = random.whole(0, 10); frames > 0; frames -= 1) {
        const inside = controlFrame(random.pick([NOBODY, registration]), random.pick(corpus));
        const flags = random.chance(0.8) ? 0 : random.whole(0, 255);
        socket.write(mangledOr(0.1, client.frame(flags, mangledOr(0.7, inside))));
      }
      socket.end();
    });
    await counted('refused_bad_frame').toBeGreaterThan(50);
    await expectUnharmed(before, 120);
  });
});

describe('HTTP and the WebSocket', () => {
  it('answer every malformed request with a coded error that is not a failure of theirs', async () => {
    await start();
    const before = await memoryMib();
    const { http } = orchestrator.ready;
    const values = [
      '',
      'x',
      '\u0000',
      '../..',
      '%00',
      'é',
      '9'.repeat(400),
      '01890000-0000-7000-8000-000000000000',
      '-1',
      'null',
    ];
    const bodies = [
      '',
      '{',
      '[]',
      'null',
      '{"graph":1}',
      '{"graph":"one"}',
      '{"graph":"one","input":{},"priority":1e9}',
      '{"command":[]}',
      `{"a":${'['.repeat(50_000)}`,
      '"\\ud800"',
      '{"__proto__":{"x":1}}',
    ];
    const routes = [
      '/v1/problems',
      '/v1/problems/$',
      '/v1/problems/$/iterations',
      '/v1/problems/$/iterations/$',
      '/v1/problems/$/iterations/$/commands',
      '/v1/problems/$/iterations/$/outputs/$',
      '/v1/problems/$/diff?a=$&b=$',
      '/v1/problems?limit=$&cursor=$&state=$',
      '/v1/nodes/$',
      '/v1/nodes/$/commands',
      '/v1/nodes/$/configuration',
      '/v1/commands/$',
      '/v1/graphs/$',
      '/v1/graphs/$/versions/$',
      '/v1/blobs/$',
      '/$',
    ];
    const codes = new Map<number, number>();
    await attack(250, async () => {
      const path = random.pick(routes).replaceAll('$', () => encodeURIComponent(random.pick(values)));
      const method = random.pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);
      const headers: Record<string, string> = random.chance(0.8)
        ? { 'content-type': random.pick(['application/json', 'text/plain', 'x/y;z=']) }
        : {};
      if (random.chance(0.2)) headers['idempotency-key'] = random.pick(['', 'k', 'k'.repeat(5000)]);
      if (random.chance(0.1)) headers.range = random.pick(['bytes=9-1', 'bytes=x', 'bytes=0-0,5-']);
      const hasBody = method !== 'GET' && method !== 'OPTIONS';
      const response = await fetch(http + path, {
        method,
        headers,
        ...(hasBody && { body: random.pick(bodies) }),
      });
      const text = await response.text();
      codes.set(response.status, (codes.get(response.status) ?? 0) + 1);
      expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(500);
      if (response.status >= 400) expect(JSON.parse(text).error.code, text).toMatch(/^[a-z_]+$/);
    });
    expect([...codes.keys()].filter((code) => code >= 400).length).toBeGreaterThan(3);
    const large = fetch(`${http}/v1/problems`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `"${'x'.repeat(TEN_MB)}"`,
    });
    // It need not read all of it to know: then the connection ends in the middle.
    expect(await large.then(({ status }) => status).catch(() => 'cut off')).toSatisfy(
      (answer) => answer === 413 || answer === 'cut off',
    );
    for (let round = 0; round < 30; round += 1) {
      const noise = connect(Number(new URL(http).port), '127.0.0.1');
      noise.on('error', () => {});
      noise.end(
        round % 2 === 0
          ? randomBytes(random, 3000)
          : `GET ${randomBytes(random, 50).toString('latin1')} HTTP/1.1\r\n\r\n`,
      );
    }
    const said = [
      '',
      '{',
      '[]',
      'null',
      '1',
      '{"type":"subscribe","cursor":-1}',
      '{"type":"subscribe","cursor":1e300}',
      '{"type":"subscribe","cursor":"0"}',
      '{"type":"subscribe","problem_id":{}}',
      '{"type":"subscribe","store_id":7}',
      '{"type":"x"}',
      '{"type":"unsubscribe"}',
    ];
    for (let round = 0; round < 40; round += 1) {
      const socket = new WebSocket(`${http.replace('http', 'ws')}/v1/stream`);
      socket.on('error', () => {});
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      await new Promise<void>((resolve) => socket.once('open', () => resolve()));
      for (let frames = 0; frames < 5; frames += 1) {
        socket.send(random.chance(0.7) ? random.pick(said) : randomBytes(random, random.whole(0, 300)));
      }
      if (round === 0) socket.send(Buffer.alloc(TEN_MB));
      setTimeout(() => socket.terminate(), 30);
      await closed;
    }
    await expectUnharmed(before, 150);
  });
});
