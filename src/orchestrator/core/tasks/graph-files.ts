/** Files of a graph that are not here as blobs. */
import { type Fault, summaryOf } from '../../../base/errors.js';
import type { Refusal } from '../../port.js';
import { refusal } from '../answers.js';

export function missingFile(path: string, sha256: string): Fault {
  return {
    path: `files[${JSON.stringify(path)}]`,
    code: 'unknown_blob',
    message: `no blob ${sha256} is stored`,
  };
}

export function missingFiles(faults: readonly Fault[]): Refusal {
  return refusal('invalid', 'bad_graph', `files of the graph are not here: ${summaryOf(faults)}`, {
    details: faults,
    hint: 'upload each by PUT /v1/blobs/{sha256} first',
  });
}
