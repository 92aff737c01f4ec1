/** The log: what is acknowledged is read again, what is torn is cut, what is damaged is named, and what an earlier use left is nobody's. */
import { randomBytes } from 'node:crypto';
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyStore, renewStoreId } from '../../src/store/backup.js';
import { readKey } from '../../src/store/key.js';
import { openStore, openStoreReadOnly } from '../../src/store/lmdb.js';
import { readLog, tailOf } from '../../src/store/log/folders.js';
import { decodeRecord, encodeRecord, RECORD_HEADER_BYTES, seal } from '../../src/store/log/record.js';
import { makeHeader, SEGMENT_HEADER_BYTES } from '../../src/store/log/segment.js';
import { Spares } from '../../src/store/log/spares.js';
import { LogWriter } from '../../src/store/log/writer.js';
import { TABLES, type Write } from '../../src/store/store.js';

const EPOCH = 3;
const SEGMENT_BYTES = 16 * 1024;

const put = (n: number, bytes = 20): Write => ({
  op: 'put',
  table: 'events',
  key: [n],
  value: new Uint8Array(bytes).fill(n),
});

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tutti-log-'));
  await mkdir(join(dir, 'log/spare'), { recursive: true });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const anyWrite: fc.Arbitrary<Write> = fc.record({
  op: fc.constantFrom('put' as const, 'delete' as const),
  table: fc.constantFrom(...TABLES),
  key: fc.array(fc.oneof(fc.nat(), fc.string({ unit: 'grapheme', maxLength: 12 })), {
    minLength: 1,
    maxLength: 3,
  }),
  value: fc.uint8Array({ maxLength: 40 }),
});

describe('a record', () => {
  it('is decoded as it was encoded, in its place and in no other', () => {
    fc.assert(
      fc.property(fc.array(anyWrite, { maxLength: 8 }), fc.nat(), (writes, position) => {
        const { bytes, rows } = encodeRecord(writes);
        seal(bytes, { position, epoch: EPOCH, seed: 7 });
        const expected = { epoch: EPOCH, seed: 7, position, after: -1 };
        const decoded = decodeRecord(bytes, 0, expected);
        const plain = (each: typeof rows) =>
          each.map(({ table, key, value }) => [table, readKey(key, 0, key.length), value && [...value]]);
        expect(plain(decoded!.rows)).toEqual(
          writes.map((write) => [write.table, write.key, write.op === 'put' ? [...write.value] : undefined]),
        );
        expect(plain(rows)).toEqual(plain(decoded!.rows));
        for (const elsewhere of [{ epoch: EPOCH + 1 }, { seed: 8 }, { position: position + 1 }])
          expect(decodeRecord(bytes, 0, { ...expected, ...elsewhere })).toBeUndefined();
      }),
    );
  });

  it('changed in any byte, or cut anywhere, is none', () => {
    const { bytes } = encodeRecord([put(1), { op: 'delete', table: 'nodes', key: ['a', 2] }]);
    seal(bytes, { position: 5, epoch: EPOCH, seed: 7 });
    const expected = { epoch: EPOCH, seed: 7, position: 5, after: 0 };
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      expect(decodeRecord(changed, 0, expected)).toBeUndefined();
      expect(decodeRecord(bytes.subarray(0, at), 0, expected)).toBeUndefined();
    }
  });

  it('a record of a newer format is refused with a code, and further kinds of sections are skipped', () => {
    const { bytes } = encodeRecord([put(1)]);
    const place = { position: 5, epoch: EPOCH, seed: 7 };
    const section = Buffer.from([99, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3]);
    const more = Buffer.concat([
      bytes.subarray(0, RECORD_HEADER_BYTES),
      section,
      bytes.subarray(RECORD_HEADER_BYTES),
    ]);
    more.writeUInt32LE(more.length, 8);
    more.writeUInt16LE(2, 14);
    seal(more, place);
    expect(decodeRecord(more, 0, { ...place, after: 0 })?.rows).toHaveLength(1);
    bytes.writeUInt16LE(2, 12);
    seal(bytes, place);
    expect(() => decodeRecord(bytes, 0, { ...place, after: 0 })).toThrow(/format 2/);
  });
});

