/**
 * How many files and sockets this process may have open, and how they are shared out: a peer that took all of them would keep the store, the
 * blobs and the log from opening theirs.
 */
import { readFileSync } from 'node:fs';

/** Of systems that do not say. Node raises its soft limit to the hard one, which is rarely less than this. */
const USUAL_LIMIT = 4_096;
const LIMIT = /^Max open files\s+(\d+|unlimited)/m;
/** Beyond this many, something else is what limits us. */
const MOST = 1_048_576;

/** The limit of this process. */
export function openFilesLimit(): number {
  try {
    const [, limit] = LIMIT.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (limit === undefined) return USUAL_LIMIT;
    return limit === 'unlimited' ? MOST : Math.min(MOST, Number(limit));
  } catch {
    return USUAL_LIMIT;
  }
}
