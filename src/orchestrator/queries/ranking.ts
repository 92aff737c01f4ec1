/** The first page of an order that is known only once everything has been looked at: so many items, and no more text than a page has. */
import type { View } from '../port.js';
import { MAX_PAGE_CHARACTERS } from './pages.js';

/** The sort key of a field's value, and the place in the list. */
export type Rank = readonly [element: string, problemSeq: number, iterationId: number];

export interface Ranked {
  readonly rank: Rank;
  readonly view: View;
  /** Of what it shows. */
  readonly characters: number;
}

export class Ranking {
  readonly #compare: (a: Rank, b: Rank) => number;
  readonly #limit: number;
  readonly #first: Ranked[] = [];
  /** The first of those that there was no room for: nothing behind it belongs to the page. */
  #cut: Rank | undefined;
  #characters = 0;

  constructor(compare: (a: Rank, b: Rank) => number, limit: number) {
    this.#compare = compare;
    this.#limit = limit;
  }

  takes(rank: Rank): boolean {
    return this.#cut === undefined || this.#compare(rank, this.#cut) < 0;
  }

  add(one: Ranked): void {
    this.#first.splice(this.#positionOf(one.rank), 0, one);
    this.#characters += one.characters;
    while (
      this.#first.length > this.#limit ||
      (this.#first.length > 1 && this.#characters > MAX_PAGE_CHARACTERS)
    ) {
      const last = this.#first.pop()!;
      this.#characters -= last.characters;
      this.#cut = last.rank;
    }
  }

  page(): { readonly items: readonly Ranked[]; readonly isCut: boolean } {
    return { items: this.#first, isCut: this.#cut !== undefined };
  }

  #positionOf(rank: Rank): number {
    let low = 0;
    let high = this.#first.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(rank, this.#first[middle]!.rank) < 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
