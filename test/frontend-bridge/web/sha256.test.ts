import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Of } from '../../../frontend-bridge/web/src/deployments/sha256.js';

const trusted = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

describe('the SHA-256 of the page', () => {
  it('is that of Node.js, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (content) => {
        expect(sha256Of(content)).toBe(trusted(content));
      }),
    );
  });

  it('is that of Node.js for each length around the end of a block', () => {
    for (let length = 0; length <= 130; length += 1) {
      const content = new Uint8Array(length).fill(length);
      expect(sha256Of(content)).toBe(trusted(content));
    }
  });
});
