/** Graph versions as requests bring them: with files that have to be here as blobs, or the same as what is stored. */
import { type Fault, summaryOf } from '../../../base/errors.js';
import type { BlobRef } from '../../../model/payload.js';
import type { Refusal } from '../../port.js';
import { refusal } from '../../refusal.js';
import type { LoadedGraph } from '../state.js';
import type { PreparedRequest, Turn } from '../turn.js';

/** The graph that names the files. */
type FilesCode = 'bad_graph' | 'bad_service' | 'bad_blueprint';

export function missingFile(path: string, sha256: string): Fault {
  return {
    path: `files[${JSON.stringify(path)}]`,
    code: 'unknown_blob',
    message: `no blob ${sha256} is stored`,
  };
}

export function missingFiles(faults: readonly Fault[], code: FilesCode = 'bad_graph'): Refusal {
  return refusal('invalid', code, `files of the graph are not here: ${summaryOf(faults)}`, {
    details: faults,
    hint: 'upload each by PUT /v1/blobs/{sha256} first',
  });
}

type Brought = Pick<Extract<PreparedRequest, { kind: 'put_graph' }>, 'yaml' | 'typesJson' | 'files'>;

/** Whether the newest version is what the request brings. */
export function isSameGraph(newest: LoadedGraph, { yaml, typesJson, files = {} }: Brought): boolean {
  const before = newest.files ?? {};
  const paths = Object.keys(files);
  return (
    newest.yaml === yaml &&
    JSON.stringify(newest.typesJson) === JSON.stringify(typesJson) &&
    paths.length === Object.keys(before).length &&
    paths.every((path) => before[path]?.sha256 === files[path])
  );
}

/** The files of a graph, all of which have to be here. */
export function blobsOf(
  { loaded }: Turn,
  files: Readonly<Record<string, string>>,
  code: FilesCode = 'bad_graph',
): { readonly ok: true; readonly blobs: Readonly<Record<string, BlobRef>> } | Refusal {
  const blobs: Record<string, BlobRef> = {};
  const faults: Fault[] = [];
  for (const [path, sha256] of Object.entries(files)) {
    const size = loaded.blobs.get(sha256);
    if (size !== undefined) blobs[path] = { sha256, size };
    else faults.push(missingFile(path, sha256));
  }
  return faults.length === 0 ? { ok: true, blobs } : missingFiles(faults, code);
}
