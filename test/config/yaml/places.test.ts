import { describe, expect, it } from 'vitest';
import { placesIn, withPlaces } from '../../../src/config/yaml/places.js';

const TEXT = `name: g
source: { name: q, type: json }
modules:
  fit:
    inputs: [q, nobody]
    output: jsn
  "a b": { inputs: [], timeot: 3 }
`;

describe('the places of faults in a YAML text', () => {
  it('are those of the keys and items that their paths name', () => {
    const at = placesIn(TEXT);
    expect(at('source.type')).toEqual({ line: 2, column: 20 });
    expect(at('modules.fit.output')).toEqual({ line: 6, column: 5 });
    expect(at('modules.fit.inputs[1]')).toEqual({ line: 5, column: 17 });
    expect(at('modules["a b"].timeot')).toEqual({ line: 7, column: 24 });
  });

  it('are those of what surrounds them where something is missing', () => {
    const at = placesIn(TEXT);
    expect(at('modules["a b"].output')).toEqual({ line: 7, column: 3 });
    expect(at('modules.fit.retry.attempts')).toEqual({ line: 4, column: 3 });
    expect(at('retention')).toBeUndefined();
  });

  it('are not given to a fault about the whole text', () => {
    const whole = { path: '', code: 'bad_yaml', message: 'm' };
    const one = { path: 'name', code: 'bad_name', message: 'm' };
    expect(withPlaces([whole, one], TEXT)).toEqual([whole, { ...one, line: 1, column: 1 }]);
  });
});
