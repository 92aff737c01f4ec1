import { expect, it } from 'vitest';
import { Labels } from '../../src/server/work-metrics.js';

it('counts all values beyond the limit as one, and keeps those that came first', () => {
  const labels = new Labels(2);
  expect(['a', 'b', 'c', 'd', 'a', 'b'].map((value) => labels.of(value))).toEqual([
    ...['a', 'b', 'other', 'other', 'a', 'b'],
  ]);
});
