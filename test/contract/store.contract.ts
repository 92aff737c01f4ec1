/** What every store does, whatever it keeps its data in. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareKeys } from '../../src/store/key.js';
import type { Entry, Key, Range, Store, Table, Write } from '../../src/store/store.js';

/** One place to keep data in, fresh for each test. */
export interface StorePlace {
  /** Another handle on the same data. */
  open(): Promise<Store>;
  /** All handles are closed by then. */
  remove(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);
const put = (key: Key, value = '', table: Table = 'events'): Write => ({
  op: 'put',
  table,
  key,
  value: bytes(value),
});
const remove = (key: Key, table: Table = 'events'): Write => ({ op: 'delete', table, key });
const COMMITTED = { kind: 'committed' };

export function storeContract(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(`${name} as a store`, () => {
    let place: StorePlace;
    let store: Store;
    let epoch: number;
    const opened: Store[] = [];

    async function open(): Promise<Store> {
      const handle = await place.open();
      opened.push(handle);
      return handle;
    }

    async function seed(...keys: Key[]): Promise<void> {
      expect(
        await store.commit(
          epoch,
          keys.map((key) => put(key, JSON.stringify(key))),
        ),
      ).toEqual(COMMITTED);
    }

    beforeEach(async () => {
      place = await makePlace();
      store = await open();
      epoch = await store.reign();
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((handle) => handle.close()));
      await place.remove();
    });

    describe('commit', () => {
      it('makes all writes of a batch readable, over several tables', async () => {
        const writes = [put(['a'], '1'), put(['b'], '2'), put([7], '3', 'nodes')];
        expect(await store.commit(epoch, writes)).toEqual(COMMITTED);
        expect(text(await store.get('events', ['a']))).toBe('1');
        expect(text(await store.get('events', ['b']))).toBe('2');
        expect(text(await store.get('nodes', [7]))).toBe('3');
      });

      it('takes the writes of a batch in their order', async () => {
        const writes = [
          put(['a'], '1'),
          put(['a'], '2'),
          put(['b'], '1'),
          remove(['b']),
          remove(['c']),
          put(['c'], '1'),
        ];
        expect(await store.commit(epoch, writes)).toEqual(COMMITTED);
        expect(
          (await store.range('events', { prefix: [] })).map(({ key, value }) => [key, text(value)]),
        ).toEqual([
          [['a'], '2'],
          [['c'], '1'],
        ]);
      });

      it('replaces and deletes what is there, and deletes what is not without complaint', async () => {
        await seed(['a'], ['b']);
        expect(await store.commit(epoch, [put(['a'], 'new'), remove(['b']), remove(['never'])])).toEqual(
          COMMITTED,
        );
        expect(text(await store.get('events', ['a']))).toBe('new');
        expect(await store.get('events', ['b'])).toBeUndefined();
      });

      it('shows readers nothing of a batch before all of it', async () => {
        const keys = Array.from({ length: 3000 }, (_, i): Key => [i]);
        const committing = store.commit(
          epoch,
          keys.map((key) => put(key)),
        );
        const seen = new Set<number>();
        let settled = false;
        const finished = committing.finally(() => {
          settled = true;
        });
        while (!settled) {
          seen.add((await store.keys('events', { prefix: [] })).length);
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(await finished).toEqual(COMMITTED);
        seen.add((await store.keys('events', { prefix: [] })).length);
        for (const count of seen) expect([0, 3000]).toContain(count);
      });

      it('takes batches that are given without waiting, in their order', async () => {
        const outcomes = await Promise.all(
          Array.from({ length: 50 }, (_, i) =>
            store.commit(epoch, [put(['last'], `${i}`), put(['each', i])]),
          ),
        );
        expect(outcomes).toEqual(outcomes.map(() => COMMITTED));
        expect(text(await store.get('events', ['last']))).toBe('49');
        expect(await store.keys('events', { prefix: ['each'] })).toHaveLength(50);
      });

      it('counts what is committed by a position that grows, over handles', async () => {
        const first = store.position;
        await store.commit(epoch, [put(['a'])]);
        expect(store.position).toBe(first + 1);
        await store.commit(epoch, [put(['b']), remove(['a'])]);
        expect(store.position).toBe(first + 2);
        await store.close();
        const again = await open();
        expect(again.position).toBe(first + 2);
        const next = await again.reign();
        await again.commit(next, [put(['c'])]);
        expect(again.position).toBe(first + 3);
      });

      it('accepts an empty batch', async () => {
        expect(await store.commit(epoch, [])).toEqual(COMMITTED);
      });

      it.each<[string, Key]>([
        ['no elements', []],
        ['a negative number', [-1]],
        ['a fraction', [0.5]],
        ['a number past 2^53-1', [2 ** 53]],
        ['half a surrogate pair', ['\ud800']],
        ['too many bytes', ['x'.repeat(1023)]],
      ])('refuses a batch with a key of %s, whole', async (_, key) => {
        await expect(store.commit(epoch, [put(['good']), put(key)])).rejects.toMatchObject({
          code: 'bad_key',
        });
        expect(await store.get('events', ['good'])).toBeUndefined();
        expect(await store.commit(epoch, [put(['good'])])).toEqual(COMMITTED);
      });

      it('keeps values byte for byte, empty ones and those of a mebibyte too', async () => {
        const every = Uint8Array.from({ length: 256 }, (_, i) => i);
        const large = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31) >> 3);
        const part = large.subarray(1000, 70_000);
        const values = [new Uint8Array(), every, large, part, Buffer.from('pooled')];
        const writes = values.map((value, i): Write => ({ op: 'put', table: 'payloads', key: [i], value }));
        expect(await store.commit(epoch, writes)).toEqual(COMMITTED);
        const listed = await store.range('payloads', { prefix: [] });
        for (const [i, value] of values.entries()) {
          const got = await store.get('payloads', [i]);
          expect(got?.length).toBe(value.length);
          expect(Buffer.compare(got!, value)).toBe(0);
          expect(Buffer.compare(listed[i]!.value, value)).toBe(0);
        }
      });

      it('hands out values that later reads and commits leave alone', async () => {
        await seed(['a'], ['b']);
        const a = await store.get('events', ['a']);
        const b = await store.get('events', ['b']);
        await store.commit(epoch, [put(['a'], 'something else')]);
        await store.get('events', ['a']);
        expect([text(a), text(b)]).toEqual(['["a"]', '["b"]']);
      });
    });

    describe('reign', () => {
      it('raises the epoch each time, over handles', async () => {
        const other = await open();
        const second = await other.reign();
        const third = await store.reign();
        expect([second, third]).toEqual([epoch + 1, epoch + 2]);
      });

      it('fences off the older epoch, which no longer writes', async () => {
        const other = await open();
        const next = await other.reign();
        expect(await store.commit(epoch, [put(['late'])])).toEqual({ kind: 'fenced', epoch: next });
        expect(await store.commit(epoch, [])).toEqual({ kind: 'fenced', epoch: next });
        expect(await other.get('events', ['late'])).toBeUndefined();
        expect(await other.commit(next, [put(['new'])])).toEqual(COMMITTED);
        await other.applied(other.position);
        expect(await store.get('events', ['new'])).toBeDefined();
      });

      it('fences off an epoch that never was', async () => {
        expect(await store.commit(epoch + 1, [put(['a'])])).toEqual({ kind: 'fenced', epoch });
        expect(await store.commit(0, [put(['a'])])).toEqual({ kind: 'fenced', epoch });
        expect(await store.get('events', ['a'])).toBeUndefined();
      });

      it('gives each of two that begin at once an epoch of its own, and fences the lower', async () => {
        const other = await open();
        const [one, two] = await Promise.all([store.reign(), other.reign()]);
        expect(new Set([one, two])).toEqual(new Set([epoch + 1, epoch + 2]));
        const outcomes = await Promise.all([
          store.commit(one, [put(['one'])]),
          other.commit(two, [put(['two'])]),
        ]);
        expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['committed', 'fenced']);
      });

      it('is looked up inside the commit: once a reign has begun, no batch of the older epoch gets in', async () => {
        const other = await open();
        const older = Array.from({ length: 20 }, (_, i) => store.commit(epoch, [put(['older', i])]));
        const begun = other.reign();
        const next = await begun;
        const before = await other.keys('events', { prefix: ['older'] });
        const outcomes = await Promise.all(older);
        const after = await other.keys('events', { prefix: ['older'] });
        expect(after).toEqual(before);
        // The one at whose end the reign began may be there although nobody was told.
        const told = outcomes.filter(({ kind }) => kind === 'committed').length;
        expect([told, told + 1]).toContain(before.length);
        expect(await other.commit(next, [])).toEqual(COMMITTED);
      });
    });

