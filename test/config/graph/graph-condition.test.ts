import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../src/config/graph/graph-file.js';
import { loadTypes } from '../../../src/wire/types.js';

const types = loadTypes(['proto']);

function parse(when: string) {
  return parseGraph(
    `name: g
source: { name: text, type: json }
modules:
  carbon: { inputs: [text], output: sustainml.v1.CO2Footprint }
  several: { inputs: [carbon], outputs: { score: json, words: sustainml.v1.MLModelMetadata } }
  beside: { inputs: [text], output: json }
  last: { inputs: [several.score], output: json, when: ${when} }
`,
    { types },
  );
}

describe('the condition of a module', () => {
  it('speaks of the input and of what comes before the module, directly or not', () => {
    for (const text of [
      'input.n > 3 and text.mode = "full"',
      'carbon.carbon_footprint < 0.2 or outputs.carbon.carbon_footprint = null',
      'not (several.score.loss >= 1.5e-3)',
      'several.words.keywords has "steel"',
    ]) {
      const parsed = parse(JSON.stringify(text));
      expect(parsed).toMatchObject({ ok: true });
      const last = parsed.ok ? parsed.graph.modules.find(({ name }) => name === 'last') : undefined;
      expect(last?.when?.text).toBe(text);
    }
  });

  it.each([
    ['7', 'wrong_type', 'give an expression'],
    ['"carbon.carbon_footprint <"', 'bad_expression', 'position 26: '],
    ['"carbn.carbon_footprint < 1"', 'unknown_module', 'position 1: "carbn" is neither'],
    [
      '"input.a = 1 and carbon.carbon_footprnt < 1"',
      'unknown_field',
      'position 17: sustainml.v1.CO2Footprint has no',
    ],
    ['"carbon < 1"', 'unknown_field', 'position 1: "carbon" names no field'],
    ['"beside.n < 1"', 'not_before', 'position 1: beside does not come before last'],
    ['"last.n < 1"', 'not_before', 'position 1: last does not come before last'],
    ['"several.scor.loss < 1"', 'unknown_field', 'did you mean score?'],
    ['"several.score < 1"', 'unknown_field', 'names no field'],
    ['"input.a < null"', 'bad_expression', 'position 11: null goes with = and != only'],
  ])('%s is refused', (when, code, message) => {
    const parsed = parse(when);
    expect(parsed.ok ? [] : parsed.faults).toEqual([
      { path: 'modules.last.when', code, message: expect.stringContaining(message) },
    ]);
  });
});
