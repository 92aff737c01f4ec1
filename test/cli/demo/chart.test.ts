import { expect, it } from 'vitest';
import { footprintChart } from '../../../src/cli/demo/chart.js';

it('draws the largest as the longest bar, and the smallest as one that can be seen', () => {
  const [, ...lines] = footprintChart([
    { label: '1  Spain', value: 0.5 },
    { label: '2  Norway', value: 0.0001 },
    { label: '3  India', value: 1 },
  ]).split('\n');
  const bars = lines.map((line) => line.match(/█/g)?.length);
  expect(bars).toEqual([22, 1, 44]);
  expect(lines[0]).toMatch(/^1 {2}Spain {3}█+ 0\.5$/);
});
