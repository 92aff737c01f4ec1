import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/base/json/canonical.js';
import { JsonText } from '../../src/base/json/json-text.js';

/** The same value with the names of every object in another order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, field]) => [name, turned(field)]),
  );
}

const of = (text: string): string => canonicalJson(new JsonText(text));

describe('canonical JSON', () => {
  it.each([
    ['{"a":1,"b":2}', '{ "b": 2, "a": 1 }'],
    ['{"a":{"c":1,"d":[{"e":1,"f":2}]}}', '{"a":{"d":[{"f":2,"e":1}],"c":1}}'],
    ['[1.0, 1e2, 0.50, 1E+2]', '[1,100,0.5,100]'],
    ['"\\u00e9\\/"', '"é/"'],
    ['{"\\u0061":1}', '{"a":1}'],
    ['{"__proto__":1,"a":2}', '{"a":2,"__proto__":1}'],
    ['{"10":1,"9":2}', '{"9":2,"10":1}'],
  ])('is the same for %s and %s', (a, b) => {
    expect(of(a)).toBe(of(b));
  });

  it.each([
    ['[1,2]', '[2,1]'],
    ['1', '"1"'],
    ['{"a":null}', '{}'],
    ['0', '-0'],
    ['"a"', '"A"'],
    ['"é"', '"e\u0301"'],
    ['[]', '{}'],
    ['{"a":{"b":1}}', '{"a.b":1}'],
    ['1', '1.0000000000000002'],
  ])('is another one for %s and %s', (a, b) => {
    expect(of(a)).not.toBe(of(b));
  });

  it('is JSON of the same value, whatever order its names had', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(turned(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  it('takes a text and its value as the same, and leaves out what is undefined', () => {
    expect(canonicalJson({ kind: 'submit', input: new JsonText('{"b":1,"a":2}'), title: undefined })).toBe(
      canonicalJson({ input: { a: 2, b: 1 }, kind: 'submit' }),
    );
  });
});