    describe('reading', () => {
      const ORDERED: Key[] = [
        [0],
        [0, 0],
        [0, ''],
        [1],
        [9],
        [10],
        [255],
        [256],
        [65_536],
        [2 ** 32],
        [Number.MAX_SAFE_INTEGER],
        [''],
        ['', 'a'],
        ['\0'],
        ['\0', 5],
        ['\u0001'],
        ['1'],
        ['Z'],
        ['a'],
        ['a', 2],
        ['a', 10],
        ['a', '10'],
        ['a', '2'],
        ['a', '2', 0],
        ['a\0'],
        ['a\0b'],
        ['aa'],
        ['b'],
        ['é'],
        ['\uffff'],
        ['😀'],
      ];

      it('orders numbers by value before strings by their UTF-8 bytes, and a prefix before what it begins', async () => {
        await seed(...ORDERED.toReversed());
        expect(await store.keys('events', { prefix: [] })).toEqual(ORDERED);
        expect(await store.keys('events', { prefix: [], reverse: true })).toEqual(ORDERED.toReversed());
      });

      it('lists what begins with a prefix, element by element', async () => {
        await seed(['p', 1], ['p', 10], ['p', 10, 'x'], ['p', 100], ['p'], ['p0'], ['p\0'], [1, 'p']);
        expect(await store.keys('events', { prefix: ['p'] })).toEqual([
          ['p'],
          ['p', 1],
          ['p', 10],
          ['p', 10, 'x'],
          ['p', 100],
        ]);
        expect(await store.keys('events', { prefix: ['p', 10] })).toEqual([
          ['p', 10],
          ['p', 10, 'x'],
        ]);
        expect(await store.keys('events', { prefix: ['q'] })).toEqual([]);
        expect(await store.keys('nodes', { prefix: [] })).toEqual([]);
      });

      it('starts after a key, in either direction, whether that key exists or not', async () => {
        await seed(['p', 1], ['p', 3], ['p', 3, 'x'], ['p', 5], ['q']);
        const listAfter = async (key: Key, more: Partial<Range> = {}) =>
          await store.keys('events', { prefix: ['p'], after: key, ...more });
        expect(await listAfter(['p', 3])).toEqual([
          ['p', 3, 'x'],
          ['p', 5],
        ]);
        expect(await listAfter(['p', 2])).toEqual([
          ['p', 3],
          ['p', 3, 'x'],
          ['p', 5],
        ]);
        expect(await listAfter(['p', 3], { reverse: true })).toEqual([['p', 1]]);
        expect(await listAfter(['p', 4], { reverse: true })).toEqual([
          ['p', 3, 'x'],
          ['p', 3],
          ['p', 1],
        ]);
        expect(await listAfter(['a'])).toHaveLength(4);
        expect(await listAfter(['z'])).toEqual([]);
        expect(await listAfter(['a'], { reverse: true })).toEqual([]);
        expect(await listAfter(['z'], { reverse: true })).toHaveLength(4);
      });

      it('stops at the limit', async () => {
        await seed(...Array.from({ length: 10 }, (_, i): Key => [i]));
        expect(await store.keys('events', { prefix: [], limit: 3 })).toEqual([[0], [1], [2]]);
        expect(await store.keys('events', { prefix: [], limit: 2, reverse: true })).toEqual([[9], [8]]);
        expect(await store.keys('events', { prefix: [], limit: 2, after: [4] })).toEqual([[5], [6]]);
        expect(await store.keys('events', { prefix: [], limit: 0 })).toEqual([]);
        expect(await store.range('events', { prefix: [], limit: 100 })).toHaveLength(10);
        await expect(store.keys('events', { prefix: [], limit: -1 })).rejects.toMatchObject({
          code: 'bad_range',
        });
      });

      it('gives entries with their values, and finds nothing where nothing is', async () => {
        await seed(['a', 1], ['a', 2]);
        const entries = await store.range('events', { prefix: ['a'], reverse: true });
        expect(entries.map(({ key, value }) => [key, text(value)])).toEqual([
          [['a', 2], '["a",2]'],
          [['a', 1], '["a",1]'],
        ]);
        expect(await store.get('events', ['a'])).toBeUndefined();
        expect(await store.get('nodes', ['a', 1])).toBeUndefined();
        await expect(store.get('events', [])).rejects.toMatchObject({ code: 'bad_key' });
      });

      it('pages to the end under writes: what was there throughout comes once, in order', async () => {
        await seed(...Array.from({ length: 60 }, (_, i): Key => ['p', i * 10]));
        const paged: Key[] = [];
        let after: Key | undefined;
        for (let page = 0; ; page += 1) {
          const keys = await store.keys('events', {
            prefix: ['p'],
            limit: 7,
            ...(after === undefined ? {} : { after }),
          });
          if (keys.length === 0) break;
          paged.push(...keys);
          after = keys.at(-1)!;
          // Before and behind the cursor come new ones, and the one under the cursor goes.
          await store.commit(epoch, [put(['p', page]), put(['p', 10_000 + page]), remove(after)]);
          if (page === 20) break;
        }
        const old = paged.filter(([, n]) => Number(n) < 600 && Number(n) % 10 === 0);
        expect(old).toEqual(Array.from({ length: 60 }, (_, i) => ['p', i * 10]));
        expect(paged).toEqual(paged.toSorted(compareKeys));
      });

      it('counts the entries and the bytes that they take', async () => {
        await seed(['a'], ['b'], ['c']);
        const stats = await store.stats();
        expect(stats.entries.events).toBe(3);
        expect(stats.entries.nodes ?? 0).toBe(0);
        expect(stats.bytesUsed).toBeGreaterThan(0);
      });
    });

