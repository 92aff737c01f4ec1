import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold } from '../../src/base/fold.js';

describe('a text as a search compares it', () => {
  const alike: readonly (readonly [string, string])[] = [
    ['CAFÉ', 'café'],
    ['cafe\u0301', 'caf\u00e9'],
    ['A\u030a', '\u212b'],
    ['Straße', 'STRASSE'],
    ['straße', 'strasse'],
    ['GROẞ', 'groß'],
    ['ΟΔΟΣ', 'οδος'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['İSTANBUL', 'istanbul'],
    ['ISTANBUL', 'ıstanbul'],
    ['ﬁle', 'FILE'],
    ['ＡＢＣ', 'abc'],
    ['ｶﾞ', 'ガ'],
    ['\u1112\u1161\u11ab', '한'],
    ['ǆ', 'Ǆ'],
    ['Ωμέγα', 'ωμέγα'],
    ['①', '1'],
    ['ß\u0301', 'sś'],
    ['\u1fbb', '\u0386'],
    ['Amélie', 'Ame\u0301lie'],
    ['ŉ', 'ŉ'],
    ['ЁЖ', 'ёж'],
    ['𐐀', '𐐨'],
  ];
  it.each(alike)('%s is %s', (a, b) => {
    expect(fold(a)).toBe(fold(b));
  });

  it.each([
    ['cafe', 'café'],
    ['resume', 'résumé'],
    ['a', 'b'],
    ['ö', 'oe'],
  ])('%s is not %s', (a, b) => {
    expect(fold(a)).not.toBe(fold(b));
  });

  it('does not change when it is folded again, and is not touched by case', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(fold(fold(text))).toBe(fold(text));
        expect(fold(text.normalize('NFD'))).toBe(fold(text.normalize('NFC')));
      }),
    );
  });
});
