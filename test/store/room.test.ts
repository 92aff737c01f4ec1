/** The room ahead of the tables: what is reserved for rows is there when they are written, and is given back once they are. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LmdbTables } from '../../src/store/lmdb-tables.js';
import { encodeRecord, type Row } from '../../src/store/log/record.js';
import { FileRoom, Reservation, type RowSize } from '../../src/store/room.js';
import { TableWriter } from '../../src/store/table-writer.js';

const MIB = 1024 ** 2;
const PAGE_BYTES = 8192;

const rowsOf = (key: number): readonly Row[] =>
  encodeRecord([{ op: 'put', table: 'events', key: [key], value: new Uint8Array(20) }]).rows;

describe('the room ahead of the tables', () => {
  let dir: string;
  let room: FileRoom;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tutti-room-'));
    const path = join(dir, 'store.mdb');
    await writeFile(path, new Uint8Array(MIB));
    room = await FileRoom.open(path, {
      pageBytes: PAGE_BYTES,
      mapBytes: Number.POSITIVE_INFINITY,
      used: () => MIB,
      live: () => MIB,
      tree: () => MIB,
    });
  });

  afterEach(async () => {
    await room.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('is for the transaction that the rows will be in, where another one begins and ends while there is none', async () => {
    for (let n = 1; n <= 5; n += 1) {
      let gathering = new Reservation();
      // More than was ever there.
      const rows: RowSize[] = [{ keyBytes: 10, valueBytes: n * 8 * MIB }];
      const reserved = room.reserve(() => ({ reservation: gathering, replaced: [] }), rows, false);
      const written = gathering;
      gathering = new Reservation();
      room.giveBack(written);
      expect(await reserved).toBeUndefined();
      expect(written.taken).toBe(0);
      expect(gathering.taken).toBeGreaterThan(n * 8 * MIB);
      room.giveBack(gathering);
    }
    await room.close();
    // The largest one, the reserve, and the spare room.
    expect((await stat(join(dir, 'store.mdb'))).size).toBeLessThan(64 * MIB);
  });
});

describe('a transaction of the tables', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('waits for rows that have room and are not in the log yet, and has them', async () => {
    const applied: number[] = [];
    const held: number[] = [];
    const tables = {
      failed: undefined,
      room: {
        outOfPlace: () => undefined,
        reserve: async (into: () => { reservation: Reservation }) => {
          into().reservation.taken += 1;
        },
        giveBack: ({ taken }: Reservation) => held.push(taken),
      },
      apply: async (_epoch: number, position: number, rows: Iterable<Row>) => {
        applied.push(position, [...rows].length);
        return { kind: 'done', held: true };
      },
    } as unknown as LmdbTables;
    const writer = new TableWriter(tables, () => {});
    writer.begin(1, 0);
    await writer.reserve(rowsOf(1));
    writer.add(rowsOf(1), 1);
    writer.settled();
    await writer.reserve(rowsOf(2));
    const reached = writer.reached(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(applied).toEqual([]);
    writer.add(rowsOf(2), 2);
    writer.settled();
    await vi.advanceTimersByTimeAsync(1);
    await reached;
    expect(applied).toEqual([2, 2]);
    expect(held).toEqual([2]);
  });
});
