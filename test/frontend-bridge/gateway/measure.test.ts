import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measure } from '../../../frontend-bridge/gateway/measure.js';

const MAX_DEPTH = 103;
const text = (value: string): Buffer => Buffer.from(value);
/** Pieces of JSON, and what looks like them. */
const PIECES = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '"a"',
    '""',
    '{}',
    '[]',
    '"a":1',
    'true',
    'fals',
    'null',
    'nul',
    'NaN',
  ],
  ...['0', '1', '-', '+', '.', 'e', 'E', '01', '1.5', '-0', '1e5', '1e', '.5', '1.', '0x1', '1E+2', '-e1'],
  ...[' ', '\t', '\n', '\r', '\f', '\v', '\u00a0', '\ufeff', '\u2028', '\u0000', '\u001f', '\u007f', 'é'],
  ...['\\u', '\\u12', '\\u00e9', '\\uD800', '\\n', '\\x', '\\"', '/', '//', "'"],
];
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.integer({ min: 0, max: 2 }),
  added: fc.constantFrom('', ...PIECES),
});

function isParsed(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

describe('the measure of a JSON text', () => {
  const depths: Record<string, number> = {
    '1': 0,
    '"[[[["': 0,
    '"\\"[[["': 0,
    '"\\\\"': 0,
    '[]': 1,
    '[[],[[]]]': 3,
    '{"a":{"b":[1]}}': 3,
    '{"[[[":1}': 1,
    '["\\\\",[]]': 2,
    '"not ended [': 0,
  };
  for (const [json, depth] of Object.entries(depths)) {
    it(`the depth of ${json} is ${depth}`, () => {
      expect(measure(text(json), MAX_DEPTH).depth).toBe(depth);
    });
  }

  it('ends where the text is too deep', () => {
    expect(measure(text('['.repeat(5_000_000)), MAX_DEPTH).depth).toBe(MAX_DEPTH + 1);
  });

  it('says of any text what `JSON.parse` says of it: whether it is JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(change, { maxLength: 3 }), (json, changes) => {
        const changed = changes.reduce((now, { at, removed, added }) => {
          const start = Math.floor(at * (now.length + 1));
          return now.slice(0, start) + added + now.slice(start + removed);
        }, json);
        // A lone surrogate has no bytes.
        const bytes = text(changed);
        expect([changed, measure(bytes, 1_000).isJson]).toEqual([
          changed,
          isParsed(bytes.toString().replace(/^\ufeff/, '')),
        ]);
      }),
      { numRuns: 5_000 },
    );
  });

  /** What the engine has more once a value has been read, next to what was expected. */
  it.each([
    ['empty objects', '{},'],
    ['empty lists', '[],'],
    ['objects of one field', '{"a":1},'],
    ['fractions', '1.5,'],
    ['texts', '"abc",'],
    ['many lists in one another', '[[[[[[1]]]]]],'],
  ])('is at least what %s take', (_, part) => {
    const json = text(`[${part.repeat(100_000)}0]`);
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    const value = JSON.parse(json.toString()) as unknown[];
    const grown = process.memoryUsage().heapUsed - before;
    expect(value).toHaveLength(100_001);
    expect(grown).toBeLessThan(measure(json, MAX_DEPTH).weight);
  });
});
