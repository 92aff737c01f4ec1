/** What differs between two values, leaf by leaf. */
import { escapeStep } from '../../base/json/check-text.js';
import { jsonDifferences } from '../../base/json/differences.js';

export interface Difference {
  /** A JSON pointer. */
  readonly path: string;
  /** `null` where it is absent. */
  readonly a: unknown;
  readonly b: unknown;
}

function differences(a: unknown, b: unknown): Difference[] {
  return jsonDifferences(a, b).map((one) => ({
    path: one.path.map((step) => `/${escapeStep(step)}`).join(''),
    a: one.a ?? null,
    b: one.b ?? null,
  }));
}

/** Leaves that one answer names: two large outputs that have nothing in common differ in all of theirs. */
const MAX_DIFFERENCES = 10_000;

/** The differences of several pairs of values, no more than an answer holds. */
export class Differing {
  #left = MAX_DIFFERENCES;
  #isTruncated = false;

  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  between(a: unknown, b: unknown): Difference[] {
    const all = differences(a, b);
    const taken = all.slice(0, this.#left);
    this.#left -= taken.length;
    if (taken.length < all.length) this.#isTruncated = true;
    return taken;
  }
}
