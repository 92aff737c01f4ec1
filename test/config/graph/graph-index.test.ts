import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../src/config/graph/graph-file.js';
import { loadTypes } from '../../../src/wire/types.js';

const types = loadTypes(['proto']);

function parse(index: string) {
  return parseGraph(
    `name: g
source: { name: text, type: json }
modules:
  carbon_footprint: { inputs: [text], output: sustainml.v1.CO2Footprint }
  words: { inputs: [text], output: sustainml.v1.MLModelMetadata }
  free: { inputs: [text], output: json }
index: ${index}
`,
    { types },
  );
}

describe('the index of a graph file', () => {
  it('names fields of outputs', () => {
    expect(parse('[carbon_footprint.carbon_footprint, free.any.thing]')).toMatchObject({
      ok: true,
      graph: { index: ['carbon_footprint.carbon_footprint', 'free.any.thing'] },
    });
  });

  it.each([
    ['carbon_footprint', 'index', 'wrong_type', 'give a list'],
    ['[3]', 'index[0]', 'wrong_type', 'give MODULE.FIELD'],
    ['[carbon_footprint]', 'index[0]', 'bad_name', 'give MODULE.FIELD'],
    ['[carbon_footprint.]', 'index[0]', 'bad_name', 'give MODULE.FIELD'],
    ['[text.length]', 'index[0]', 'unknown_module', 'not a module of this graph'],
    ['[free.a, free.a]', 'index[1]', 'duplicate', 'twice'],
    ['[carbon_footprint.carbon_footprnt]', 'index[0]', 'unknown_field', 'did you mean carbon_footprint?'],
    ['[carbon_footprint.carbon_footprint.kg]', 'index[0]', 'unknown_field', 'no field'],
    ['[words.keywords]', 'index[0]', 'unknown_field', 'lists and structures have no order'],
  ])('%s is refused at %s', (index, path, code, message) => {
    const parsed = parse(index);
    expect(parsed.ok ? [] : parsed.faults).toEqual([
      { path, code, message: expect.stringContaining(message) },
    ]);
  });
});
