/** The bounds of the orchestrator: each is stated here and in `docs/operations.md`, and looked at from outside. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { nodeTopic, outputTopic } from '../../src/wire/topics.js';
import { GREETING, message, rawPeer, readyAs } from '../bus/zmtp/raw-peer.js';
import { outputOf, outputsFrame } from '../support/attack-frames.js';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { buildSlowSync } from '../support/slow-sync.js';

const MIB = 1024 ** 2;

/** The engine may not put the collection of garbage off: what grows is what is held. */
const EAGER = { NODE_OPTIONS: '--max-old-space-size=100' };

/** How far the memory of a process has grown at most since this was begun: what it maps of its store is not among it. */
async function watchGrowth(scene: Scene, pid: number): Promise<() => Promise<number>> {
  const anonymous = async (): Promise<number> => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  };
  const before = await anonymous();
  let most = before;
  const look = async (): Promise<void> => {
    most = Math.max(most, await anonymous());
  };
  const looking = setInterval(() => void look().catch(() => {}), 100);
  scene.atEnd(() => clearInterval(looking));
  return async () => {
    await look();
    clearInterval(looking);
    console.log(`memory grew by ${Math.round(most - before)} MiB at most`);
    return most - before;
  };
}

/** The value of a metric without labels. */
async function metric(orchestrator: OrchestratorProcess, name: string): Promise<number> {
  const text = await (await fetch(`${orchestrator.ready.http}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

describe('a node whose process exits', () => {
  it('shows as unresponsive within a second, however it went', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const tape = orchestrator.tape();
    for (const signal of ['SIGKILL', 'SIGSEGV'] as const) {
      const node = startNode(scene, orchestrator, { module: 'work', instance: signal });
      await node.line('registered ');
      const count = tape.events.filter(({ type }) => type === 'node.unresponsive').length;
      const wentAt = Date.now();
      node.signal(signal);
      const found = await tape.some('it is noticed', count + 1, ({ type }) => type === 'node.unresponsive');
      expect(Date.parse(found.at(-1)!.at) - wentAt).toBeLessThan(1000);
    }
  });
});

describe('100,000 outputs of one node, with a viewer that does not read', () => {
  const OUTPUTS = 100_000;
  /** Its window of outputs, the viewer's buffer, and what the engine leaves to its collector. */
  const GROWTH_MIB = 128;

  it('are recorded each; memory stays bounded, and the viewer gets all of it when it reads again', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], env: EAGER });
    startNode(scene, orchestrator, { module: 'work' });
    const viewer = new WebSocket(`${orchestrator.ready.http.replace('http', 'ws')}/v1/stream`);
    scene.atEnd(() => viewer.terminate());
    let cursor = 0;
    let ended: (() => void) | undefined;
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const faults: string[] = [];
    viewer.on('message', (data) => {
      const frame = JSON.parse(String(data));
      if (frame.type === 'hello') viewer.send('{"type":"subscribe","cursor":0}');
      for (const event of frame.type === 'events' ? frame.events : []) {
        if (event.seq !== cursor + 1) faults.push(`${event.seq} after ${cursor}`);
        cursor = event.seq;
        if (event.type === 'iteration.succeeded') ended?.();
      }
      if (frame.type === 'gap') faults.push(String(data));
    });
    await new Promise((resolve) => viewer.once('open', resolve));
    await expect.poll(() => cursor).toBeGreaterThan(0);
    viewer.pause();
    const growth = await watchGrowth(scene, orchestrator.process.pid);
    const { task_id: task } = await orchestrator.submit('one', { work: { partials: OUTPUTS } });
    const isDone = async () => (await orchestrator.task(task)).state;
    await expect.poll(isDone, { timeout: 200_000, interval: 500 }).toBe('succeeded');
    expect(await orchestrator.executions(task)).toMatchObject([{ outputs: OUTPUTS + 1 }]);
    expect(await metric(orchestrator, 'tutti_viewers_behind')).toBe(1);
    expect(await metric(orchestrator, 'tutti_mailbox_steps')).toBeLessThan(1000);
    expect(await growth()).toBeLessThan(GROWTH_MIB);
    viewer.resume();
    await end;
    expect(faults).toEqual([]);
  }, 300_000);
});

describe('10,000 tasks for which there is no node', () => {
  const TASKS = 10_000;
  /** Some kilobytes each: only unfinished tasks are held. */
  const GROWTH_MIB = 120;

  it('wait in bounded memory, and are done when there is one', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], env: EAGER });
    const growth = await watchGrowth(scene, orchestrator.process.pid);
    let left = TASKS;
    const client = async (): Promise<void> => {
      while (left-- > 0) await orchestrator.submit('one', {});
    };
    await Promise.all(Array.from({ length: 32 }, client));
    expect(await metric(orchestrator, 'tutti_tasks_unfinished')).toBe(TASKS);
    expect(await metric(orchestrator, 'tutti_evaluations_pending')).toBe(0);
    startNode(scene, orchestrator, { module: 'work', capacity: 100 });
    const unfinished = () => metric(orchestrator, 'tutti_tasks_unfinished');
    await expect.poll(unfinished, { timeout: 200_000, interval: 500 }).toBe(0);
    expect(await growth()).toBeLessThan(GROWTH_MIB);
    const { body } = await orchestrator.get('/v1/problems?state=succeeded&limit=1');
    expect(body.items).toHaveLength(1);
  }, 300_000);
});

/** A peer that says hello as this type of socket, and then this again and again, as fast as it is taken, until it is ended. */
async function flood(
  scene: Scene,
  endpoint: string,
  type: string,
  next: (count: number) => Uint8Array,
): Promise<{ readonly socket: Socket; count(): number }> {
  const open: Socket[] = [];
  const socket = await rawPeer(Number(new URL(endpoint).port), open, GREETING, readyAs(type));
  scene.atEnd(() => socket.destroy());
  let count = 0;
  const pour = (): void => {
    while (!socket.destroyed) {
      count += 1;
      if (!socket.write(next(count))) return;
    }
  };
  socket.resume().on('drain', pour);
  pour();
  return { socket, count: () => count };
}

describe('a flood of large outputs while the disk is stuck', () => {
  /** So slow that nothing waits for it on the loop's own thread. */
  const SLOW_MS = 20;
  const PUBLISHERS = 3;
  const FRAME_BYTES = 4 * MIB;
  /** What waits in the mailbox, what is decided meanwhile, and what the engine leaves to its collector. */
  const GROWTH_MIB = 600;

  it('stays with its senders: memory is bounded, and others are served', async (ctx) => {
    const shim = await buildSlowSync();
    if (shim === undefined) return ctx.skip('needs cc');
    const scene = Scene.ofTest();
    scene.atEnd(() => rm(dirname(shim), { recursive: true }));
    const stuck = join(dirname(shim), 'stuck');
    const env = { LD_PRELOAD: shim, TUTTI_SLOW_SYNC_MS: String(SLOW_MS), TUTTI_STUCK_WHILE: stuck };
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'], env });
    const growth = await watchGrowth(scene, orchestrator.process.pid);
    const bytes = Buffer.alloc(FRAME_BYTES);
    const nobody = { executionId: '01890000-0000-7000-8000-000000000000', lease: 'made up' };
    const output = outputOf(nobody, 1, { payload: { kind: 'inline', bytes } });
    const outputs = message(outputTopic('work'), outputsFrame(output));
    const floods = await Promise.all(
      Array.from({ length: PUBLISHERS }, () =>
        flood(scene, orchestrator.ready.outputs, 'PUB', () => outputs),
      ),
    );
    await writeFile(stuck, '');
    const submitted = orchestrator.submit('one', {});
    const waiting = () => metric(orchestrator, 'tutti_mailbox_bytes');
    // The mailbox is full, and stays at that.
    await expect.poll(waiting, { timeout: 100_000 }).toBeGreaterThan(256 * MIB - FRAME_BYTES);
    await pause(1000);
    expect(await waiting()).toBeLessThan(256 * MIB + 2 * FRAME_BYTES);
    expect(await metric(orchestrator, 'tutti_outputs_connections')).toBe(PUBLISHERS);
    expect(await metric(orchestrator, 'tutti_outputs_held_bytes')).toBeLessThan(PUBLISHERS * 2 * FRAME_BYTES);
    await rm(stuck);
    await submitted;
    for (const { socket } of floods) socket.destroy();
    expect(await growth()).toBeLessThan(GROWTH_MIB);
    expect(await metric(orchestrator, 'tutti_tasks_unfinished')).toBe(1);
  }, 200_000);
});

describe('subscribers of events', () => {
  const SUBSCRIPTIONS = 300_000;
  const GROWTH_MIB = 64;

  it('subscribers that subscribe without end, or do not read, cost little, and are ended or miss the events that they do not read', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const growth = await watchGrowth(scene, orchestrator.process.pid);
    let subscriptions = 0;
    for (let round = 0; subscriptions < SUBSCRIPTIONS; round += 1) {
      const many = await flood(scene, orchestrator.ready.events, 'SUB', (count) =>
        message(`\u0001${nodeTopic(`${round}-${count}`)}`.padEnd(200, 'x')),
      );
      await new Promise((resolve) => many.socket.once('close', resolve));
      subscriptions += many.count();
    }
    await expect.poll(() => metric(orchestrator, 'tutti_events_subscriptions')).toBe(0);
    expect((await orchestrator.get('/v1/stats')).body.counters.refused_bad_frame).toBeGreaterThan(10);
    expect(orchestrator.process.stderr).toMatch(/"via":"events".*more than 1000 subscriptions/);

    const stuck = await rawPeer(
      Number(new URL(orchestrator.ready.events).port),
      [],
      GREETING,
      readyAs('SUB'),
    );
    scene.atEnd(() => stuck.destroy());
    stuck.write(message('\u0001task/'));
    await expect.poll(() => metric(orchestrator, 'tutti_events_subscriptions')).toBe(1);
    stuck.pause();
    const tape = orchestrator.tape();
    startNode(scene, orchestrator, { module: 'work' });
    const { task_id: task } = await orchestrator.submit('one', { work: { partials: 40_000 } });
    expect(await tape.ended(task)).toEqual(['succeeded']);
    expect(await metric(orchestrator, 'tutti_events_queued_frames')).toBeLessThanOrEqual(1000);
    expect(await metric(orchestrator, 'tutti_events_missed_frames_total')).toBeGreaterThan(0);
    expect(await growth()).toBeLessThan(3 * GROWTH_MIB);
  });
});

describe('a blob of 1 GiB', () => {
  const PIECE = randomBytes(MIB);
  const PIECES = 1024;
  /** A few pieces of it on their way, and what the engine leaves to its collector. */
  const GROWTH_MIB = 64;

  it('goes in and out as a stream: memory does not notice', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const hash = createHash('sha256');
    for (let piece = 0; piece < PIECES; piece += 1) hash.update(PIECE);
    const sha256 = hash.digest('hex');
    const url = `${orchestrator.ready.http}/v1/blobs/${sha256}`;
    // The first upload of all loads what uploads need.
    const small = createHash('sha256').update('x').digest('hex');
    await fetch(`${orchestrator.ready.http}/v1/blobs/${small}`, { method: 'PUT', body: 'x' });
    const growth = await watchGrowth(scene, orchestrator.process.pid);
    const pieces = function* (): Generator<Buffer> {
      for (let piece = 0; piece < PIECES; piece += 1) yield PIECE;
    };
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-length': PIECES * MIB, 'content-type': 'application/octet-stream' };
      const put = request(url, { method: 'PUT', headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      put.on('error', reject);
      pipeline(Readable.from(pieces()), put).catch(reject);
    });
    expect(status).toBe(201);
    const back = createHash('sha256');
    const response = await fetch(url);
    for await (const chunk of response.body!) back.update(chunk);
    expect(back.digest('hex')).toBe(sha256);
    expect(await growth()).toBeLessThan(GROWTH_MIB);
  }, 200_000);
});

describe('docs/operations.md', () => {
  it('names only metrics that there are', async () => {
    const orchestrator = await OrchestratorProcess.up(Scene.ofTest(), { graphs: ['one'] });
    const text = await (await fetch(`${orchestrator.ready.http}/metrics`)).text();
    const docs = await readFile(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
    const named = new Set([...docs.matchAll(/`(tutti_[a-z_]+)/g)].map(([, name]) => name!));
    expect(named.size).toBeGreaterThan(12);
    expect([...named].filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
  });
});
