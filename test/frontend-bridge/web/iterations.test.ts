import { describe, expect, it } from 'vitest';
import { differingParts } from '../../../frontend-bridge/web/src/iterations/compare.js';
import {
  changeOf,
  defaultColumns,
  fieldInfo,
  unitIn,
} from '../../../frontend-bridge/web/src/iterations/fields.js';
import { layLanes } from '../../../frontend-bridge/web/src/iterations/lanes.js';
import { leavesOf } from '../../../frontend-bridge/web/src/iterations/leaves.js';
import {
  changedInputs,
  givenInputs,
  recordedInputs,
  reusable,
} from '../../../frontend-bridge/web/src/iterations/rerun.js';
import { readState, withState } from '../../../frontend-bridge/web/src/iterations/use-view.js';
import type { GraphJson } from '../../../src/contract/graph.js';
import type { TaskJson } from '../../../src/contract/iteration.js';
import { columnNames } from '../../../src/model/columns.js';
import { formatNumber } from '../../../src/model/shown-numbers.js';

const extra = (value: unknown): string => btoa(JSON.stringify(value));

function task(outputs: Readonly<Record<string, unknown>>, input: unknown = { text: 'short' }): TaskJson {
  const modules = Object.fromEntries(
    Object.entries(outputs).map(([name, output]) => [
      name,
      { output, state: output === null ? 'failed' : 'succeeded' },
    ]),
  );
  return { iteration_id: 1, input, overrides: {}, modules } as unknown as TaskJson;
}

const GRAPH = {
  name: 'g',
  version: 1,
  source: { name: 'problem', type: 'json' },
  modules: {
    model: { inputs: ['problem'], output: 'Model' },
    hardware: { inputs: ['problem', 'model'], output: 'Hardware' },
    footprint: {
      inputs: ['hardware', 'model'],
      output: 'Footprint',
      schema: {
        $ref: '#/$defs/Footprint',
        $defs: {
          Footprint: {
            properties: {
              mass: { anyOf: [{ type: 'number' }], description: 'Emissions in kg CO2e.' },
              note: { type: 'string', description: 'A remark in words.' },
              inner: { $ref: '#/$defs/Inner' },
            },
          },
          Inner: { properties: { power: { type: 'integer', description: 'Power,\nin watts.' } } },
        },
      },
    },
  },
} as unknown as GraphJson;

describe('the fields of a task', () => {
  it('are columns where they are numbers, short texts, yes or no', () => {
    const one = task({
      model: {
        model: 'm',
        long: 'x'.repeat(61),
        list: [1],
        extra_data: extra({ goal: 'g' }),
        inner: { n: 1, 'a b': 2 },
      },
      footprint: { mass: 0, ok: true, none: null },
    });
    expect(columnNames(one)).toEqual([
      'model.model',
      'model.inner.n',
      'footprint.mass',
      'footprint.ok',
      'input.text',
    ]);
  });

  it('are leaves for the comparison, those of JSON within texts and bytes too', () => {
    expect(
      leavesOf(task({ model: { list: [1, 2], extra_data: extra({ goal: ['g'], n: 1 }) } }, null)),
    ).toEqual([
      { part: 'model', path: 'list', value: [1, 2] },
      { part: 'model', path: 'extra_data.goal', value: ['g'] },
      { part: 'model', path: 'extra_data.n', value: 1 },
    ]);
  });

  it('have the unit and the meaning that their type says', () => {
    expect(fieldInfo('footprint.mass', GRAPH)).toMatchObject({
      label: 'mass',
      unit: 'kg CO2e',
      description: 'Emissions in kg CO2e.',
    });
    expect(fieldInfo('footprint.inner.power', GRAPH)).toMatchObject({ label: 'inner.power', unit: 'W' });
    // Words are in no unit, and a type without a schema says nothing.
    expect(fieldInfo('footprint.note', GRAPH).unit).toBeUndefined();
    expect(fieldInfo('model.any', GRAPH)).toMatchObject({ unit: undefined, description: undefined });
  });

  it.each([
    ['Time of one inference, in milliseconds.', 'ms'],
    ["The grid's carbon intensity in g CO2e per kWh.", 'g CO2e/kWh'],
    ['Memory that the device has, in MiB.', 'MiB'],
    ['The model may take, in milliseconds; 0 when none is asked for.', 'ms'],
    ['The footprint to reach, in kg CO2e for one million inferences; 0 when none.', 'kg CO2e'],
    ['How many there are', undefined],
  ])('%s is in %s', (description, unit) => {
    expect(unitIn(description)).toBe(unit);
  });

  it('are at first what comes out at the end, and what was chosen on the way', () => {
    const names = [
      'model.size',
      'model.model',
      'hardware.name',
      'hardware.power',
      'hardware.ram',
      'footprint.mass',
    ];
    expect(defaultColumns(names, GRAPH)).toEqual([
      'footprint.mass',
      'model.model',
      'hardware.name',
      'hardware.power',
    ]);
  });
});

describe('numbers', () => {
  it.each([
    [0, '0'],
    [1234567, '1\u202f234\u202f567'],
    [0.0401837123, '0.0401837'],
    [123.456789, '123.457'],
    [1e-7, '1e-7'],
    [-2.5, '-2.5'],
  ])('%d is written %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('change in percent of what they were, where that means something', () => {
    expect([changeOf(2, 1), changeOf(-2, 1), changeOf(3, 3.1), changeOf(1, 100)]).toEqual([
      '\u221250.0 %',
      '+150.0 %',
      '+3.33 %',
      '+9900 %',
    ]);
    expect([changeOf(0, 1), changeOf('1', 2), changeOf(1, 1), changeOf(1, undefined)]).toEqual(
      Array(4).fill(undefined),
    );
  });
});

