/** Files that come with a request as blobs: those that it names, and no others. */
import type { Fault } from '../base/errors.js';
import { SHA256 } from '../base/sha256.js';

export interface NamedFiles {
  /** By path, where it is named: what a missing one is a fault of. */
  readonly named: ReadonlyMap<string, string>;
  /** By path, the SHA-256. */
  readonly given: Readonly<Record<string, string>>;
  /** The field of the request that gives them. */
  readonly field: string;
  /** What names them, in the words of a sentence: `the service`. */
  readonly by: string;
}

export function fileFaults({ named, given, field, by }: NamedFiles): Fault[] {
  const faults: Fault[] = [];
  for (const [path, sha256] of Object.entries(given)) {
    const at = `/${field}/${path.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!named.has(path))
      faults.push({ path: at, code: 'unknown_file', message: `${by} names no such file` });
    else if (!SHA256.test(sha256))
      faults.push({ path: at, code: 'bad_sha256', message: 'give 64 hexadecimal digits, lower case' });
  }
  for (const [path, at] of named) {
    if (Object.hasOwn(given, path)) continue;
    const message = `the file ${path} is not given: upload it as a blob, and give its SHA-256 in ${field}`;
    faults.push({ path: at, code: 'missing_file', message });
  }
  return faults;
}
