/**
 * A process that answers queries from the store of an orchestrator: `reader.js DATA_DIRECTORY`, or `reader.js --store` with the URL of a
 * database in `TUTTI_STORE`. `tutti up` starts it, and it ends with `tutti up`.
 */
import { serveAsReader } from '../orchestrator/queries/service/child-process.js';
import { partsOf } from '../store/data-dir.js';
import { openAppliedTables } from '../store/lmdb.js';
import type { openPostgresTables } from '../store/postgres/read-only.js';
import { readStoredGraph } from './stored-graphs.js';

// A terminal sends them to all processes: the orchestrator decides when its readers end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
const [place = ''] = process.argv.slice(2);
serveAsReader(
  place === '--store' ? await tablesAt(process.env.TUTTI_STORE!) : await tablesIn(place),
  readStoredGraph,
);

/** Its client takes memory that a store on this machine has no use for. */
async function tablesAt(url: string): Promise<ReturnType<typeof openPostgresTables>> {
  const { openPostgresTables } = await import('../store/postgres/read-only.js');
  return openPostgresTables(url);
}

function tablesIn(data: string): ReturnType<typeof openAppliedTables> {
  const { store, identity } = partsOf(data);
  return openAppliedTables({ dir: store, identityFile: identity });
}
