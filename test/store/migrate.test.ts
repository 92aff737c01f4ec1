/** A store of an older schema becomes a current one as a whole, or stays as it is. */
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/lmdb.js';
import type { Migration } from '../../src/store/schema.js';
import type { Key, Store, Write } from '../../src/store/store.js';
import { bundleChild, type Child, startChild } from '../support/child.js';
import { buildSlowSync } from '../support/slow-sync.js';

const put = (key: Key, value = new Uint8Array(10).fill(7)): Write => ({
  op: 'put',
  table: 'events',
  key,
  value,
});
const rename: Migration = ({ table, key, value }) => [{ table, key: ['renamed', ...key], value }];
const keep: Migration = (row) => [row];

let dir: string;
let file: string;
let shim: string | undefined;
let child: Child | undefined;

beforeAll(async () => {
  file = await bundleChild(join(import.meta.dirname, '../support/lmdb-child.ts'));
  shim = await buildSlowSync();
});

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tutti-schema-'));
});

afterEach(async () => {
  await child?.kill();
  child = undefined;
  await rm(dir, { recursive: true, force: true });
});

afterAll(() => Promise.all([file, shim].map((path) => path && rm(join(path, '..'), { recursive: true }))));

async function make(migrations: readonly Migration[], writes = [put([1]), put([2])]): Promise<Store> {
  const store = await openStore({ dir, migrations });
  await store.commit(await store.reign(), writes);
  return store;
}

async function keysOf(migrations: readonly Migration[]): Promise<Key[]> {
  const store = await openStore({ dir, migrations });
  try {
    expect((await store.range('events', { prefix: [] })).every(({ value }) => value[0] === 7)).toBe(true);
    return await store.keys('events', { prefix: [] });
  } finally {
    await store.close();
  }
}

describe('a store of another schema', () => {
  it('is refused when that is newer, with directory and versions named, and stays as it is', async () => {
    const store = await make([rename, rename]);
    await store.close();
    for (const migrations of [[], [rename]]) {
      await expect(openStore({ dir, migrations })).rejects.toMatchObject({
        code: 'store_schema_newer',
        message: `${dir} holds a store of schema version 3; this version of Tutti knows up to ${migrations.length + 1}`,
      });
    }
    const again = await openStore({ dir, migrations: [rename, rename] });
    expect(again.storeId).toBe(store.storeId);
    expect(await again.keys('events', { prefix: [] })).toEqual([[1], [2]]);
    await again.close();
  });

  it('is brought up step by step when that is older, once, under its own store_id', async () => {
    const empty: Write = { op: 'put', table: 'unfinished', key: [3], value: new Uint8Array() };
    const older = await make([], [put([1]), put([2]), empty]);
    await older.close();
    for (let times = 0; times < 2; times += 1) {
      const store = await openStore({ dir, migrations: [rename, rename] });
      expect(store.storeId).toBe(older.storeId);
      expect(await store.get('unfinished', ['renamed', 'renamed', 3])).toEqual(new Uint8Array());
      expect(await store.keys('events', { prefix: [] })).toEqual([
        ['renamed', 'renamed', 1],
        ['renamed', 'renamed', 2],
      ]);
      await store.close();
    }
    expect(await readdir(dir)).not.toContain('migration');
  });

  it('takes along what is in its log only, and a process that still writes to the older one acknowledges nothing more', async () => {
    child = startChild(file);
    await child.ask({ do: 'open', dir, older: true });
    const epoch = await child.ask<number>({ do: 'reign' });
    await child.ask({ do: 'commit', epoch, keys: [[1], [2]], bytes: 10 });
    const store = await openStore({ dir, migrations: [rename] });
    expect(await store.keys('events', { prefix: [] })).toEqual([
      ['renamed', 1],
      ['renamed', 2],
    ]);
    const late = child.ask({ do: 'commit', epoch, keys: [[3]], bytes: 10 });
    await expect(late).rejects.toMatchObject({ code: 'store_gone' });
    const next = await store.reign();
    expect(next).toBeGreaterThan(epoch);
    expect(await store.commit(next, [put([4])])).toEqual({ kind: 'committed' });
    await store.close();
    await child.kill();
    expect(await keysOf([rename])).toEqual([[4], ['renamed', 1], ['renamed', 2]]);
  });

  it('stays at the last step that succeeded when one fails at any row, and is migrated later', async () => {
    await (await make([])).close();
    for (const failsAt of [1, 2]) {
      let rows = 0;
      const failing: Migration = (row) => {
        rows += 1;
        if (rows === failsAt) throw new Error('mine');
        return [row];
      };
      await expect(openStore({ dir, migrations: [failing] })).rejects.toThrow('mine');
      expect(await readdir(dir)).not.toContain('migration');
      expect(await keysOf([])).toEqual([[1], [2]]);
    }
    const failing: Migration = () => {
      throw new Error('mine');
    };
    await expect(openStore({ dir, migrations: [rename, failing] })).rejects.toThrow('mine');
    expect(await keysOf([rename])).toEqual([
      ['renamed', 1],
      ['renamed', 2],
    ]);
  });

  it('is migrated after a start that was killed while it made the new one', async () => {
    await (await make([])).close();
    await mkdir(join(dir, 'migration'));
    await copyFile(join(dir, 'store.mdb'), join(dir, 'migration/store.mdb'));
    expect(await keysOf([rename])).toHaveLength(2);
    expect(await readdir(dir)).not.toContain('migration');
  });
});

describe('a store of an older schema on a full disk', () => {
  const VALUE = new Uint8Array(100_000).fill(7);
  const ROWS = 600;

  it('is refused as full, takes no room, and is migrated once there is some', async (ctx) => {
    if (shim === undefined) return ctx.skip('needs cc');
    const keys = Array.from({ length: ROWS }, (_, i): Key => [i]);
    const older = await make(
      [],
      keys.map((key) => put(key, VALUE)),
    );
    await older.close();
    const mark = join(dir, 'full');
    child = startChild(file, { LD_PRELOAD: shim, TUTTI_DISK_FULL: mark });
    await expect(child.ask({ do: 'migrate', dir, rows: ROWS / 4, mark })).rejects.toMatchObject({
      code: 'store_full',
    });
    expect(await readdir(dir)).not.toContain('migration');
    expect(await keysOf([])).toEqual(keys);
    await rm(mark);
    expect(await child.ask({ do: 'migrate', dir, rows: 0, mark })).toBe(older.storeId);
    await child.ask({ do: 'exit' });
    expect(await keysOf([keep])).toEqual(keys);
    expect((await stat(join(dir, 'store.mdb'))).mode & 0o077).toBe(0);
  }, 120_000);
});
