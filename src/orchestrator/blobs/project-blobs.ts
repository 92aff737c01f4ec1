/**
 * The blobs of a project: those that its people have uploaded, those that its problems use, and the files of graphs, which all share.
 *
 * Somebody who has the bytes of a blob may upload them again, and then has it: so a hash alone, which may be heard of, opens nothing.
 */

import { SHA256 } from '../../base/sha256.js';
import { isDeploymentGraph } from '../../model/deployment.js';
import { keysOf } from '../../store/pages.js';
import type { Reader } from '../../store/store.js';
import type { State } from '../core/state.js';
import type { Blobs } from '../port.js';
import { readProblem } from '../tables/read-rows.js';
import type { BlobRow } from '../tables/records.js';
import { projectOfRow } from '../tables/row.js';
import * as tables from '../tables/tables.js';
import { type CollectableBlobs, noSuchBlob } from './blobs.js';

export interface BlobsWithinDeps {
  readonly blobs: Pick<CollectableBlobs, 'open' | 'putBy'>;
  readonly store: Reader;
  readonly graphs: State['graphs'];
}

export function blobsWithin(deps: BlobsWithinDeps, project: string): Blobs {
  const { blobs } = deps;
  return {
    put: (sha256, content) => blobs.putBy(project, sha256, content),
    open: async (sha256) =>
      (await seesBlob(deps, project, sha256)) ? blobs.open(sha256) : noSuchBlob(sha256),
  };
}

export async function seesBlob(
  { store, graphs }: Omit<BlobsWithinDeps, 'blobs'>,
  project: string,
  sha256: string,
): Promise<boolean> {
  if (!SHA256.test(sha256)) return false;
  const bytes = await store.get('blobs', [sha256]);
  if (bytes === undefined) return false;
  if (tables.blobs.decode(bytes).projects?.includes(project) || isFileOfGraph(graphs, sha256)) return true;
  let last = '';
  for await (const [, problemId] of keysOf(store, 'blob_refs', { prefix: [sha256] })) {
    if (problemId === last) continue;
    last = String(problemId);
    const problem = await readProblem(store, last);
    if (problem && projectOfRow(problem) === project) return true;
  }
  return false;
}

/** The projects whose people have uploaded a blob, with this one. */
export async function uploadersOf(
  store: Pick<Reader, 'get'>,
  sha256: string,
  project: string | undefined,
): Promise<readonly string[] | undefined> {
  const bytes = await store.get('blobs', [sha256]);
  const { projects = [] }: Pick<BlobRow, 'projects'> = bytes ? tables.blobs.decode(bytes) : {};
  const all = new Set([...projects, ...(project === undefined ? [] : [project])]);
  return all.size === 0 ? undefined : [...all];
}

/** The plans of deployments are not everybody's: their files are of the projects that have uploaded them. */
function isFileOfGraph(graphs: State['graphs'], sha256: string): boolean {
  for (const [name, versions] of graphs) {
    if (isDeploymentGraph(name)) continue;
    for (const { files = {} } of versions)
      if (Object.values(files).some((blob) => blob.sha256 === sha256)) return true;
  }
  return false;
}
