import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/lmdb.js';
import type { Key, Write } from '../../src/store/store.js';
import { storeContract } from '../contract/store.contract.js';
import { bundleChild, type Child, startChild } from '../support/child.js';
import type { StoreRequest, TimedOutcome } from '../support/lmdb-child.js';
import { buildSlowSync, readSyncLog } from '../support/slow-sync.js';

const newDir = () => mkdtemp(join(tmpdir(), 'tutti-store-'));
const put = (key: Key, bytes = 0): Write => ({
  op: 'put',
  table: 'events',
  key,
  value: new Uint8Array(bytes),
});

storeContract('the LMDB store', async () => {
  const dir = await newDir();
  return { open: () => openStore({ dir }), remove: () => rm(dir, { recursive: true }) };
});

describe('an LMDB store', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await newDir();
  });

  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('is made in a directory that is missing', async () => {
    const store = await openStore({ dir: join(dir, 'new/one') });
    expect(await store.reign()).toBe(1);
    await store.close();
  });

  it('gets one store_id where two open a new directory at once', async () => {
    const stores = await Promise.all([openStore({ dir }), openStore({ dir }), openStore({ dir })]);
    expect(new Set(stores.map(({ storeId }) => storeId)).size).toBe(1);
    await Promise.all(stores.map((store) => store.close()));
  });

  it.each([
    ['is a file', async (path: string) => writeFile(path, '')],
    [
      'holds something else under its name',
      async (path: string) => {
        await mkdir(path);
        await writeFile(join(path, 'store.mdb'), 'no store of any kind '.repeat(2000));
      },
    ],
  ])('is refused with the directory named where that %s', async (_, spoil) => {
    const path = join(dir, 'spoilt');
    await spoil(path);
    await expect(openStore({ dir: path })).rejects.toMatchObject({
      code: 'store_unusable',
      message: expect.stringContaining(path),
    });
  });

  it('takes no more than the address space allows, reads on, and deletes still go', async () => {
    const GIB = 1024 ** 3;
    const limits = { addressBytes: 1.5 * GIB, fileBytes: Number.POSITIVE_INFINITY };
    const store = await openStore({ dir, limits });
    const epoch = await store.reign();
    const value = new Uint8Array(16 * 1024 ** 2);
    let stored = 0;
    let outcome = await store.commit(epoch, [{ op: 'put', table: 'events', key: [0], value }]);
    while (outcome.kind === 'committed') {
      stored += 1;
      outcome = await store.commit(epoch, [{ op: 'put', table: 'events', key: [stored], value }]);
    }
    expect(outcome).toMatchObject({ kind: 'full', message: expect.stringContaining('ulimit -v') });
    expect(stored).toBeGreaterThan(20);
    expect(await store.keys('events', { prefix: [] })).toHaveLength(stored);
    expect(await store.commit(epoch, [{ op: 'delete', table: 'events', key: [0] }])).toEqual({
      kind: 'committed',
    });
    await store.close();
    // It writes 1.5 GB.
  }, 120_000);

  it.each([
    [{ addressBytes: 1024 ** 3, fileBytes: Number.POSITIVE_INFINITY }, 'ulimit -v'],
    [{ addressBytes: Number.POSITIVE_INFINITY, fileBytes: 1024 ** 2 }, 'ulimit -f'],
  ])('is not opened where %j would end the process later', async (limits, hint) => {
    await expect(openStore({ dir, limits })).rejects.toMatchObject({
      code: 'limit_too_low',
      hint: expect.stringContaining(hint),
    });
  });

  it('lists the keys of large values without reading those, and a page without reading past its limit', async () => {
    const store = await openStore({ dir });
    const epoch = await store.reign();
    const mebibyte = 1024 * 1024;
    for (let i = 0; i < 32; i += 1) await store.commit(epoch, [put([i], mebibyte)]);
    await store.applied(store.position);
    const before = process.memoryUsage().arrayBuffers;
    expect(await store.keys('events', { prefix: [] })).toHaveLength(32);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(mebibyte);
    expect(await store.range('events', { prefix: [], limit: 2 })).toHaveLength(2);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * mebibyte);
    await store.close();
  });
});

