/**
 * A process that answers queries from the store of an orchestrator: `reader.js DATA_DIRECTORY`. `tutti up` starts it, and it ends with
 * `tutti up`.
 */
import { serveAsReader } from '../orchestrator/queries/service/child-process.js';
import { partsOf } from '../store/data-dir.js';
import { openAppliedTables } from '../store/lmdb.js';
import { readStoredGraph } from './stored-graphs.js';

// A terminal sends them to all processes: the orchestrator decides when its readers end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
const parts = partsOf(process.argv[2]!);
serveAsReader(await openAppliedTables({ dir: parts.store, identityFile: parts.identity }), readStoredGraph);
