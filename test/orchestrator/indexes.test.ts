import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Indexes } from '../../src/orchestrator/indexes.js';
import type { StreamEvent } from '../../src/orchestrator/port.js';
import { isIndexed } from '../../src/orchestrator/tables/declared-indexes.js';
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory.js';
import { iterationRows, meterGraph, problemIdOf, rowsOf } from '../support/history.js';
import { weighing } from '../support/weighing.js';

const FIELD = 'meter.value';

/** A graph whose second version declares an index, over a store with iterations of the first. */
async function fixture(versions = [meterGraph(1, []), meterGraph(2, [FIELD])]) {
  const store = openMemoryStore(createMemoryDisk());
  const epoch = await store.reign();
  const graphs = new Map([['meters', versions]]);
  const listeners = new Set<(events: readonly StreamEvent[]) => void>();
  const open = () =>
    new Indexes({
      store,
      proposals: weighing(store, epoch, graphs),
      state: {
        graphs,
        graph: (name, version) => graphs.get(name)?.at(version === undefined ? -1 : version - 1),
      },
      events: {
        onCommitted(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      logger: pino({ enabled: false }),
    });
  return {
    store,
    open,
    graphs,
    listeners,
    write: (seq: number, problem: Parameters<typeof rowsOf>[1]) =>
      store.commit(epoch, rowsOf(seq, problem, [])),
    end: async (seq: number, value: number) => {
      await store.commit(epoch, iterationRows(seq, 1, { output: { value } }, []));
      for (const listener of [...listeners])
        listener([{ seq: 1, problemId: problemIdOf(seq), project: 'default', json: '{}' }]);
    },
    covers: (field: string, graph: string | undefined) => isIndexed(store, graphs, field, graph),
    indexed: async () => (await store.keys('iteration_index', { prefix: [FIELD] })).map((key) => key[2]),
  };
}

it('is used from the first version of a graph on, since nothing is older', async () => {
  const { covers } = await fixture([meterGraph(1, [FIELD])]);
  expect(await covers(FIELD, undefined)).toBe(true);
  expect(await covers('meter.other', undefined)).toBe(false);
  expect(await covers(FIELD, 'another')).toBe(false);
});

it('takes in what has ended before it was declared, and is used only then', async () => {
  const { open, covers, write, indexed } = await fixture();
  await write(10, { iterations: [{ output: { value: 2 } }, { state: 'failed' }] });
  await write(20, { iterations: [{ output: { value: 1 } }] });
  const indexes = open();
  expect(await covers(FIELD, 'meters')).toBe(false);
  await indexes.refresh();
  expect(await covers(FIELD, 'meters')).toBe(true);
  expect(await indexed()).toEqual([20, 10]);
});

it('waits for what was under way when it was declared', async () => {
  const { open, covers, write, end, indexed, listeners } = await fixture();
  await write(10, { iterations: [{ state: 'running' }] });
  const indexes = open();
  const done = indexes.refresh();
  await expect.poll(() => listeners.size).toBe(2);
  expect(await covers(FIELD, 'meters')).toBe(false);
  await end(10, 5);
  await done;
  expect(await covers(FIELD, 'meters')).toBe(true);
  expect(await indexed()).toEqual([10]);
  expect(listeners.size).toBe(0);
});

it('remembers over a restart that it is complete, and begins again when it was dropped in between', async () => {
  const { open, covers, write, graphs } = await fixture();
  await write(10, { iterations: [{ output: { value: 2 } }] });
  await open().refresh();
  const again = open();
  await again.refresh();
  expect(await covers(FIELD, undefined)).toBe(true);
  graphs.set('meters', [
    meterGraph(1, []),
    meterGraph(2, [FIELD]),
    meterGraph(3, []),
    meterGraph(4, [FIELD]),
  ]);
  expect(await covers(FIELD, undefined)).toBe(false);
  await again.refresh();
  expect(await covers(FIELD, undefined)).toBe(true);
});

it('is not used over all graphs as long as one that has the module does not declare it', async () => {
  const { covers, graphs } = await fixture([meterGraph(1, [FIELD])]);
  graphs.set('others', [meterGraph(1, [], 'others')]);
  expect([await covers(FIELD, undefined), await covers(FIELD, 'meters')]).toEqual([false, true]);
});

it('stops while it waits', async () => {
  const { open, covers, write, listeners } = await fixture();
  await write(10, { iterations: [{ state: 'running' }] });
  const indexes = open();
  const done = indexes.refresh();
  await expect.poll(() => listeners.size).toBe(2);
  await indexes.stop();
  await done;
  expect([await covers(FIELD, 'meters'), listeners.size]).toEqual([false, 0]);
});
