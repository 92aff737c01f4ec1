import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { acquireDataDir, holderOf } from '../../src/store/holder.js';
import { startOf } from '../../src/store/process-info.js';
import { bundleChild, type Child, startChild } from '../support/child.js';
import type { HolderRequest } from '../support/holder-child.js';

let file: string;
let dir: string;
let children: Child[];

beforeAll(async () => {
  file = await bundleChild(join(import.meta.dirname, '../support/holder-child.ts'));
});

afterAll(() => rm(join(file, '..'), { recursive: true }));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tutti-holder-'));
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  await rm(dir, { recursive: true, force: true });
});

function start() {
  const child = startChild(file);
  children.push(child);
  return {
    pid: child.process.pid!,
    process: child.process,
    kill: () => child.kill(),
    ask: (request: HolderRequest) => child.ask<void>(request),
    acquire: (takeover = false) => child.ask<void>({ do: 'acquire', dir, takeover } satisfies HolderRequest),
  };
}

const heldBy = (pid: number) => ({
  code: 'data_dir_held',
  message: expect.stringContaining(`${dir} is held by the orchestrator with pid ${pid}`),
});

describe('a data directory', () => {
  it('is made, held, named with its holder, and given back', async () => {
    const path = join(dir, 'deep/new');
    const release = await acquireDataDir(path);
    expect(await holderOf(path)).toEqual({ pid: process.pid, started: await startOf(process.pid) });
    await release();
    await release();
    expect(await holderOf(path)).toBeUndefined();
    await (await acquireDataDir(path))();
  });

  it('has nobody to name where it is not there', async () => {
    expect(await holderOf(join(dir, 'missing'))).toBeUndefined();
  });

  it('is refused to a second one, in another process and in the same, with the pid of the first', async () => {
    const child = start();
    await child.acquire();
    await expect(acquireDataDir(dir)).rejects.toMatchObject(heldBy(child.pid));
    await child.ask({ do: 'release' });
    const release = await acquireDataDir(dir);
    await expect(child.acquire()).rejects.toMatchObject(heldBy(process.pid));
    await expect(acquireDataDir(dir)).rejects.toMatchObject(heldBy(process.pid));
    await expect(acquireDataDir(dir, { takeover: true })).rejects.toMatchObject(heldBy(process.pid));
    await release();
  });

  it('is free again once its holder was killed', async () => {
    const child = start();
    await child.acquire();
    await child.kill();
    expect(await holderOf(dir)).toBeUndefined();
    await (await acquireDataDir(dir))();
    expect(await readdir(join(dir, 'holder'))).toEqual([]);
  });

  it('is free where the pid of a gone holder is another process now', async () => {
    await mkdir(join(dir, 'holder'));
    const stale = `${process.pid}_00000000.12345_abc`;
    await writeFile(join(dir, 'holder', `${stale}.claim`), '');
    await writeFile(join(dir, 'holder', `${stale}.held`), '');
    await (await acquireDataDir(dir))();
    expect(await readdir(join(dir, 'holder'))).toEqual([]);
  });

  it('is got by exactly one of many that start at once, again and again', async () => {
    const starters = Array.from({ length: 4 }, start);
    for (let round = 0; round < 8; round += 1) {
      const results = await Promise.allSettled(starters.map((starter) => starter.acquire()));
      const winners = starters.filter((_, i) => results[i]!.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'data_dir_held' });
      }
      expect((await holderOf(dir))?.pid).toBe(winners[0]!.pid);
      await winners[0]!.ask({ do: 'release' });
    }
  }, 30_000);

  it.each<[string, (child: ReturnType<typeof start>) => Promise<void>, NodeJS.Signals]>([
    ['ends when it is told to', async () => {}, 'SIGTERM'],
    ['does not end when it is told to', (child) => child.ask({ do: 'ignore SIGTERM' }), 'SIGKILL'],
    ['is stopped', async (child) => void child.process.kill('SIGSTOP'), 'SIGKILL'],
  ])('is taken over from a holder that %s', async (_, prepare, signal) => {
    const child = start();
    await child.acquire();
    await prepare(child);
    const ended = once(child.process, 'exit');
    const release = await acquireDataDir(dir, { takeover: true, graceMs: 300 });
    expect(await ended).toEqual([null, signal]);
    expect((await holderOf(dir))?.pid).toBe(process.pid);
    await release();
  });

  it('is taken over where nobody holds it, too', async () => {
    await (await acquireDataDir(dir, { takeover: true }))();
  });

  it('is refused with its name where it is a file', async () => {
    const path = join(dir, 'file');
    await writeFile(path, '');
    await expect(acquireDataDir(path)).rejects.toMatchObject({
      code: 'data_dir_unusable',
      message: expect.stringContaining(path),
    });
  });

  it('is refused with its name where it cannot be made', async () => {
    await writeFile(join(dir, 'file'), '');
    const path = join(dir, 'file', 'below');
    await expect(acquireDataDir(path)).rejects.toMatchObject({
      code: 'data_dir_unusable',
      message: expect.stringContaining(path),
    });
  });
});

describe('a process', () => {
  it('has a start time of its own, by which it is known again', async () => {
    const child = start();
    expect(await startOf(child.pid)).toMatch(/^[\w.-]+$/);
    expect(await startOf(child.pid)).toBe(await startOf(child.pid));
    expect(await startOf(child.pid)).not.toBe(await startOf(process.pid));
    await child.kill();
    expect(await startOf(child.pid)).toBeUndefined();
  });

  it('a process that has ended does not run, also before its parent has reaped it', async () => {
    // A shell that becomes `sleep` has a child that it never waits for.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const pid = Number(String((await once(parent.stdout, 'data'))[0]));
      await expect.poll(() => startOf(pid)).toBeUndefined();
    } finally {
      parent.kill('SIGKILL');
      await once(parent, 'close');
    }
  });
});
