/** The tree of iterations as lanes: who goes on from the newest of a line stays in its lane, who branches off gets one of its own. */
export interface Branching {
  readonly iteration_id: number;
  readonly parent_iteration_id: number | null;
}

export interface Placed<T extends Branching> {
  readonly item: T;
  /** From 0. */
  readonly lane: number;
  /** The lane and row of what it goes on from, where that is in the list. */
  readonly parent: { readonly lane: number; readonly row: number } | undefined;
}

/** One row an iteration, in their order. The first child of an iteration goes on in its lane. */
export function layLanes<T extends Branching>(
  items: readonly T[],
): { readonly rows: Placed<T>[]; readonly lanes: number } {
  const places = new Map<number, { readonly lane: number; readonly row: number }>();
  const continued = new Set<number>();
  let lanes = 0;
  const rows = items.map((item, row): Placed<T> => {
    const parentId = item.parent_iteration_id;
    const parent = parentId === null ? undefined : places.get(parentId);
    const goesOn = parent !== undefined && parentId !== null && !continued.has(parentId);
    if (goesOn) continued.add(parentId);
    const lane = goesOn ? parent.lane : lanes;
    if (!goesOn) lanes += 1;
    places.set(item.iteration_id, { lane, row });
    return { item, lane, parent };
  });
  return { rows, lanes };
}
