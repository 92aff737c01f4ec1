/** One pass of retention over the store: what its parts read with, and whom they ask. */
import type { Key, Reader } from '../../store/store.js';
import type { Proposals, Removal, Weighed } from '../proposals/proposals.js';

export interface Pass {
  readonly store: Reader;
  readonly proposals: Proposals;
  readonly wallMs: () => number;
  /** The pass is to end. */
  readonly signal: AbortSignal;
}

/** R4 of `proposals.ts`. Proposes it until all of it is done, one answer after the other. Returns how many things it was, and how the last answer was. */
export async function remove(
  { proposals, signal }: Pick<Pass, 'proposals' | 'signal'>,
  removal: Removal,
): Promise<{ readonly count: number; readonly last: Weighed['kind'] }> {
  for (let count = 0; ; ) {
    const weighed = await proposals.propose(removal);
    if (weighed.kind !== 'done') return { count, last: weighed.kind };
    count += weighed.count;
    if (!weighed.isMore) return { count, last: 'done' };
    if (signal.aborted) return { count, last: 'stopped' };
  }
}

/** Keys as the names that their rows have. */
export function namesOf(keys: readonly Key[]): string[] {
  return keys.map(([name]) => String(name));
}
