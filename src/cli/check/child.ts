/** The process that reads a store to check it; `apart.ts` starts it and reads its result. */
import { messageOf, TuttiError } from '../../base/errors.js';
import { checkStore } from '../../orchestrator/check.js';
import { readStoredGraph } from '../../server/stored-graphs.js';
import { partsOf } from '../../store/data-dir.js';
import { openStoreReadOnly } from '../../store/lmdb.js';
import type { CheckAnswer } from './apart.js';

const [data = '', ...flags] = process.argv.slice(2);
process.send!(await answerFor(data, flags.includes('--blobs')));
process.disconnect();

async function answerFor(dir: string, hashBlobs: boolean): Promise<CheckAnswer> {
  const { store: storeDir, blobs, identity } = partsOf(dir);
  try {
    const options = { dir: storeDir, identityFile: identity, readAhead: true };
    const store = await openStoreReadOnly(options);
    try {
      return {
        kind: 'verdict',
        verdict: await checkStore(store, { blobDir: blobs, hashBlobs, readGraph: readStoredGraph }),
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
