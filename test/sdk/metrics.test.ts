import { describe, expect, it } from 'vitest';
import { metricsLine } from '../../src/sdk/metrics.js';

describe('the numbers of a step', () => {
  it('are a line of the log with the step and each number', () => {
    expect(metricsLine(3, { loss: 0.25, 'val/acc': 1, lost: Number.NaN })).toEqual({
      message: 'step 3: loss 0.25, val/acc 1, lost NaN',
      fields: { stream: 'metrics', step: '3', loss: '0.25', 'val/acc': '1', lost: 'NaN' },
    });
  });

  it.each<readonly [string, unknown, unknown]>([
    ['none', 1, {}],
    ['too many', 1, Object.fromEntries(Array.from({ length: 61 }, (_, at) => [`m${at}`, at]))],
    ['the name step', 1, { step: 1 }],
    ['the name stream', 1, { stream: 1 }],
    ['a text', 1, { loss: 'low' }],
    ['a step that is not a number', 'one', { loss: 1 }],
  ])('are refused: %s', (_, step, values) => {
    expect(() => metricsLine(step as number, values as Record<string, number>)).toThrow(/metric|number/);
  });
});
