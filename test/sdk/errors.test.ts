import { describe, expect, it } from 'vitest';
import { bounded, reportedError } from '../../src/sdk/errors.js';
import { Remembered } from '../../src/sdk/session/remembered.js';

describe('what was thrown', () => {
  it('is reported as something, whatever it is', () => {
    for (const thrown of [undefined, null, 0, { code: 7 }, Symbol('x'), { code: 'not snake' }]) {
      expect(reportedError(thrown, 'handler_error')).toMatchObject({
        code: 'handler_error',
        retryable: true,
      });
    }
  });

  it('is cut where it is longer than a report may be', () => {
    expect(reportedError(new Error('x'.repeat(100_000)), 'handler_error').message).toHaveLength(4_096);
    expect(bounded('short')).toBe('short');
  });
});

describe('what is remembered', () => {
  it('is the newest, up to the limit', () => {
    const remembered = new Remembered<number>(2);
    for (const each of [1, 2, 3]) remembered.set(String(each), each);
    expect([remembered.has('1'), remembered.get('2'), remembered.get('3')]).toEqual([false, 2, 3]);
  });
});