    describe('snapshot', () => {
      it('shows one view however many commits happen meanwhile, also across its awaits', async () => {
        await seed(['a'], ['b']);
        await store.snapshot(async (reader) => {
          expect(await reader.keys('events', { prefix: [] })).toEqual([['a'], ['b']]);
          for (let i = 0; i < 5; i += 1) {
            expect(await store.commit(epoch, [put(['a'], 'new'), remove(['b']), put(['c', i])])).toEqual(
              COMMITTED,
            );
          }
          expect(text(await reader.get('events', ['a']))).toBe('["a"]');
          expect(await reader.get('events', ['c', 0])).toBeUndefined();
          expect((await reader.range('events', { prefix: [] })).map(({ value }) => text(value))).toEqual([
            '["a"]',
            '["b"]',
          ]);
          expect(await store.get('events', ['b'])).toBeUndefined();
        });
        expect(await store.keys('events', { prefix: ['c'] })).toHaveLength(5);
      });

      it('begins with everything that was committed before it', async () => {
        for (let i = 0; i < 20; i += 1) {
          await store.get('events', [i]);
          await store.commit(epoch, [put([i])]);
          expect(await store.snapshot((reader) => reader.get('events', [i]))).toBeDefined();
          expect(await store.snapshot((reader) => reader.keys('events', { prefix: [] }))).toHaveLength(i + 1);
        }
      });

      it('begins, through another handle, with everything that is applied or that this handle has waited for', async () => {
        const other = await open();
        for (let i = 0; i < 6; i += 1) {
          await store.commit(epoch, [put([i])]);
          await (i % 2 === 0 ? store : other).applied(store.position);
          expect(await other.snapshot((reader) => reader.get('events', [i]))).toBeDefined();
          expect(await other.get('events', [i])).toBeDefined();
        }
      });

      it('lets several run at once, each with its own view', async () => {
        const counts = await Promise.all(
          Array.from({ length: 10 }, async (_, i) => {
            await store.commit(epoch, [put([i])]);
            return store.snapshot(async (reader) => {
              const first = await reader.keys('events', { prefix: [] });
              await store.commit(epoch, [put(['more', i])]);
              return [first.length, (await reader.keys('events', { prefix: [] })).length];
            });
          }),
        );
        for (const [first, second] of counts) expect(second).toBe(first);
      });

      it('gives back what is read, passes on what is thrown, and its reader ends with it', async () => {
        await seed(['a']);
        let kept: Parameters<Parameters<Store['snapshot']>[0]>[0] | undefined;
        const reading = store.snapshot(async (reader) => {
          kept = reader;
          throw new Error('mine');
        });
        await expect(reading).rejects.toThrow('mine');
        await expect(kept!.get('events', ['a'])).rejects.toMatchObject({ code: 'snapshot_ended' });
        expect(await store.snapshot(async () => 42)).toBe(42);
      });
    });

