import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../frontend-bridge/web/src/api/http.js';
import { fromFormData, toFormData } from '../../../frontend-bridge/web/src/form/form-data.js';
import {
  locate,
  parseInput,
  placeInInput,
  sortFaults,
} from '../../../frontend-bridge/web/src/problems/input-faults.js';
import { formatSelection, readSelection } from '../../../frontend-bridge/web/src/state/selection.js';
import { readExactly } from '../../../src/base/json/exact.js';
import { printJson } from '../../../src/base/json/json-text.js';

describe('the faults of a refused request', () => {
  const fault = (path: string) => ({ path, code: 'wrong_type', message: `wrong at ${path}` });

  it('go to their fields, and the rest to the form', () => {
    const details = [fault('/input/minimum_samples'), fault('/graph'), fault('/priority')];
    const sorted = sortFaults(new ApiError(422, 'invalid', 'Not accepted.', 'Mend it.', details));
    expect(sorted.input).toEqual([details[0]]);
    expect(sorted.graph).toEqual([details[1]]);
    expect(sorted.form).toBe('wrong at /priority');
    expect(sorted.hint).toBe('Mend it.');
  });

  it('are the message itself where there are no details', () => {
    expect(sortFaults(new ApiError(503, 'unavailable', 'The disk is full.')).form).toBe('The disk is full.');
  });

  it('lead to their place in the text', () => {
    const text = '{ "a": { "samples": 1 }, "b": { "samples": -5 } }';
    const place = locate(text, '/input/b/samples');
    expect(text.slice(place?.start, place?.end)).toBe('"samples"');
    expect(place?.start).toBe(text.lastIndexOf('"samples"'));
    expect(locate(text, '/input/missing')).toBeUndefined();
    expect(locate(text, '/input')).toBeUndefined();
  });

  it('are named as people read them', () => {
    expect(placeInInput('/input/a/0/b')).toBe('a.0.b');
    expect(placeInInput('input.a~1b')).toBe('a/b');
  });
});

describe('an input that is not JSON', () => {
  it('is refused where it was typed', () => {
    expect(parseInput('{"a": 1.0}')).toMatchObject({ ok: true, value: { text: '{"a": 1.0}' } });
    expect(parseInput('{"a": }')).toMatchObject({ ok: false, fault: { path: '/input', code: 'bad_json' } });
    expect(parseInput(' ')).toMatchObject({
      ok: false,
      fault: { message: 'An input is required, as JSON.' },
    });
  });
});

describe('the selection in the address', () => {
  it('comes back as it was written', () => {
    const selection = { problem: 'p-1', iteration: 3, module: 'ml_model' };
    expect(readSelection(new URLSearchParams(formatSelection(selection)))).toEqual(selection);
  });

  it('ignores an iteration that is not a number', () => {
    expect(readSelection(new URLSearchParams('problem=p&iteration=0x1')).iteration).toBeUndefined();
  });
});

describe('the value of a form', () => {
  const schema = {
    type: 'object',
    properties: { rate: { type: 'number' }, list: { type: 'array', items: { type: 'number' } }, rest: {} },
  };

  it.each([
    '{"rate":1.0,"list":[-0,1,2.50],"rest":{"b":1,"2":1.0}}',
    '{"rest":{"__proto__":{"a":-0}},"unknown":[1.0,{"10":1,"9":2}]}',
    '{"rate":"1.0","list":"none","rest":[[1e5]]}',
    '[1.0]',
  ])('is the text that it came as: %s', (text) => {
    const data = toFormData(readExactly(text), schema);
    // What the form's library does to it: it copies structures field by field.
    expect(printJson(fromFormData(structuredClone(data)))).toBe(text);
  });
});
