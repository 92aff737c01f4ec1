import { describe, expect, it } from 'vitest';
import {
  countsAsAttempt,
  executionMayBecome,
  hasEnded,
  OBSERVED_STATES,
  type ObservedState,
} from '../../src/model/execution.js';

/** From the row to the column: 1 where it may. */
const TABLE: Record<ObservedState, string> = {
  //          assigned accepted running succeeded failed cancelled preempted rejected lost
  assigned: '0 1 1 1 1 1 1 1 1',
  accepted: '0 0 1 1 1 1 1 0 1',
  running: '0 0 0 1 1 1 1 0 1',
  succeeded: '0 0 0 0 0 0 0 0 0',
  failed: '0 0 0 0 0 0 0 0 0',
  cancelled: '0 0 0 0 0 0 0 0 0',
  preempted: '0 0 0 0 0 0 0 0 0',
  rejected: '0 0 0 0 0 0 0 0 0',
  lost: '0 0 0 0 0 0 0 0 0',
};

describe('an execution', () => {
  it.each(OBSERVED_STATES.flatMap((from) => OBSERVED_STATES.map((to, column) => ({ from, to, column }))))(
    'a $from execution may become $to, or not, as the table says',
    ({ from, to, column }) => {
      expect(executionMayBecome(from, to)).toBe(TABLE[from].split(' ')[column] === '1');
    },
  );

  it('has ended in exactly the states that nothing leads out of', () => {
    expect(OBSERVED_STATES.filter(hasEnded)).toEqual([
      'succeeded',
      'failed',
      'cancelled',
      'preempted',
      'rejected',
      'lost',
    ]);
  });

  it('uses up an attempt only by succeeding or failing', () => {
    expect(OBSERVED_STATES.filter(countsAsAttempt)).toEqual(['succeeded', 'failed']);
  });
});
