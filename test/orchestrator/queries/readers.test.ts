import { inProcessReaders } from '../../../src/orchestrator/queries/service/in-process.js';
import { readStoredGraph } from '../../../src/server/stored-graphs.js';
import { createMemoryStore } from '../../../src/store/memory.js';
import { committing, queriesContract } from '../../contract/queries.contract.js';

queriesContract('a reader in this process', async () => {
  const store = createMemoryStore();
  return {
    start: inProcessReaders({ store, readGraph: readStoredGraph }),
    commit: await committing(store),
    shown: () => store.applied(store.position),
    close: () => store.close(),
  };
});
