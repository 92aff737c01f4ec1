import { describe, expect, it } from 'vitest';
import {
  countsOf,
  type Grid,
  gridOf,
  itemAt,
  numbersOf,
  squaresOf,
} from '../../../frontend-bridge/web/src/items/grid.js';
import {
  codeOf,
  itemsAfter,
  notBegun,
  stateAt,
} from '../../../frontend-bridge/web/src/state/items-reducer.js';
import { advance, reduce } from '../../../frontend-bridge/web/src/state/reducer.js';
import type { ItemPageView, ItemStatesView } from '../../../frontend-bridge/web/src/state/views.js';
import type { EventJson } from '../../../src/contract/event.js';
import type { ModuleState } from '../../../src/model/execution.js';

const OF = { problem_id: 'p', iteration_id: 1, module: 'each' };
const AT = '2026-03-01T10:00:00.000Z';

function event(type: EventJson['type'], item?: number, fields: Partial<EventJson> = {}): EventJson {
  const about = item === undefined ? {} : { module: 'each', item, execution_id: `x${item}`, attempt: 1 };
  return { seq: 1, at: AT, type, problem_id: 'p', iteration_id: 1, ...about, ...fields };
}

const states = (...each: readonly ModuleState[]): ItemStatesView => ({
  kind: 'item_states',
  ...OF,
  states: Uint8Array.from(each, codeOf),
});

const page = (...numbers: readonly number[]): ItemPageView => ({
  kind: 'item_page',
  ...OF,
  from: numbers[0] ?? 0,
  to: numbers.at(-1) ?? 0,
  items: numbers.map(notBegun),
});

describe('the states of the items of a map', () => {
  it('follow the events of each item, and a batch of them copies the list once', () => {
    const before = { cursor: 0, incomplete: false, view: states('waiting', 'waiting', 'waiting') };
    const batch = [
      event('execution.assigned', 0, { seq: 1 }),
      event('execution.running', 0, { seq: 2 }),
      event('execution.assigned', 1, { seq: 3 }),
      event('execution.succeeded', 0, { seq: 4 }),
      event('item.succeeded', 0, { seq: 5 }),
      event('item.reused', 2, { seq: 6 }),
    ];
    const { view, incomplete } = advance(before, batch, 6);
    expect([0, 1, 2].map((item) => stateAt(view.states, item))).toEqual([
      ...['succeeded', 'assigned', 'reused'],
    ]);
    expect(incomplete).toBe(false);
    expect(stateAt(before.view.states, 0)).toBe('waiting');
  });

  it('stay the same object while nothing of the module happens', () => {
    const view = states('waiting');
    for (const other of [
      event('execution.assigned', 0, { module: 'other' }),
      event('execution.assigned', 0, { iteration_id: 2 }),
      event('execution.progress', 0, { progress: 0.5 }),
    ])
      expect(reduce(view, other)).toEqual({ view, complete: true });
  });

  it('are told nothing by an execution of an earlier run that ends', () => {
    const view = states('waiting', 'succeeded');
    expect(reduce(view, event('execution.cancelled', 0)).view).toBe(view);
    expect(reduce(view, event('execution.lost', 1)).view).toBe(view);
  });

  it.each([
    ['a reset', event('command.issued', undefined, { command: 'reset' })],
    ['another pass of a loop', event('loop.passed')],
    ['a list that was taken apart', event('map.started', undefined, { module: 'each', items: 3 })],
    ['the end of the task', event('iteration.failed')],
    ['a failure, which may be that of the module', event('execution.failed', 0)],
  ])('are read again after %s', (_, one) => {
    expect(reduce(states('running'), one).complete).toBe(false);
    expect(reduce(page(0), one).complete).toBe(false);
  });
});

