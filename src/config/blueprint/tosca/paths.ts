/** Paths of files that a template names. */
import { posix } from 'node:path';
import { pathWithin } from '../../../model/run.js';

/**
 * From the root: a path beside the file that names it, or, with `/` at its beginning, below the root. Nothing for one that leads out.
 *
 * @param from the file that names it
 */
export function resolvePath(path: string, from: string): string | undefined {
  const joined = path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(from), path);
  return pathWithin(joined.replace(/\/+$/, ''));
}

export function baseName(path: string): string {
  return posix.basename(path);
}