    describe('closing', () => {
      it('keeps everything, the store_id and the epoch for the next that opens it', async () => {
        await seed(['a'], ['b', 2]);
        const { storeId } = store;
        expect(storeId).toMatch(/^[0-9a-f-]{36}$/);
        await store.close();
        const again = await open();
        expect(again.storeId).toBe(storeId);
        expect(await again.keys('events', { prefix: [] })).toEqual([['a'], ['b', 2]]);
        expect(await again.commit(epoch, [put(['c'])])).toEqual({ kind: 'fenced', epoch });
        const next = await again.reign();
        expect(next).toBe(epoch + 1);
        expect(await again.commit(next, [put(['c'])])).toEqual(COMMITTED);
      });

      it('waits for commits and snapshots that are under way', async () => {
        const committing = store.commit(epoch, [put(['a'])]);
        let release = () => {};
        const held = new Promise<void>((resolve) => {
          release = resolve;
        });
        const reading = store.snapshot(async (reader) => {
          await held;
          return reader.keys('events', { prefix: [] });
        });
        const closing = store.close();
        release();
        expect(await committing).toEqual(COMMITTED);
        expect((await reading).length).toBeLessThanOrEqual(1);
        await closing;
        expect(await (await open()).get('events', ['a'])).toBeDefined();
      });

      it('may be done twice, and refuses whatever comes after it', async () => {
        await Promise.all([store.close(), store.close()]);
        await store.close();
        const closed = { code: 'store_closed' };
        await expect(store.commit(epoch, [])).rejects.toMatchObject(closed);
        await expect(store.reign()).rejects.toMatchObject(closed);
        await expect(store.get('events', ['a'])).rejects.toMatchObject(closed);
        await expect(store.range('events', { prefix: [] })).rejects.toMatchObject(closed);
        await expect(store.keys('events', { prefix: [] })).rejects.toMatchObject(closed);
        await expect(store.snapshot(async () => 1)).rejects.toMatchObject(closed);
        await expect(store.stats()).rejects.toMatchObject(closed);
      });
    });

