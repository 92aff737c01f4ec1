/** The process that reads a store to check it; `apart.ts` starts it and reads its result. */
import { messageOf, TuttiError } from '../../base/errors.js';
import { checkStore } from '../../orchestrator/check/check.js';
import { readStoredGraph } from '../../server/stored-graphs.js';
import { partsOf } from '../../store/data-dir.js';
import { openStoreReadOnly } from '../../store/lmdb.js';
import type { PostgresReadOnly } from '../../store/postgres/read-only.js';
import type { ReadOnlyStore } from '../../store/read-only-store.js';
import type { CheckAnswer, CheckedPlace } from './apart.js';

const [place = '{}', hashBlobs] = process.argv.slice(2);
process.send!(await answerFor(JSON.parse(place), hashBlobs === 'true'));
process.disconnect();

interface Place extends Omit<CheckedPlace, 'store'> {
  /** Whether `TUTTI_STORE` says where the store is. */
  readonly store: boolean;
}

async function answerFor(place: Place, hashBlobs: boolean): Promise<CheckAnswer> {
  try {
    const store = await openAt(place);
    const blobDir = place.blobDir ?? partsOf(place.data).blobs;
    try {
      return {
        kind: 'verdict',
        verdict: await checkStore(store, { blobDir, hashBlobs, readGraph: readStoredGraph }),
      };
    } finally {
      await store.close();
    }
  } catch (thrown) {
    const error = thrown instanceof TuttiError ? thrown : new TuttiError('store_damaged', messageOf(thrown));
    const { code, message, hint, details } = error;
    return { kind: 'error', code, message, details, ...(hint !== undefined && { hint }) };
  }
}

async function openAt({ data, store }: Place): Promise<PostgresReadOnly | ReadOnlyStore> {
  if (store) {
    const { openPostgresReadOnly } = await import('../../store/postgres/read-only.js');
    return openPostgresReadOnly(process.env.TUTTI_STORE!);
  }
  const { store: dir, identity } = partsOf(data);
  return openStoreReadOnly({ dir, identityFile: identity, readAhead: true });
}
