import { describe, expect, it } from 'vitest';
import { knownValues, missingFields } from '../../../frontend-bridge/web/src/form/known-values.js';

describe('what is known of an input', () => {
  it('is the short texts of each field in other inputs, each once, and none of a field of sentences', () => {
    const known = knownValues([
      { kind: 'image', note: 'short', place: { region: 'France' }, count: 3, tags: ['a'] },
      {
        kind: 'video',
        note: 'a sentence that is longer than any choice could be',
        place: { region: 'Kenya' },
      },
      { kind: 'image', place: { region: '' } },
      'a text',
    ]);
    expect(Object.fromEntries(known)).toEqual({
      input: ['a text'],
      input_kind: ['image', 'video'],
      input_place_region: ['France', 'Kenya'],
    });
  });

  it('is what the schema requires and the value has not, at its place', () => {
    const text = { type: 'string' };
    const schema = {
      type: 'object',
      required: ['name', 'a/b', 'part'],
      properties: {
        name: text,
        'a/b': text,
        note: text,
        part: { type: 'object', required: ['size'], properties: { size: { type: 'number' } } },
        other: { type: 'object', required: ['size'], properties: { size: { type: 'number' } } },
      },
    };
    const paths = (value: unknown): string[] => missingFields(schema, value).map(({ path }) => path);
    expect(paths(undefined)).toEqual(['/input/name', '/input/a~1b', '/input/part']);
    expect(paths({ name: '', 'a/b': 'x', part: {} })).toEqual(['/input/name', '/input/part/size']);
    expect(paths({ name: 'n', 'a/b': 'x', part: { size: 0 } })).toEqual([]);
  });
});