/** A log of so many records of so many bytes, as its process left it when it was killed. */
async function makeLog(records: number, bytes = 20): Promise<string> {
  const writer = await LogWriter.begin(dir, EPOCH, 0, new Spares(dir, SEGMENT_BYTES));
  for (let n = 1; n <= records; n += 1)
    expect(await writer.append(encodeRecord([put(n, bytes)]).bytes)).toBe(true);
  await writer.close(false);
  return join(dir, 'log', String(EPOCH));
}

/** The keys that are read from the log, or the code of the error. */
async function read(after = 0): Promise<readonly unknown[] | string> {
  try {
    const { rows } = tailOf(await readLog(dir, EPOCH, after), after);
    return rows.map(({ key }) => readKey(key, 0, key.length)[0]);
  } catch (error) {
    return String((error as { code: unknown }).code);
  }
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('a log', () => {
  it('is read to its end over several segments, from any position', async () => {
    const folder = await makeLog(60, 1000);
    expect((await readdir(folder)).length).toBeGreaterThan(3);
    for (const after of [0, 1, 20, 59, 60]) expect(await read(after)).toEqual(upTo(60).slice(after));
  });

  it('cut at any byte keeps the records before that, whole', async () => {
    const folder = await makeLog(6);
    const file = join(folder, '1.seg');
    const bytes = await readFile(file);
    const { length } = encodeRecord([put(1)]).bytes;
    const end = SEGMENT_HEADER_BYTES + 6 * length;
    for (let size = SEGMENT_HEADER_BYTES; size <= end; size += 1) {
      for (const tail of [Buffer.alloc(0), Buffer.alloc(200), randomBytes(200)]) {
        await writeFile(file, Buffer.concat([bytes.subarray(0, size), tail]));
        expect(await read()).toEqual(upTo(Math.floor((size - SEGMENT_HEADER_BYTES) / length)));
      }
    }
  });

  it('changed in any byte of its middle is an error that names file and offset; in its last record, the torn end', async () => {
    const folder = await makeLog(4);
    const file = join(folder, '1.seg');
    const bytes = await readFile(file);
    const { length } = encodeRecord([put(1)]).bytes;
    for (let at = SEGMENT_HEADER_BYTES; at < SEGMENT_HEADER_BYTES + 4 * length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 0x10;
      await writeFile(file, changed);
      const record = Math.floor((at - SEGMENT_HEADER_BYTES) / length);
      if (record === 3) {
        expect(await read()).toEqual(upTo(3));
        continue;
      }
      const offset = SEGMENT_HEADER_BYTES + record * length;
      await expect(readLog(dir, EPOCH, 0)).rejects.toMatchObject({
        code: 'store_damaged',
        message: expect.stringContaining(`${file} is damaged at offset ${offset}`),
      });
    }
  });

  it('a log with a damaged header, without a segment of its middle, or cut before its last segment is an error', async () => {
    const folder = await makeLog(60, 1000);
    const first = join(folder, '1.seg');
    for (const damage of [
      async () => {
        const file = await open(first, 'r+');
        await file.write(Buffer.from([1]), 0, 1, 20);
        await file.close();
      },
      () => rm(first),
      () => rm(join(folder, '2.seg')),
      () => truncate(join(folder, '3.seg'), 9000),
    ]) {
      await rename(folder, `${folder}-whole`);
      await cp(`${folder}-whole`, folder, { recursive: true });
      await damage();
      expect(await read()).toBe('store_damaged');
      await rm(folder, { recursive: true });
      await rename(`${folder}-whole`, folder);
    }
    expect(await read()).toEqual(upTo(60));
    await rm(folder, { recursive: true });
    expect(await read()).toBe('store_damaged');
  });

  it('takes nothing of an earlier use of a file as its own', async () => {
    const spares = new Spares(dir, SEGMENT_BYTES);
    const older = await LogWriter.begin(dir, 1, 0, spares);
    for (let n = 1; n <= 10; n += 1) await older.append(encodeRecord([put(n, 1000)]).bytes);
    await older.close(true);
    for (const name of await readdir(join(dir, 'log/spare'))) {
      const file = join(dir, 'log/spare', name);
      if (!(await readFile(file)).includes('TREC')) await rm(file);
    }
    expect(await readdir(join(dir, 'log/spare'))).toHaveLength(1);
    const writer = await LogWriter.begin(dir, EPOCH, 0, spares);
    expect(await read()).toEqual([]);
    for (let n = 1; n <= 3; n += 1) await writer.append(encodeRecord([put(n, 1000)]).bytes);
    await writer.close(false);
    expect(await read()).toEqual(upTo(3));
  });

  it('takes no record for its own that a payload imitates', async () => {
    const { bytes: imitated } = encodeRecord([put(9)]);
    seal(imitated, { position: 2, epoch: EPOCH, seed: makeHeader(EPOCH, 1).header.seed });
    const writer = await LogWriter.begin(dir, EPOCH, 0, new Spares(dir, SEGMENT_BYTES));
    await writer.append(encodeRecord([{ op: 'put', table: 'payloads', key: [1], value: imitated }]).bytes);
    await writer.close(false);
    const file = join(dir, 'log', String(EPOCH), '1.seg');
    const whole = await readFile(file);
    whole[SEGMENT_HEADER_BYTES + 4]! ^= 1;
    await writeFile(file, whole);
    expect(await read()).toEqual([]);
  });

  it('keeps the record that takes the place of one that could not be told of', async () => {
    const writer = await LogWriter.begin(dir, EPOCH, 0, new Spares(dir, SEGMENT_BYTES));
    await writer.append(encodeRecord([put(1)]).bytes);
    const folder = join(dir, 'log', String(EPOCH));
    await rename(folder, `${folder}-aside`);
    expect(await writer.append(encodeRecord([put(99)]).bytes)).toBe(false);
    await rename(`${folder}-aside`, folder);
    // This one goes into the next segment.
    expect(await writer.append(encodeRecord([put(2, 11_000)]).bytes)).toBe(true);
    await writer.close(false);
    expect(await read()).toEqual(upTo(2));
  });

  it('acknowledges nothing once its folder is closed, in the segment at hand and in the next', async () => {
    const writer = await LogWriter.begin(dir, EPOCH, 0, new Spares(dir, SEGMENT_BYTES));
    await writer.append(encodeRecord([put(1)]).bytes);
    const folder = join(dir, 'log', String(EPOCH));
    await rename(folder, `${folder}-closed-by-${EPOCH + 1}`);
    expect(await writer.append(encodeRecord([put(2)]).bytes)).toBe(false);
    await expect(writer.append(encodeRecord([put(3, 15_000)]).bytes)).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await writer.close(false);
  });

  it('uses its files again once the tables have passed them', async () => {
    const spares = new Spares(dir, SEGMENT_BYTES);
    const writer = await LogWriter.begin(dir, EPOCH, 0, spares);
    const inodes = new Set<number>();
    for (let n = 1; n <= 300; n += 1) {
      await writer.append(encodeRecord([put(n, 1000)]).bytes);
      if (n % 10 === 0) writer.release(n - 20);
      for (const name of await readdir(join(dir, 'log', String(EPOCH))))
        inodes.add(
          await stat(join(dir, 'log', String(EPOCH), name)).then(
            ({ ino }) => ino,
            () => 0,
          ),
        );
    }
    await writer.close(false);
    expect(inodes.size).toBeLessThan(15);
    expect(await read(280)).toEqual(upTo(300).slice(280));
  });
});

describe('a store and its log', () => {
  /** A store that is left as by a killed process: what is committed last is in the log only. */
  async function left(place: string): Promise<void> {
    const store = await openStore({ dir });
    const epoch = await store.reign();
    await store.commit(epoch, [put(1), put(2)]);
    await store.applied(store.position);
    await store.commit(epoch, [put(3), { op: 'delete', table: 'events', key: [1] }]);
    await copyStore(dir, place);
    await copyFile(join(dir, 'identity.json'), join(place, 'identity.json'));
    await store.close();
  }
  const keysOf = async (place: string): Promise<unknown> => {
    const store = await openStoreReadOnly({ dir: place });
    try {
      return (await store.snapshot((reader) => reader.keys('events', { prefix: [] }))).flat();
    } finally {
      await store.close();
    }
  };

  it('are copied together, read together, and restored into the tables', async () => {
    const copy = join(dir, 'copy');
    await left(copy);
    expect(await readdir(join(copy, 'log'))).toEqual(['1']);
    expect(await keysOf(copy)).toEqual([2, 3]);
    await rm(join(copy, 'identity.json'));
    const id = await renewStoreId(copy);
    expect(await readdir(join(copy, 'log'))).toEqual(['spare']);
    const store = await openStore({ dir: copy });
    expect(store.storeId).toBe(id);
    expect((await store.keys('events', { prefix: [] })).flat()).toEqual([2, 3]);
    await store.close();
  });

  it('are refused with a code where the log is gone or damaged, by all who read them', async () => {
    const copy = join(dir, 'copy');
    await left(copy);
    const segment = join(copy, 'log/1/1.seg');
    const bytes = await readFile(segment);
    const damaged = Buffer.from(bytes);
    damaged[10]! ^= 1;
    for (const damage of [
      () => writeFile(segment, damaged),
      () => rm(join(copy, 'log'), { recursive: true }),
    ]) {
      await damage();
      await expect(keysOf(copy)).rejects.toMatchObject({ code: 'store_damaged' });
      await expect(copyStore(copy, join(dir, 'again'))).rejects.toMatchObject({ code: 'store_damaged' });
      await rm(join(dir, 'again'), { recursive: true, force: true });
      const store = await openStore({ dir: copy });
      await expect(store.reign()).rejects.toMatchObject({ code: 'store_damaged' });
      await store.close();
    }
  });

  it('leave no log behind when they are closed', async () => {
    const store = await openStore({ dir });
    const epoch = await store.reign();
    for (let n = 0; n < 50; n += 1) await store.commit(epoch, [put(n, 100_000)]);
    await store.close();
    expect(await readdir(join(dir, 'log'))).toEqual(['spare']);
  });

  it('take rows over their older ones in the tables wherever they are read', async () => {
    const store = await openStore({ dir });
    const epoch = await store.reign();
    await store.commit(epoch, [put(1), put(2), put(3), put(5)]);
    await store.applied(store.position);
    await store.commit(epoch, [put(4), { op: 'delete', table: 'events', key: [2] }, put(3, 1)]);
    for (const reader of [store, undefined]) {
      const look = async (from: Pick<typeof store, 'get' | 'range' | 'keys'>) => {
        expect((await from.keys('events', { prefix: [] })).flat()).toEqual([1, 3, 4, 5]);
        expect((await from.keys('events', { prefix: [], reverse: true, limit: 2 })).flat()).toEqual([5, 4]);
        expect(
          (await from.range('events', { prefix: [], after: [1], limit: 1 })).map(({ value }) => value.length),
        ).toEqual([1]);
        expect(await from.get('events', [2])).toBeUndefined();
      };
      await (reader ? look(reader) : store.snapshot(look));
    }
    await store.close();
  });
});
