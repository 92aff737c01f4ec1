import { describe, expect, it } from 'vitest';
import { createMemoryDisk, createMemoryStore, openMemoryStore } from '../../src/store/memory.js';
import type { Write } from '../../src/store/store.js';
import { storeContract } from '../contract/store.contract.js';

storeContract('the memory store', async () => {
  const disk = createMemoryDisk();
  return {
    open: async () => openMemoryStore(disk),
    remove: async () => {},
  };
});

describe('a memory disk', () => {
  it('keeps what was committed when its store crashes, and nothing that was under way', async () => {
    const store = createMemoryStore();
    const epoch = await store.reign();
    await store.commit(epoch, [{ op: 'put', table: 'events', key: [1], value: Uint8Array.of(1) }]);
    const outcomes: unknown[] = [];
    void store
      .commit(epoch, [{ op: 'put', table: 'events', key: [2], value: Uint8Array.of(2) }])
      .then((outcome) => outcomes.push(outcome));
    store.crash();
    const after = openMemoryStore(store.disk);
    expect(await after.keys('events', { prefix: [] })).toEqual([[1]]);
    expect(await after.reign()).toBe(epoch + 1);
    expect(outcomes).toEqual([]);
  });

  it('can be full: nothing of a batch is written, reading goes on, and it takes the batch once there is room', async () => {
    const store = createMemoryStore();
    const epoch = await store.reign();
    const put = (key: number): Write => ({ op: 'put', table: 'events', key: [key], value: new Uint8Array() });
    await store.commit(epoch, [put(1)]);
    store.disk.full = true;
    expect(await store.commit(epoch, [put(2), put(3)])).toMatchObject({ kind: 'full' });
    expect(await store.keys('events', { prefix: [] })).toEqual([[1]]);
    expect(await store.commit(epoch, [{ op: 'delete', table: 'events', key: [9] }])).toEqual({
      kind: 'committed',
    });
    store.disk.full = false;
    expect(await store.commit(epoch, [put(2), put(3)])).toEqual({ kind: 'committed' });
    expect(await store.keys('events', { prefix: [] })).toEqual([[1], [2], [3]]);
  });

  it('settles a commit without a turn of the event loop', async () => {
    const store = createMemoryStore();
    const epoch = await store.reign();
    const order: string[] = [];
    const immediate = new Promise<void>((resolve) => {
      setImmediate(() => {
        order.push('the next turn');
        resolve();
      });
    });
    await store.commit(epoch, []);
    order.push('committed');
    await immediate;
    expect(order).toEqual(['committed', 'the next turn']);
  });

  it('takes its store_id from the given source', () => {
    const store = createMemoryStore({ ids: { uuid: () => 'an id' } });
    expect(store.storeId).toBe('an id');
  });
});