describe('a page of items', () => {
  it('says of each item what the orchestrator would', () => {
    let view = page(4, 5);
    for (const one of [
      event('execution.assigned', 5, { node_id: 'n' }),
      event('execution.accepted', 5),
      event('execution.running', 5, { at: '2026-03-01T10:00:01.000Z' }),
      event('execution.lost', 5, { at: '2026-03-01T10:00:02.000Z' }),
      event('item.waiting', 5, { reason: 'its node was lost' }),
    ])
      view = reduce(view, one).view as ItemPageView;
    expect(view.items[0]).toEqual(notBegun(4));
    expect(view.items[1]).toEqual({
      ...notBegun(5),
      ...{ state: 'waiting', waiting_reason: 'its node was lost', execution_id: 'x5', attempt: 1 },
      ...{ node_id: 'n', assigned_at: AT },
      ...{ started_at: '2026-03-01T10:00:01.000Z', finished_at: '2026-03-01T10:00:02.000Z' },
    });
    view = reduce(view, event('execution.assigned', 5, { execution_id: 'y', attempt: 2 }))
      .view as ItemPageView;
    expect(view.items[1]).toMatchObject({ state: 'assigned', attempt: 2, waiting_reason: null });
  });

  it('is read again when an item comes into it that it does not have', () => {
    const view = page(4, 8);
    expect(reduce(view, event('execution.assigned', 6)).complete).toBe(false);
    expect(reduce(view, event('execution.assigned', 9))).toEqual({ view, complete: true });
  });
});

describe('the items at a moment', () => {
  const course = [
    event('iteration.submitted'),
    event('map.started', undefined, { module: 'each', items: 3 }),
    event('execution.assigned', 0),
    event('execution.running', 0),
    event('execution.succeeded', 0),
    event('item.succeeded', 0),
    event('execution.assigned', 1),
    event('iteration.cancelled'),
  ];
  const at = (count: number): ModuleState[] | undefined =>
    itemsAfter(course, count, 'each')?.map(({ state }) => state);

  it('are those that the events before it tell', () => {
    expect(at(1)).toBeUndefined();
    expect(at(2)).toEqual(['waiting', 'waiting', 'waiting']);
    expect(at(4)).toEqual(['running', 'waiting', 'waiting']);
    expect(at(7)).toEqual(['succeeded', 'assigned', 'waiting']);
    expect(at(8)).toEqual(['succeeded', 'assigned', 'skipped']);
  });
});

describe('the strip of all items', () => {
  it.each([
    [1, 320],
    [100, 320],
    [10_000, 320],
    [10_000, 900],
    [100_000, 320],
  ])('has a place for each of %i items on %i pixels, and finds the item at it', (count, width) => {
    const grid = gridOf(count, width, 112);
    expect(grid.columns * grid.cell).toBeLessThanOrEqual(width);
    expect(grid.rows * grid.cell).toBeLessThanOrEqual(112);
    expect(grid.columns * grid.rows * grid.share).toBeGreaterThanOrEqual(count);
    for (const item of [0, Math.floor(count / 3), count - 1]) {
      const square = Math.floor(item / grid.share);
      const x = (square % grid.columns) * grid.cell + 1;
      const y = Math.floor(square / grid.columns) * grid.cell + 1;
      expect(itemAt(grid, count, x, y)).toBe(square * grid.share);
    }
    expect(itemAt(grid, count, width + 50, 0)).toBeUndefined();
  });

  it('shows of items that share a square the one that a person looks for', () => {
    const grid: Grid = { columns: 2, rows: 1, cell: 2, share: 3 };
    const { states: four } = states('succeeded', 'failed', 'running', 'succeeded');
    const squares = squaresOf(grid, four);
    expect([squares.get('failed'), squares.get('succeeded'), squares.get('running')]).toEqual([[0], [1], []]);
  });

  it('counts the states, and lists the items that are in one of them', () => {
    const { states: four } = states('succeeded', 'failed', 'running', 'succeeded');
    expect(countsOf(four)).toEqual([
      ['failed', 1],
      ['running', 1],
      ['succeeded', 2],
    ]);
    const done = numbersOf(four, 'succeeded');
    expect([done.count, done.at(1), done.indexOf(3), done.indexOf(2)]).toEqual([2, 3, 1, -1]);
    expect(numbersOf(four, undefined)).toMatchObject({ count: 4 });
  });
});
