import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeTexts } from '../../src/base/encode-texts.js';

describe('many texts', () => {
  it('are encoded as the one text that they make together, however long they are', () => {
    const text = fc
      .tuple(fc.constantFrom(0, 1, 100, 20_000, 70_000), fc.constantFrom('x', 'ü', '音', '𝄞'))
      .map(([times, letter]) => letter.repeat(times));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
        expect(encodeTexts(texts, ',\n', '[', ']').toString()).toBe(`[${texts.join(',\n')}]`);
        expect(encodeTexts(texts, '\n').equals(Buffer.from(texts.join('\n')))).toBe(true);
      }),
    );
  });
});
