/** What differs between two values, leaf by leaf. */
import microdiff from 'microdiff';

export interface Difference {
  /** A JSON pointer. */
  readonly path: string;
  /** `null` where it is absent. */
  readonly a: unknown;
  readonly b: unknown;
}

function differences(a: unknown, b: unknown): Difference[] {
  return microdiff({ value: a }, { value: b }).map((change) => ({
    path: change.path
      .slice(1)
      .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
      .join(''),
    a: (change.type === 'CREATE' ? undefined : change.oldValue) ?? null,
    b: (change.type === 'REMOVE' ? undefined : change.value) ?? null,
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
