/** Values that the disk has changed, or put in another place, are errors that name the table and the key. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkStore } from '../../src/orchestrator/check/check.js';
import { openStore } from '../../src/store/lmdb.js';
import type { Store, Table } from '../../src/store/store.js';

const [ONE, TWO, LARGE] = ['1st value of many bytes', '2nd value of many bytes', 'large '.repeat(20_000)];
/** The value and its checksum. */
const STORED_BYTES = ONE!.length + 4;
const TABLE: Table = 'payloads';

let dir: string;
let file: string;
let store: Store | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tutti-values-'));
  file = join(dir, 'store.mdb');
  const made = await openStore({ dir });
  await made.commit(await made.reign(), [
    { op: 'put', table: TABLE, key: ['a', 1], value: Buffer.from(ONE!) },
    { op: 'put', table: TABLE, key: ['b', 2], value: Buffer.from(TWO!) },
    { op: 'put', table: TABLE, key: ['c', 3], value: Buffer.from(LARGE!) },
    { op: 'put', table: 'unfinished', key: [4711, 'empty'], value: new Uint8Array() },
  ]);
  await made.close();
});

afterEach(async () => {
  await store?.close();
  store = undefined;
  await rm(dir, { recursive: true });
});

/** Changes the store's file at every place where it holds `text`, and opens it. */
async function damage(text: string, change: (bytes: Buffer, at: number) => void): Promise<Store> {
  const bytes = await readFile(file);
  let places = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
    change(bytes, at);
    places += 1;
  }
  expect(places).toBeGreaterThan(0);
  await writeFile(file, bytes);
  store = await openStore({ dir });
  return store;
}

const flip = (offset: number) => (bytes: Buffer, at: number) => {
  bytes[at + offset]! ^= 0x10;
};
const damaged = (key: string, table: Table = TABLE) => ({
  code: 'store_damaged',
  message: `${table} ${key} is damaged: its checksum does not match`,
});

it.each([
  ['its first byte', 0],
  ['its last byte', ONE!.length - 1],
  ['its checksum', ONE!.length],
])('a value with a changed bit in %s is an error of that value only', async (_, offset) => {
  const opened = await damage(ONE!, flip(offset));
  await expect(opened.get(TABLE, ['a', 1])).rejects.toMatchObject(damaged('["a",1]'));
  await expect(opened.range(TABLE, { prefix: [] })).rejects.toMatchObject(damaged('["a",1]'));
  await expect(opened.snapshot((reader) => reader.get(TABLE, ['a', 1]))).rejects.toMatchObject(
    damaged('["a",1]'),
  );
  expect(String(Buffer.from((await opened.get(TABLE, ['b', 2]))!))).toBe(TWO);
  expect(await opened.keys(TABLE, { prefix: [] })).toHaveLength(3);
});

it('a value that takes several pages is compared as a whole', async () => {
  const opened = await damage(LARGE!.slice(0, 60), (bytes, at) => flip(50)(bytes, at));
  await expect(opened.get(TABLE, ['c', 3])).rejects.toMatchObject(damaged('["c",3]'));
});

it('a whole value in the place of another one is an error', async () => {
  const opened = await damage(ONE!, (bytes, at) => {
    const other = bytes.indexOf(TWO!, Math.max(0, at - 4096));
    bytes.copyWithin(at, other, other + STORED_BYTES);
  });
  await expect(opened.get(TABLE, ['a', 1])).rejects.toMatchObject(damaged('["a",1]'));
});

it('a changed key of a row without a value is an error', async () => {
  const opened = await damage('empty', flip(0));
  await expect(opened.range('unfinished', { prefix: [] })).rejects.toMatchObject(
    damaged('[4711,"umpty"]', 'unfinished'),
  );
});

it('a check names every damaged value, also one that nothing refers to', async () => {
  const opened = await damage(TWO!, flip(3));
  const { faults } = await checkStore(opened);
  expect(faults).toContainEqual({
    where: 'payloads ["b",2]',
    what: 'has a value that does not match its checksum',
  });
});
