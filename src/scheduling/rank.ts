/**
 * Who comes first: by priority with ageing, then by age.
 *
 * Ageing is linear, so the order of two tasks never changes while both wait and a heap can hold them: a point of priority is
 * worth `AGEING_MS` of waiting.
 */

/** A task of the lowest priority overtakes new ones of the default priority after 50 × this = 25 minutes. */
const AGEING_MS = 30_000;

export interface Ranked {
  /** 0–100, higher first. */
  readonly priority: number;
  /** Unix milliseconds since when it waits; of two with the same priority the one with the smaller `queueSeq` has no later one. */
  readonly queuedAt: number;
  /** Its place among equals, smaller first. */
  readonly queueSeq: number;
}

/** Negative when `a` comes first. */
export function byRank(a: Ranked, b: Ranked): number {
  return (
    a.queuedAt - a.priority * AGEING_MS - (b.queuedAt - b.priority * AGEING_MS) || a.queueSeq - b.queueSeq
  );
}
