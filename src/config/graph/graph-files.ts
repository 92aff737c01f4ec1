/** The files beside a graph file, a service file or a blueprint that it names: those that are there, and none outside of its folder. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Fault, messageOf } from '../../base/errors.js';

export interface FileBeside {
  /** As it is named. */
  readonly path: string;
  /** Where it is. */
  readonly file: string;
  readonly sha256: string;
}

export type FilesBeside =
  | { readonly ok: true; readonly files: readonly FileBeside[] }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** `ownFile`: the path of the file that names them. `named`: by path, where in it that is said. */
export async function filesBeside(ownFile: string, named: ReadonlyMap<string, string>): Promise<FilesBeside> {
  const files: FileBeside[] = [];
  const faults: Fault[] = [];
  if (named.size === 0) return { ok: true, files };
  const folder = await realpath(dirname(ownFile));
  for (const [path, at] of named) {
    const fault = (code: string, message: string): void => void faults.push({ path: at, code, message });
    try {
      const file = await realpath(join(folder, path));
      if (!file.startsWith(folder + sep)) fault('bad_path', `${path} leads out of the folder of its file`);
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
