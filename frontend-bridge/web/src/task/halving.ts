/** Places in lists that are in order of their `seq` or time, found by halving. */

/** How many of `items` had happened with `seq`. */
export function countUntil(items: readonly { readonly seq: number }[], seq: number): number {
  return countWhile(items, (item) => item.seq <= seq);
}

/** How many of `items`, from the first on, are as said; none is after one that is not. */
export function countWhile<T>(items: readonly T[], isSo: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isSo(items[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
