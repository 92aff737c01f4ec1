import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyFromZ85, toZ85 } from '../../src/base/z85.js';

describe('Z85', () => {
  it('writes the example of its specification', () => {
    expect(toZ85(Buffer.from('864fd26fb559f75b', 'hex'))).toBe('HelloWorld');
  });

  it('reads the keys that it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        expect(keyFromZ85(toZ85(key))).toEqual(Buffer.from(key));
      }),
    );
  });

  it.each(['', 'HelloWorld', ' '.repeat(40), '#'.repeat(40), `${'0'.repeat(39)}é`])(
    'takes %j for no key',
    (text) => {
      expect(keyFromZ85(text)).toBeUndefined();
    },
  );
});
