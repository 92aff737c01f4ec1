import { expect, it } from 'vitest';
import { pointer } from '../../src/base/json/pointer.js';

it('a JSON pointer escapes what would divide its steps, and is empty for the whole', () => {
  expect(pointer('labels', 'a/b', '~1', 0)).toBe('/labels/a~1b/~01/0');
  expect(pointer()).toBe('');
});
