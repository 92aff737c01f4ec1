/** What a node that holds the token can do to the history: fill it, swell it, add to what is over, lie about what it refers to. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Assign } from '../../src/model/protocol.js';
import { type Json, OrchestratorProcess, pathOf } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';
import { RawPeer } from '../support/raw-peer.js';

const MIB = 1024 * 1024;
/** A character that takes six bytes in JSON. */
const CONTROL = '\u0001';

interface Stage {
  readonly scene: Scene;
  readonly orchestrator: OrchestratorProcess;
  readonly peer: RawPeer;
  readonly task: string;
  readonly assign: Assign;
}

/** A node that has accepted the only module of a task. */
async function stage(): Promise<Stage> {
  const scene = Scene.ofTest();
  const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
  const peer = new RawPeer(scene, orchestrator);
  await peer.join();
  const { task_id: task } = await orchestrator.submit('one', {});
  return { scene, orchestrator, peer, task, assign: await peer.assignment() };
}

/** Of a list, all pages: the bytes of each, and the items of all. */
async function pages(
  orchestrator: OrchestratorProcess,
  path: string,
): Promise<{ readonly bytes: number[]; readonly items: Json[] }> {
  const bytes: number[] = [];
  const items: Json[] = [];
  let cursor = '';
  for (;;) {
    const text = await (await fetch(`${orchestrator.ready.http}${path}?limit=1000${cursor}`)).text();
    bytes.push(text.length);
    const page = JSON.parse(text) as Json;
    items.push(...page.items);
    if (page.next_cursor === null) return { bytes, items };
    cursor = `&cursor=${page.next_cursor}`;
  }
}

/** Ends the execution, and settles when that is committed: by its last output, whose socket has no order with that of the log lines. */
async function finish({ peer, assign }: Stage): Promise<void> {
  peer.publish(assign, 1, { last: true });
  await peer.acked(assign.executionId, 1, true);
  peer.running.delete(assign.executionId);
}

/** Likewise, by a report, which comes after the log lines. */
async function fail({ peer, assign }: Stage): Promise<void> {
  peer.report(assign, 'FAILED', 0, 'failed');
  await peer.acked(assign.executionId, 0, true);
}

describe('a node that floods the history', () => {
  it('frames with one huge line of control characters do not end the orchestrator', async () => {
    const on = await stage();
    const { orchestrator, peer, assign, task } = on;
    for (let sent = 0; sent < 16; sent += 1) peer.log(assign, CONTROL.repeat(8_000_000));
    await fail(on);
    expect(orchestrator.process.isRunning).toBe(true);
    const { bytes } = await pages(orchestrator, `${pathOf(task)}/events`);
    for (const size of bytes.slice(0, -1)) expect(size).toBeLessThan(60 * MIB);
  });

  it('gets its lines read by pages of four mebibytes, each of them once, and streamed in frames of about one', async () => {
    const on = await stage();
    const { scene, orchestrator, peer, assign, task } = on;
    const lines = 1500;
    for (let index = 0; index < lines; index += 1) peer.log(assign, `${index}:${'x'.repeat(8000)}`);
    await fail(on);
    const log = `${pathOf(task)}/executions/${assign.executionId}/log`;
    for (const path of [log, `${pathOf(task)}/events`]) {
      const { bytes, items } = await pages(orchestrator, path);
      for (const size of bytes) expect(size).toBeLessThan(4.5 * MIB);
      expect(bytes.length).toBe(3);
      const logged = items.filter(({ type }) => type === 'execution.log');
      expect(logged.map(({ message }) => Number.parseInt(message, 10))).toEqual(
        Array.from({ length: lines }, (_, index) => index),
      );
    }
    const frames = await streamed(scene, orchestrator, lines);
    for (const size of frames) expect(size).toBeLessThan(2 * MIB);
  });

  it('adds nothing to an execution that has ended, neither events nor bytes', async () => {
    const on = await stage();
    const { orchestrator, peer, assign, task } = on;
    await finish(on);
    const history = await pages(orchestrator, `${pathOf(task)}/events`);
    for (let sent = 0; sent < 2000; sent += 1) {
      peer.log(assign, 'x'.repeat(1000));
      peer.report(assign, 'PROGRESS');
      peer.publish(assign, 2 + sent);
      peer.publish(assign, 1, { type: 'nonsense' });
    }
    // What was said before on both sockets has been dealt with once this is acknowledged.
    await orchestrator.submit('one', {});
    await finish({ ...on, assign: await peer.assignment() });
    expect(await pages(orchestrator, `${pathOf(task)}/events`)).toEqual(history);
  });
});

describe('a node that lies about a blob', () => {
  it.each([
    ['a smaller size', -5],
    ['a larger size', 5],
    ['no size', -20],
  ])('says %s, and its output is refused: nobody is served a length that it made up', async (_, by) => {
    const { orchestrator, peer, assign, task } = await stage();
    const content = Buffer.from('{"a":"0123456789ab"}');
    const sha256 = createHash('sha256').update(content).digest('hex');
    const put = await fetch(`${orchestrator.ready.http}/v1/blobs/${sha256}`, {
      method: 'PUT',
      body: content,
    });
    expect(put.ok).toBe(true);
    const payload = { kind: 'blob', blob: { sha256, size: content.length + by } } as const;
    peer.publish(assign, 1, { last: true, payload });
    const { message } = await peer.next('refused');
    expect(message).toMatchObject({ code: 'bad_payload', executionId: assign.executionId, seq: 1 });
    const { items } = await pages(orchestrator, `${pathOf(task)}/events`);
    expect(items.map(({ type }) => type)).not.toContain('output.recorded');
    expect((await orchestrator.task(task)).state).toBe('failed');
  });
});

/** The sizes of the frames by which a viewer that comes late gets the whole history, until it has so many lines. */
function streamed(scene: Scene, orchestrator: OrchestratorProcess, lines: number): Promise<number[]> {
  const socket = new WebSocket(`${orchestrator.ready.http.replace('http', 'ws')}/v1/stream`);
  scene.atEnd(() => socket.close());
  const sizes: number[] = [];
  let seen = 0;
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', cursor: 0 })));
    socket.on('message', (data: Buffer) => {
      sizes.push(data.length);
      const frame = JSON.parse(data.toString()) as Json;
      if (frame.type !== 'events') return;
      for (const { type } of frame.events) seen += type === 'execution.log' ? 1 : 0;
      if (seen >= lines) resolve(sizes);
    });
  });
}
