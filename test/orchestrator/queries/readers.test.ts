import { inProcessReaders } from '../../../src/orchestrator/queries/service/in-process.js';
import { readStoredGraph } from '../../../src/server/stored-graphs.js';
import { createMemoryStore } from '../../../src/store/memory.js';
import type { Store } from '../../../src/store/store.js';
import { committing, type OpenReaders, queriesContract } from '../../contract/queries.contract.js';

async function readersOf(store: Store, seen: Pick<Store, 'snapshot'>): Promise<OpenReaders> {
  return {
    start: inProcessReaders({ store: seen, readGraph: readStoredGraph }),
    commit: await committing(store),
    shown: () => store.applied(store.position),
    close: () => store.close(),
  };
}

/** As a store on PostgreSQL, which has a connection for each view. */
function withFewViews(store: Store, most: number): Pick<Store, 'snapshot'> {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  return {
    async snapshot(read) {
      if (underWay >= most) await new Promise<void>((resolve) => waiting.push(resolve));
      underWay += 1;
      try {
        return await store.snapshot(read);
      } finally {
        underWay -= 1;
        waiting.shift()?.();
      }
    },
  };
}

queriesContract('a reader in this process', () => {
  const store = createMemoryStore();
  return readersOf(store, store);
});

queriesContract('a reader of a store that lets two views be under way', () => {
  const store = createMemoryStore();
  return readersOf(store, withFewViews(store, 2));
});