describe('the comparison', () => {
  it('shows what differs only, part by part, and what is not there in one of them', () => {
    const parts = differingParts([
      task({ model: { a: 1, same: [1] }, footprint: { mass: 2 } }),
      task({ model: { a: 1, same: [1], more: true }, footprint: { mass: 1 } }),
    ]);
    expect(parts).toEqual([
      { part: 'model', fields: [{ path: 'more', values: [undefined, true] }] },
      { part: 'footprint', fields: [{ path: 'mass', values: [2, 1] }] },
    ]);
  });

  it('compare what a module was given in the place of an input with what the others gave it', () => {
    const plain = task({ model: { a: 1, b: 2 }, footprint: { mass: 2 } });
    const overrides = { footprint: { model: { a: 1, b: 7 } } };
    expect(differingParts([plain, { ...plain, overrides }])).toEqual([
      { part: 'model as footprint got it', fields: [{ path: 'b', values: [2, 7] }] },
    ]);
  });
});

describe('the lanes of the tree', () => {
  /** Of each row, its iteration, its lane and the row of its parent. */
  const rowsOf = (...parents: (number | null)[]) => {
    const items = parents.map((parent_iteration_id, at) => ({ iteration_id: at + 1, parent_iteration_id }));
    const { rows, lanes } = layLanes(items);
    expect(lanes).toBe(Math.max(...rows.map(({ lane }) => lane)) + 1);
    return rows.map(({ item, lane, parent }) => [item.iteration_id, lane, parent?.row]);
  };

  it('go on straight', () => {
    expect(rowsOf(null, 1, 2)).toEqual([
      [1, 0, undefined],
      [2, 0, 0],
      [3, 0, 1],
    ]);
  });

  it('show branches aside, before the line that is longest goes on', () => {
    expect(rowsOf(null, 1, 2, 1, 3, 4)).toEqual([
      [1, 0, undefined],
      [4, 1, 0],
      [6, 1, 1],
      [2, 0, 0],
      [3, 0, 3],
      [5, 0, 4],
    ]);
  });

  it('stay narrow, however many branches there are', () => {
    const { rows, lanes } = layLanes(
      Array.from({ length: 500 }, (_, at) => ({
        iteration_id: at + 1,
        parent_iteration_id: at === 0 ? null : 1 + (at % 6 === 0 ? at - 6 : 0),
      })),
    );
    expect([rows.length, lanes]).toEqual([500, 2]);
  });

  it('begin anew where there is no parent', () => {
    expect(rowsOf(null, null, 1)).toEqual([
      [1, 0, undefined],
      [3, 0, 0],
      [2, 0, undefined],
    ]);
  });
});

describe('the address of the page', () => {
  it('says what is shown, and leaves out what is so anyhow', () => {
    const params = new URLSearchParams('page=iterations&problem=p');
    const changed = withState(params, {
      view: 'compare',
      columns: ['a.b', 'c.d'],
      sort: '-a.b',
      compare: [3, 1],
    });
    expect(readState(changed)).toEqual({
      view: 'compare',
      columns: ['a.b', 'c.d'],
      sort: '-a.b',
      compare: [3, 1],
    });
    const back = withState(changed, { view: 'table', columns: undefined, sort: 'iteration_id', compare: [] });
    expect(back.toString()).toBe('page=iterations&problem=p');
  });

  it('is read with care', () => {
    expect(readState(new URLSearchParams('view=cube&compare=1,x,1,2&columns=a.b,,<c>'))).toEqual({
      view: 'table',
      columns: ['a.b'],
      sort: 'iteration_id',
      compare: [1, 2],
    });
  });
});

describe('running a module again', () => {
  const done = task({ model: { m: 1 }, hardware: { h: 1 }, footprint: { f: 1 } });

  it('takes over all that has succeeded and does not follow from it', () => {
    expect(reusable(done, GRAPH, 'footprint')).toEqual(['model', 'hardware']);
    expect(reusable(done, GRAPH, 'hardware')).toEqual(['model']);
    expect(reusable(task({ model: null, hardware: { h: 1 } }), GRAPH, 'footprint')).toEqual(['hardware']);
  });

  it('begins with what was recorded, and asks only for what was edited', () => {
    const recorded = recordedInputs(done, GRAPH, 'hardware');
    expect(recorded).toEqual({ problem: { text: 'short' }, model: { m: 1 } });
    expect(changedInputs(recorded, { problem: { text: 'short' }, model: { m: 2 } })).toEqual({
      model: { m: 2 },
    });
  });

  it('keeps what stood in the place of an input when it was recorded', () => {
    const edited = { ...done, overrides: { hardware: { model: { m: 9 } } } };
    const recorded = recordedInputs(edited, GRAPH, 'hardware');
    expect(recorded).toEqual({ problem: { text: 'short' }, model: { m: 9 } });
    expect(changedInputs(givenInputs(edited, GRAPH, 'hardware'), recorded)).toEqual({ model: { m: 9 } });
  });

  it('offers no decision to be edited', () => {
    const approve = { role: 'operator', message: 'Go on?' } as const;
    const modules = { ...GRAPH.modules, model: { ...GRAPH.modules.model!, approve } };
    expect(recordedInputs(done, { ...GRAPH, modules }, 'hardware')).toEqual({ problem: { text: 'short' } });
  });

  it('takes over again what was taken over', () => {
    const modules = { ...done.modules, model: { ...done.modules.model!, state: 'reused' as const } };
    expect(reusable({ ...done, modules }, GRAPH, 'footprint')).toEqual(['model', 'hardware']);
  });
});
