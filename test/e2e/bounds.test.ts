/** What is too much for the house: each bound is stated here and in `docs/operations.md`, and looked at from outside. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

const MIB = 1024 ** 2;

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
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
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
  const GROWTH_MIB = 160;

  it('wait in bounded memory, and are done when there is one', async () => {
    const scene = Scene.ofTest();
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
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
