/** Backups of a system at work, and what is restored from them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startNode } from '../support/nodes.js';
import { OrchestratorProcess, TUTTI } from '../support/orchestrator.js';
import { Scene } from '../support/processes.js';

interface Ran {
  readonly code: number;
  readonly document: Record<string, unknown>;
}

async function tutti(...args: readonly string[]): Promise<Ran> {
  const run = promisify(execFile)(process.execPath, [TUTTI, ...args, '--json']);
  const { stdout, code } = await run.then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; code: number }) => error,
  );
  return { code, document: JSON.parse(stdout) as Record<string, unknown> };
}

/** What a viewer with a cursor of another store is told first; ticks, which come at any time, are left out. */
function firstAfter(http: string, subscribe: object): Promise<Record<string, unknown>[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${http.replace('http', 'ws')}/v1/stream`);
    const frames: Record<string, unknown>[] = [];
    socket.on('error', reject);
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Record<string, unknown>;
      if (frame.type === 'tick') return;
      frames.push(frame);
      if (frames.length === 1) socket.send(JSON.stringify({ type: 'subscribe', ...subscribe }));
      if (frames.length === 3) {
        socket.terminate();
        resolve(frames);
      }
    });
  });
}

describe('a backup', () => {
  it('a backup of a system at work is whole, and restored it is another store in which the nodes continue', async () => {
    const scene = Scene.ofTest();
    const directory = await scene.directory();
    const backup = join(directory, 'backup');
    const orchestrator = await OrchestratorProcess.up(scene, { graphs: ['one'] });
    const { data, store_id: before } = orchestrator.ready;
    const tape = orchestrator.tape();
    startNode(scene, orchestrator, { module: 'work', capacity: 4 });
    const { task_id: kept } = await orchestrator.submit('one', { name: 'kept' });
    expect(await tape.ended(kept)).toEqual(['succeeded']);
    const atWork = Promise.all(
      Array.from({ length: 20 }, () => orchestrator.submit('one', { work: { random_ms: 50 } })),
    );
    expect(await tutti('backup', backup, '--data', data)).toMatchObject({ code: 0, document: { backup } });
    await tape.ended(...(await atWork).map(({ task_id }) => task_id));
    expect(await tutti('check', backup)).toMatchObject({ code: 0, document: { ok: true, faults: [] } });
    expect(await tutti('check', data)).toMatchObject({ code: 0, document: { ok: true } });
    const { task_id: later } = await orchestrator.submit('one', { name: 'later' });
    expect(await tape.ended(later)).toEqual(['succeeded']);
    const cursor = tape.cursor;
    tape.close();

    expect(await tutti('restore', backup, '--data', data)).toMatchObject({
      code: 1,
      document: { error: { code: 'data_dir_held' } },
    });
    const restored = await tutti('restore', backup, '--data', data, '--takeover');
    expect(restored.code).toBe(0);
    expect(await orchestrator.process.exited).toMatchObject({ code: 0 });
    const { store_id } = await orchestrator.restart();
    expect(store_id).toBe(restored.document.store_id);
    expect(store_id).not.toBe(before);
    expect(await orchestrator.output(kept, 'work')).toMatchObject({ name: 'kept' });
    expect((await orchestrator.get(`/v1/problems/${later.split('/')[0]}`)).status).toBe(404);
    const frames = await firstAfter(orchestrator.ready.http, { cursor, store_id: before });
    expect(frames.map(({ type }) => type)).toEqual(['hello', 'subscribed', 'gap']);
    const again = orchestrator.tape();
    const { task_id: anew } = await orchestrator.submit('one', {});
    expect(await again.ended(anew)).toEqual(['succeeded']);
  });

  it('goes to a new folder, and only a store can be checked or restored', async () => {
    const directory = await Scene.ofTest().directory();
    expect(await tutti('check', directory)).toMatchObject({
      code: 2,
      document: { error: { code: 'store_missing' } },
    });
    expect(await tutti('restore', directory, '--data', join(directory, 'd'))).toMatchObject({ code: 2 });
    expect(await tutti('backup', join(directory, 'b'), '--data', directory)).toMatchObject({ code: 2 });
  });
});
