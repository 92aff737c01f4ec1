import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys, encodeKey, keySize, MAX_KEY_BYTES, readKey } from '../../src/store/key.js';
import type { Key } from '../../src/store/store.js';

/** Strings of any content but half surrogate pairs, with many that share a beginning or hold what the encoding uses itself. */
const anyString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({
    unit: fc.constantFrom('a', '\0', '\u0001', 'ÿ', '\uffff', '\u{10000}', '\u{10ffff}', '\ud7ff', '\ue000'),
    maxLength: 6,
  }),
);
const anyNumber = fc.oneof(
  fc.maxSafeNat(),
  fc.nat({ max: 300 }),
  fc.nat({ max: 53 }).map((bit) => 2 ** bit - 1),
);
const anyKey = fc.array(fc.oneof(anyString, anyNumber), { minLength: 1, maxLength: 4 });
const sign = (n: number) => Math.sign(n);

/** The port's words, done the slow way. */
function inWords(a: Key, b: Key): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [left, right] = [a[i], b[i]];
    if (left === right) continue;
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    if (typeof left === 'string' && typeof right === 'string')
      return Buffer.compare(Buffer.from(left), Buffer.from(right));
    return typeof left === 'number' ? -1 : 1;
  }
  return 0;
}

describe('a key', () => {
  it('comes back from its bytes', () => {
    fc.assert(
      fc.property(anyKey, fc.nat({ max: 9 }), (key, offset) => {
        const encoded = encodeKey(key);
        expect(encoded.length).toBe(keySize(key));
        const around = new Uint8Array(encoded.length + offset + 5).fill(0xff);
        around.set(encoded, offset);
        expect(readKey(around, offset, offset + encoded.length)).toEqual(key);
      }),
      { numRuns: 2000 },
    );
  });

  it('is ordered by its bytes as the port orders tuples', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        const expected = sign(inWords(a, b));
        expect(sign(compareKeys(a, b))).toBe(expected);
        expect(sign(Buffer.compare(encodeKey(a), encodeKey(b)))).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it('is ordered right next to its neighbours', () => {
    fc.assert(
      fc.property(anyKey, fc.oneof(anyString, anyNumber), (key, more) => {
        expect(compareKeys(key, [...key, more])).toBeLessThan(0);
        expect(Buffer.compare(encodeKey(key), encodeKey([...key, more]))).toBeLessThan(0);
        expect(Buffer.compare(encodeKey([...key, more]), encodeKey(key, [0xff]))).toBeLessThan(0);
        expect(Buffer.compare(encodeKey([...key, more]), encodeKey(key, [0]))).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('may take so many bytes and no more', () => {
    const longest = 'x'.repeat(MAX_KEY_BYTES - 2);
    expect(keySize([longest])).toBe(MAX_KEY_BYTES);
    expect(() => keySize([`${longest}x`])).toThrow(expect.objectContaining({ code: 'bad_key' }));
    expect(() => keySize([`${'\0'.repeat(600)}`])).toThrow(/takes 1202 bytes, at most 1024 are allowed/);
  });

  it.each<[Key, RegExp]>([
    [[], /no elements/],
    [[1, -1], /-1 is not an integer/],
    [[Number.NaN], /NaN is not an integer/],
    [['ok', '\udc00'], /half a surrogate pair/],
    [['\ud800x'], /half a surrogate pair/],
  ])('%j is refused with its reason', (key, reason) => {
    expect(() => keySize(key)).toThrow(reason);
  });
});
