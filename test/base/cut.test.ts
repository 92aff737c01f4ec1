import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutMiddle } from '../../src/base/cut.js';

const bytesOf = (text: string) => Buffer.byteLength(text);

describe('cutMiddle', () => {
  it('leaves a text that fits as it is', () => {
    expect(cutMiddle('\ufeffcafé 😀', 100)).toBe('\ufeffcafé 😀');
  });

  it('keeps the beginning and the end, and says how many bytes are missing', () => {
    const cut = cutMiddle(`first${'.'.repeat(1000)}last`, 100);
    expect(cut).toMatch(/^first\.+\n… \d+ bytes are left out …\n\.+last$/);
    const missing = Number(/(\d+) bytes/.exec(cut)?.[1]);
    expect(missing).toBe(1009 - bytesOf(cut.replace(/\n….*…\n/, '')));
  });

  it('never gives more bytes than it may, nor part of a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 400 }).filter((text) => !text.includes('\ufffd')),
        fc.integer({ min: 64, max: 300 }),
        (text, maxBytes) => {
          const cut = cutMiddle(text, maxBytes);
          expect(bytesOf(cut)).toBeLessThanOrEqual(maxBytes);
          expect(cut).not.toContain('\ufffd');
          if (bytesOf(text) <= maxBytes) expect(cut).toBe(text);
        },
      ),
    );
  });

  it('gives valid Unicode also for half of a surrogate pair', () => {
    expect(cutMiddle('a\ud83d', 10)).toBe('a\ufffd');
  });
});
