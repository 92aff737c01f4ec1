/**
 * The tree of iterations as rows and lanes: below an iteration come its branches, one lane aside, and then the line that it goes on
 * with, in its own lane. However many branches there are, the tree is only as wide as branches branch.
 */
export interface Branching {
  readonly iteration_id: number;
  readonly parent_iteration_id: number | null;
}

export interface Placed<T extends Branching> {
  readonly item: T;
  /** From 0. */
  readonly lane: number;
  /** Where what it goes on from stands, if it is in the list. */
  readonly parent: { readonly lane: number; readonly row: number } | undefined;
}

export function layLanes<T extends Branching>(
  items: readonly T[],
): { readonly rows: readonly Placed<T>[]; readonly lanes: number } {
  const known = new Set(items.map(({ iteration_id }) => iteration_id));
  const children = new Map<number, T[]>();
  const roots: T[] = [];
  for (const item of items) {
    const parent = item.parent_iteration_id;
    if (parent === null || !known.has(parent)) roots.push(item);
    else children.set(parent, [...(children.get(parent) ?? []), item]);
  }
  const sizes = sizesOf(items);
  const rows: Placed<T>[] = [];
  let lanes = 0;

  const place = (first: T, lane: number, origin: Placed<T>['parent']): void => {
    lanes = Math.max(lanes, lane + 1);
    let parent = origin;
    for (let item: T | undefined = first; item !== undefined; ) {
      const here: NonNullable<Placed<T>['parent']> = { lane, row: rows.length };
      rows.push({ item, lane, parent });
      const own: readonly T[] = children.get(item.iteration_id) ?? [];
      const next = longest(own, sizes);
      for (const branch of own) if (branch !== next) place(branch, lane + 1, here);
      item = next;
      parent = here;
    }
  };
  for (const root of roots) place(root, 0, undefined);
  return { rows, lanes };
}

/** How many go on from each, directly or not, itself among them. A parent is always older than what goes on from it. */
function sizesOf(items: readonly Branching[]): ReadonlyMap<number, number> {
  const sizes = new Map(items.map(({ iteration_id }) => [iteration_id, 1]));
  const newestFirst = [...items].sort((a, b) => b.iteration_id - a.iteration_id);
  for (const { iteration_id: id, parent_iteration_id: parent } of newestFirst) {
    if (parent !== null && sizes.has(parent)) sizes.set(parent, sizes.get(parent)! + sizes.get(id)!);
  }
  return sizes;
}

/** The child that most goes on from; of equals the oldest. */
function longest<T extends Branching>(
  children: readonly T[],
  sizes: ReadonlyMap<number, number>,
): T | undefined {
  let best: T | undefined;
  for (const child of children) {
    if (best === undefined || sizes.get(child.iteration_id)! > sizes.get(best.iteration_id)!) best = child;
  }
  return best;
}
