/** Where the items of a map stand as small squares, row after row. */
import { MODULE_STATES, type ModuleState } from '../../../../src/model/execution.js';
import { codeOf } from '../state/items-reducer.js';

export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** The side of a square with the gap after it, in pixels. */
  readonly cell: number;
  /** Items that share a square: more than one where there are more items than pixels. */
  readonly share: number;
}

const LARGEST_CELL_PX = 14;
const SMALLEST_CELL_PX = 2;

/** The largest squares with which all items fit. */
export function gridOf(count: number, width: number, height: number): Grid {
  for (let cell = LARGEST_CELL_PX; cell >= SMALLEST_CELL_PX; cell -= 1) {
    const columns = Math.max(1, Math.floor(width / cell));
    const rows = Math.ceil(count / columns);
    if (rows * cell <= height) return { columns, rows, cell, share: 1 };
  }
  const columns = Math.max(1, Math.floor(width / SMALLEST_CELL_PX));
  const share = Math.ceil(count / (columns * Math.max(1, Math.floor(height / SMALLEST_CELL_PX))));
  const rows = Math.ceil(Math.ceil(count / share) / columns);
  return { columns, rows, cell: SMALLEST_CELL_PX, share };
}

/** The first item of the square at a place, in pixels. */
export function itemAt(
  { columns, cell, share }: Grid,
  count: number,
  x: number,
  y: number,
): number | undefined {
  const column = Math.floor(x / cell);
  const item = (Math.floor(y / cell) * columns + column) * share;
  return column >= 0 && column < columns && item >= 0 && item < count ? item : undefined;
}

/** What a person looks for comes first: of items that share a square, that of one of them is shown. */
const BY_WEIGHT: readonly ModuleState[] = [
  ...(['failed', 'lost', 'rejected', 'cancelled', 'preempted', 'running', 'accepted', 'assigned'] as const),
  ...(['waiting', 'skipped', 'succeeded', 'reused'] as const),
];
const WEIGHTS: readonly number[] = MODULE_STATES.map((state) => BY_WEIGHT.indexOf(state));

/** By state, the squares that show it. */
export function squaresOf({ share }: Grid, states: Uint8Array): ReadonlyMap<ModuleState, readonly number[]> {
  const squares = new Map<ModuleState, number[]>(BY_WEIGHT.map((state) => [state, []]));
  const count = Math.ceil(states.length / share);
  for (let square = 0; square < count; square += 1) {
    const shared = states.subarray(square * share, (square + 1) * share);
    let weight = WEIGHTS[shared[0] ?? 0] ?? 0;
    for (const code of shared) weight = Math.min(weight, WEIGHTS[code] ?? weight);
    squares.get(BY_WEIGHT[weight] ?? 'waiting')?.push(square);
  }
  return squares;
}

/** How many items are in each state, in the order of `BY_WEIGHT`. */
export function countsOf(states: Uint8Array): readonly (readonly [state: ModuleState, count: number])[] {
  const counts = new Uint32Array(MODULE_STATES.length);
  for (const code of states) counts[code] = (counts[code] ?? 0) + 1;
  return BY_WEIGHT.map((state) => [state, counts[codeOf(state)] ?? 0] as const).filter(
    ([, count]) => count > 0,
  );
}

/** The numbers of the items in a state; nothing means all of them. */
export function numbersOf(states: Uint8Array, state: ModuleState | undefined): Numbers {
  if (state === undefined) return { count: states.length, at: (index) => index, indexOf: (item) => item };
  const code = codeOf(state);
  const numbers: number[] = [];
  for (let item = 0; item < states.length; item += 1) if (states[item] === code) numbers.push(item);
  return {
    count: numbers.length,
    at: (index) => numbers[index] ?? 0,
    indexOf: (item) => numbers.indexOf(item),
  };
}

/** Some of the items, in their order. */
export interface Numbers {
  readonly count: number;
  readonly at: (index: number) => number;
  /** −1: it is not one of them. */
  readonly indexOf: (item: number) => number;
}
