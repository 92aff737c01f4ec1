/** The files beside a graph file that its run modules name: those that are there, and none outside of its folder. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Fault, messageOf } from '../base/errors.js';
import { filesOfGraph, type Graph } from '../model/graph.js';

export interface FileBeside {
  /** As the graph names it. */
  readonly path: string;
  /** Where it is. */
  readonly file: string;
  readonly sha256: string;
}

export type FilesBeside =
  | { readonly ok: true; readonly files: readonly FileBeside[] }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** `graphFile`: the path of the graph's own file. */
export async function filesBeside(graphFile: string, graph: Graph): Promise<FilesBeside> {
  const files: FileBeside[] = [];
  const faults: Fault[] = [];
  const named = filesOfGraph(graph);
  if (named.size === 0) return { ok: true, files };
  const folder = await realpath(dirname(graphFile));
  for (const [path, at] of named) {
    const fault = (code: string, message: string): void => void faults.push({ path: at, code, message });
    try {
      const file = await realpath(join(folder, path));
      if (!file.startsWith(folder + sep))
        fault('bad_path', `${path} leads out of the folder of the graph file`);
      else if (!(await stat(file)).isFile()) fault('unreadable_file', `${path} is not a file`);
      else files.push({ path, file, sha256: await hashOf(file) });
    } catch (thrown) {
      fault('unreadable_file', `${path} cannot be read: ${messageOf(thrown)}`);
    }
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, files };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** By path, the hash. */
export function hashesOf(files: readonly FileBeside[]): Record<string, string> {
  return Object.fromEntries(files.map(({ path, sha256 }) => [path, sha256]));
}
