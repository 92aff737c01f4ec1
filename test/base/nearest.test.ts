import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '../../src/base/nearest.js';

const WORDS = ['timeout', 'retry', 'inputs', 'output', 'on_error'];

describe('the nearest word', () => {
  it.each([
    ['timeuot', 'timeout'],
    ['imputs', 'inputs'],
    ['Retry', 'retry'],
    ['outputs', 'output'],
    ['onerror', 'on_error'],
    ['priority', undefined],
    ['', undefined],
  ])('the nearest word to %j is %j', (word, near) => {
    expect(nearest(word, WORDS)).toBe(near);
  });

  it('is every word itself', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (word) => {
        expect(nearest(word, [...WORDS, word])?.toLowerCase()).toBe(word.toLowerCase());
      }),
    );
  });

  it('is suggested only where there is one', () => {
    expect(didYouMean('retyr', WORDS)).toBe(' (did you mean retry?)');
    expect(didYouMean('priority', WORDS)).toBe('');
  });
});
