/** Stores whose file was cut, emptied, overwritten or changed by a bit: refused with a code, or served whole; never a crash, never less. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/lmdb.js';
import { lookAt } from '../../src/store/lmdb-environment.js';
import { HeaderFault } from '../../src/store/lmdb-header.js';
import { bundleChild, type Child, startChild } from '../support/child.js';
import type { StoreRequest } from '../support/lmdb-child.js';

const KEYS = 300;
const PAGE = 8192;
const META_BYTES = 168;
/** Where a meta page says which page is the last one: its low bytes. */
const LAST_PAGE = [144, 145];

let root: string;
let whole: string;
let dir: string;
let file: string;
let usedBytes: number;
let bundle: string;
let child: Child | undefined;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tutti-damage-'));
  whole = join(root, 'whole');
  dir = join(root, 'damaged');
  file = join(dir, 'store.mdb');
  bundle = await bundleChild(join(import.meta.dirname, '../support/lmdb-child.ts'));
  const store = await openStore({ dir: whole });
  const epoch = await store.reign();
  for (let number = 0; number < KEYS; number += 1)
    await store.commit(epoch, [{ op: 'put', table: 'events', key: [number], value: randomBytes(1000) }]);
  await store.close();
  const found = lookAt(whole);
  usedBytes = found.kind === 'store' ? found.usedBytes : 0;
  await mkdir(dir);
});
afterEach(() => child?.kill());
afterAll(() => rm(root, { recursive: true }));

/** The whole store again, in the place where it is damaged. */
async function renew(): Promise<void> {
  for (const name of ['store.mdb', 'identity.json']) await copyFile(join(whole, name), join(dir, name));
}

async function overwrite(at: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, at);
  await handle.close();
}

/** What a process makes of it: the code that it refuses it with, or how many of the keys it serves. */
async function outcome(): Promise<string> {
  if (child === undefined || child.process.exitCode !== null || child.process.signalCode !== null)
    child = startChild(bundle);
  const ask = <T>(request: StoreRequest): Promise<T> => child!.ask<T>(request);
  try {
    await ask({ do: 'open', dir });
    const epoch = await ask<number>({ do: 'reign' });
    const keys = await ask<unknown[]>({ do: 'keys' });
    await ask({ do: 'commit', epoch, keys: [[KEYS]], bytes: 10_000 });
    await ask({ do: 'exit' });
    return `serves ${keys.length}`;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

describe('a store whose file is', () => {
  it('an intact store is served', async () => {
    await renew();
    expect(await outcome()).toBe(`serves ${KEYS}`);
  });

  it.each([0, 1, 23, 167, 4096, PAGE - 1, PAGE, PAGE + 167, 2 * PAGE - 1, 2 * PAGE, 3 * PAGE, 100_000])(
    'cut to %i bytes is refused',
    async (bytes) => {
      await renew();
      await truncate(file, bytes);
      expect(await outcome()).toBe('store_damaged');
    },
  );

  it('cut anywhere before its last page is refused; what is ahead of it does not matter', async () => {
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      await renew();
      await truncate(file, Math.floor(usedBytes * share));
      expect(await outcome()).toBe('store_damaged');
    }
    for (const [bytes, said] of [
      [usedBytes - 1, 'store_damaged'],
      [usedBytes, `serves ${KEYS}`],
      [usedBytes + 5000, `serves ${KEYS}`],
    ] as const) {
      await renew();
      await truncate(file, bytes);
      expect(await outcome()).toBe(said);
    }
  });

  it('gone is refused while its identity says that there was one, and made where nothing does', async () => {
    await renew();
    await rm(file);
    expect(await outcome()).toBe('store_damaged');
    await expect(openStore({ dir })).rejects.toMatchObject({
      message: expect.stringMatching(/held the store [0-9a-f-]{36}, made at 20.*is not there/),
      hint: expect.stringContaining('tutti restore'),
    });
    await rm(join(dir, 'identity.json'));
    expect(await outcome()).toBe('serves 0');
  });

  it('another store is refused', async () => {
    await renew();
    await writeFile(join(dir, 'identity.json'), '{"store_id":"another","created_at":"2020-01-01T00:00:00Z"}');
    expect(await outcome()).toBe('store_damaged');
  });

  it('well, and its identity gone or cut, is served, and gets its identity again', async () => {
    for (const spoil of [
      () => rm(join(dir, 'identity.json')),
      () => truncate(join(dir, 'identity.json'), 3),
    ]) {
      await renew();
      await spoil();
      expect(await outcome()).toBe(`serves ${KEYS}`);
      const noted = JSON.parse(await readFile(join(dir, 'identity.json'), 'utf8'));
      expect(noted.store_id).toMatch(/^[0-9a-f-]{36}$/);
      expect((await stat(join(dir, 'identity.json'))).mode & 0o077).toBe(0);
    }
  });

  it.each([
    ['the first meta page', 0, PAGE],
    ['the second meta page', PAGE, PAGE],
    ['both meta pages', 0, 2 * PAGE],
    ['the first half', 0, 1_000_000],
    ['everything', 0, -1],
  ])('overwritten with zeros or noise over %s is refused', async (_name, at, length) => {
    const bytes = length < 0 ? (await stat(join(whole, 'store.mdb'))).size : length;
    for (const filling of [Buffer.alloc(bytes), randomBytes(bytes)]) {
      await renew();
      await overwrite(at, filling);
      expect(await outcome()).toBe('store_damaged');
    }
  });

  it('changed by any bit of its meta pages is refused, or served whole', async () => {
    const original = await readFile(join(whole, 'store.mdb'));
    const refusedAtOnce = new Set<string>();
    const said = new Set<string>();
    await renew();
    for (const page of [0, PAGE]) {
      for (let at = page; at < page + META_BYTES; at += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
          await overwrite(at, Buffer.from([original[at]! ^ (1 << bit)]));
          const isRefused = refuses();
          // A process of its own for each of what is left would take minutes: one bit of each byte stands for the others.
          if (!isRefused && (at + bit) % 8 === 0) {
            const one = await outcome();
            // A last page that is too low by a page or two contradicts nothing else: LMDB finds it, and says so as it ends.
            if (one !== 'gone' || !LAST_PAGE.includes(at % PAGE))
              said.add(one.startsWith('serves') ? one : `${one} (byte ${at}, bit ${bit})`);
            await renew();
          } else if (isRefused) refusedAtOnce.add(`${at}.${bit}`);
          await overwrite(at, original.subarray(at, at + 1));
        }
      }
    }
    expect([...said]).toEqual([`serves ${KEYS}`]);
    expect(refusedAtOnce.size).toBeGreaterThan(1_000);
  }, 120_000);

  /** In this process: it reads and maps nothing. */
  function refuses(): boolean {
    try {
      lookAt(dir);
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(HeaderFault);
      return true;
    }
  }
});