describe('an LMDB store in processes of their own', () => {
  let file: string;
  let shim: string | undefined;
  let dir: string;
  let children: Child[];

  beforeAll(async () => {
    [file, shim] = await Promise.all([
      bundleChild(join(import.meta.dirname, '../support/lmdb-child.ts')),
      buildSlowSync(),
    ]);
  });

  beforeEach(async () => {
    dir = await newDir();
    children = [];
  });

  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await rm(dir, { recursive: true, force: true });
  });

  afterAll(() => Promise.all([file, shim].map((path) => path && rm(join(path, '..'), { recursive: true }))));

  async function start(env: Readonly<Record<string, string>> = {}) {
    const child = startChild(file, env);
    children.push(child);
    const ask = <T>(request: StoreRequest) => child.ask<T>(request);
    await ask({ do: 'open', dir });
    return { ask, kill: () => child.kill() };
  }

  it('resolves a commit, and shows it to any reader, only after its write to the log has returned synced', async (ctx) => {
    if (shim === undefined) return ctx.skip('needs cc');
    const log = join(dir, 'syncs');
    const writer = await start({ LD_PRELOAD: shim, TUTTI_SLOW_SYNC_MS: '300', TUTTI_SYNC_LOG: log });
    const reader = await start();
    const epoch = await writer.ask<number>({ do: 'reign' });
    const seenElsewhere = reader.ask<string>({ do: 'watch', key: ['k'] });
    const seenThere = writer.ask<string>({ do: 'watch', key: ['k'] });
    const commit = await writer.ask<TimedOutcome>({ do: 'commit', epoch, keys: [['k'], ['l']], bytes: 100 });
    expect(commit.outcome).toEqual({ kind: 'committed' });
    const [begun, end] = [BigInt(commit.start), BigInt(commit.end)];
    const within = (await readSyncLog(log)).filter((sync) => sync.start >= begun && sync.end <= end);
    // Files are filled ahead at the same time.
    const [write, ...others] = within.filter(({ file }) => file.endsWith('.seg'));
    expect(others).toEqual([]);
    expect(write?.what).toMatch(/^pwrite/);
    const synced = write!.end;
    expect(synced - begun).toBeGreaterThanOrEqual(300_000_000n);
    expect(BigInt(await seenElsewhere)).toBeGreaterThan(synced);
    expect(BigInt(await seenThere)).toBeGreaterThan(synced);
  }, 20_000);

  it('makes an epoch durable before it reigns', async (ctx) => {
    if (shim === undefined) return ctx.skip('needs cc');
    const log = join(dir, 'syncs');
    const writer = await start({ LD_PRELOAD: shim, TUTTI_SYNC_LOG: log });
    const before = (await readSyncLog(log)).length;
    expect(await writer.ask({ do: 'reign' })).toBe(1);
    const syncs = (await readSyncLog(log)).slice(before);
    const ofTables = syncs.filter((sync) => sync.file === 'store.mdb');
    const meta = ofTables.findLastIndex(({ what }) => what.startsWith('pwrite'));
    // What the new store's file is filled with may be synced in between.
    expect(ofTables.slice(0, meta).map(({ what }) => what)).toContain('fdatasync');
    // The header of its first segment, before that has its name.
    const header = syncs.find((sync) => sync.file === '1.seg.new');
    expect(header?.end).toBeLessThan(ofTables[meta]!.start);
  });

  it('is full on a full disk, stays readable, can be pruned, uses what that frees, and goes on once there is room', async (ctx) => {
    if (shim === undefined) return ctx.skip('needs cc');
    const full = join(dir, 'full');
    const writer = await start({ LD_PRELOAD: shim, TUTTI_DISK_FULL: full });
    const reader = await start();
    const epoch = await writer.ask<number>({ do: 'reign' });
    const expected = new Map<number, readonly Key[]>();
    let batches = 0;
    const write = async () => {
      batches += 1;
      const keys = Array.from({ length: 100 }, (_, i): Key => [batches, i]);
      const { outcome } = await writer.ask<TimedOutcome>({ do: 'commit', epoch, keys, bytes: 1000 });
      if (outcome.kind === 'committed') expected.set(batches, keys);
      return outcome;
    };
    let leader = writer;
    const isAllThere = async () => {
      const keys = [...expected.values()].flat();
      const position = await leader.ask<number>({ do: 'position' });
      expect(await leader.ask({ do: 'keys' })).toEqual(keys);
      expect(await reader.ask({ do: 'keys at', position })).toEqual(keys);
    };

    await write();
    await writeFile(full, '');
    // What the tables give back when they are written may be enough for another one.
    for (let refused = 0; refused < 3; ) {
      const outcome = await write();
      if (outcome.kind !== 'committed')
        expect(outcome).toEqual({
          kind: 'full',
          message: expect.stringContaining('no space left on device'),
        });
      refused = outcome.kind === 'full' ? refused + 1 : 0;
    }
    await isAllThere();
    expect(expected.size).toBeGreaterThan(10);

    const restarted = await start({ LD_PRELOAD: shim, TUTTI_DISK_FULL: full });
    const next = await restarted.ask<number>({ do: 'reign' });
    expect(next).toBe(epoch + 1);
    expect(await write()).toEqual({ kind: 'fenced', epoch: next });
    leader = restarted;

    for (const [batch, keys] of [...expected].slice(0, -5)) {
      expect(await leader.ask({ do: 'delete', epoch: next, keys })).toEqual({ kind: 'committed' });
      expected.delete(batch);
    }
    await isAllThere();
    const again: Key[] = [[100_000], [100_001]];
    expect(await leader.ask({ do: 'commit', epoch: next, keys: again, bytes: 1000 })).toMatchObject({
      outcome: { kind: 'committed' },
    });
    expected.set(100_000, again);

    await rm(full);
    const many = Array.from({ length: 3000 }, (_, i): Key => ['many', i]);
    expect(await leader.ask({ do: 'commit', epoch: next, keys: many, bytes: 1000 })).toMatchObject({
      outcome: { kind: 'committed' },
    });
    expected.set(100_001, many);
    await isAllThere();
    for (const each of [leader, writer, reader]) await each.ask({ do: 'exit' });
    const store = await openStore({ dir });
    const entries = await store.range('events', { prefix: [] });
    expect(entries.map(({ key }) => key)).toEqual([...expected.values()].flat());
    expect(entries.every(({ value }) => value.length === 1000 && value.every((byte) => byte === 7))).toBe(
      true,
    );
    await store.close();
  }, 60_000);

  it('keeps every batch that was committed before its process was killed, and half of none', async () => {
    const writer = await start();
    const epoch = await writer.ask<number>({ do: 'reign' });
    const committed: number[] = [];
    const sent = Array.from({ length: 400 }, async (_, batch) => {
      const keys = Array.from({ length: 20 }, (_, i): Key => [batch, i]);
      await writer.ask({ do: 'commit', epoch, keys, bytes: 500 });
      committed.push(batch);
      if (committed.length === 100) await writer.kill();
    });
    await Promise.allSettled(sent);
    expect(committed.length).toBeGreaterThanOrEqual(100);
    const store = await openStore({ dir });
    expect(await store.reign()).toBe(epoch + 1);
    const counts = new Map<Key[number], number>();
    for (const [batch] of await store.keys('events', { prefix: [] }))
      counts.set(batch!, (counts.get(batch!) ?? 0) + 1);
    for (const batch of committed) expect(counts.get(batch)).toBe(20);
    expect(new Set(counts.values())).toEqual(new Set([20]));
    await store.close();
  });

  it('fences a process off as soon as another one reigns', async () => {
    const [first, second] = [await start(), await start()];
    const old = await first.ask<number>({ do: 'reign' });
    const next = await second.ask<number>({ do: 'reign' });
    const { outcome } = await first.ask<TimedOutcome>({
      do: 'commit',
      epoch: old,
      keys: [['late']],
      bytes: 1,
    });
    expect(outcome).toEqual({ kind: 'fenced', epoch: next });
    expect(await second.ask({ do: 'keys' })).toEqual([]);
  });
});