    it('does what a sorted list does, whatever is written and read', async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(anyWrite, { maxLength: 20 }), { maxLength: 6 }),
          anyRange,
          async (batches, range) => {
            const table: Table = 'task_events';
            // Each run keeps below a first element of its own.
            run += 1;
            const home: Key = [run];
            const model = new Map<string, Entry>();
            for (const batch of batches) {
              const writes = batch.map(({ key, value }): Write => {
                const full = [...home, ...key];
                if (value === undefined) model.delete(JSON.stringify(full));
                else model.set(JSON.stringify(full), { key: full, value });
                return value === undefined
                  ? { op: 'delete', table, key: full }
                  : { op: 'put', table, key: full, value };
              });
              expect(await store.commit(epoch, writes)).toEqual(COMMITTED);
            }
            const asked: Range = {
              ...range,
              prefix: [...home, ...range.prefix],
              ...(range.after === undefined ? {} : { after: [...home, ...range.after] }),
            };
            const expected = selectFrom([...model.values()], asked);
            const plain = (entries: readonly Entry[]) => entries.map(({ key, value }) => [key, [...value]]);
            expect(plain(await store.range(table, asked))).toEqual(plain(expected));
            expect(await store.keys(table, asked)).toEqual(expected.map(({ key }) => key));
            for (const { key, value } of model.values())
              expect([...(await store.get(table, key))!]).toEqual([...value]);
          },
        ),
        { numRuns: 150 },
      );
    });
  });
}

/** The port's words on ranges, done the slow way. */
function selectFrom(entries: readonly Entry[], range: Range): Entry[] {
  const direction = range.reverse === true ? -1 : 1;
  return entries
    .filter(({ key }) => range.prefix.every((element, i) => key[i] === element))
    .toSorted((a, b) => direction * compareKeys(a.key, b.key))
    .filter(({ key }) => range.after === undefined || direction * compareKeys(key, range.after) > 0)
    .slice(0, range.limit ?? Number.POSITIVE_INFINITY);
}

const anyElement = fc.oneof(
  fc.constantFrom<string | number>('', 'a', 'b', 'aa', 'a\0', '\u{1f600}', 0, 1, 2, 255, 256),
  fc.nat({ max: 20 }),
);
const anyKey = fc.array(anyElement, { minLength: 1, maxLength: 3 });
const anyWrite = fc.record({
  key: anyKey,
  value: fc.option(fc.uint8Array({ maxLength: 8 }), { nil: undefined }),
});
const anyRange: fc.Arbitrary<Range> = fc.record(
  {
    prefix: fc.array(anyElement, { maxLength: 2 }),
    after: anyKey,
    reverse: fc.boolean(),
    limit: fc.nat({ max: 10 }),
  },
  { requiredKeys: ['prefix'] },
);
