/** Files that come with a request as blobs: those that it names, and no others. */
import type { Fault } from '../../base/errors.js';
import { pointer } from '../../base/json/pointer.js';
import { SHA256 } from '../../base/sha256.js';
import { missingFile } from '../core/tasks/graph-files.js';

export interface NamedFiles {
  /** By path, where it is named: what a missing one is a fault of. */
  readonly named: ReadonlyMap<string, string>;
  /** By path, the SHA-256. */
  readonly given: Readonly<Record<string, string>>;
  /** The field of the request that gives them. */
  readonly field: string;
  /** The subject that names them, in a sentence: `the service`. */
  readonly by: string;
}

export function fileFaults({ named, given, field, by }: NamedFiles): Fault[] {
  const faults: Fault[] = [];
  const known = named.size === 0 ? 'it names none' : `it names ${[...named.keys()].join(', ')}`;
  for (const [path, sha256] of Object.entries(given)) {
    const at = pointer(field, path);
    if (!named.has(path))
      faults.push({ path: at, code: 'unknown_file', message: `${by} names no such file: ${known}` });
    else if (!SHA256.test(sha256))
      faults.push({ path: at, code: 'bad_sha256', message: 'give 64 hexadecimal digits, lower case' });
  }
  for (const [path, at] of named) {
    if (Object.hasOwn(given, path)) continue;
    const message = `the file ${path} is missing: upload it as a blob, and give its SHA-256 in ${field}`;
    faults.push({ path: at, code: 'missing_file', message });
  }
  return faults;
}

/** Whether the caller may refer to a blob. */
export interface SeesBlob {
  readonly sees: (sha256: string) => Promise<boolean>;
}

/** Files that are blobs of other projects, and as good as not there. */
export async function hiddenFiles(
  { sees }: SeesBlob,
  files: Readonly<Record<string, string>>,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const [path, sha256] of Object.entries(files))
    if (!(await sees(sha256))) faults.push(missingFile(path, sha256));
  return faults;
}
