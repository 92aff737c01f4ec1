/**
 * Loops of a graph (`loops:`): modules that run again, in passes, until a condition holds.
 *
 * L1. The body of a loop is every module that `to` reaches and that reaches `from`, both included. No module is in two loops.
 * L2. All modules of a body are in the same pass. The first run is pass 1.
 * L3. What follows from a body and is not in it waits until the loop has ended: it gets what the last pass has put out.
 */
import type { Expression } from '../base/expression/expression.js';

export interface LoopSpec {
  /** The last module of each pass: after it, it is decided whether there is another one. */
  readonly from: string;
  /** The first module of each pass. */
  readonly to: string;
  /** As written, and as a tree. */
  readonly until: { readonly text: string; readonly expression: Expression };
  /** Passes in all; at least 1. */
  readonly max: number;
  /** `continue`: after the last pass, the task goes on although `until` does not hold. @default 'fail' */
  readonly onMax: 'fail' | 'continue';
}

/** A task is one row, which is written again with each execution: it is to stay small. */
export const MAX_PASSES = 1000;

/**
 * Why a loop ended: its condition holds; all its passes are over, so that it failed or, as the graph says, the task goes on; a module of it
 * failed; or `from` was skipped, so that there is nothing to decide by.
 */
export const LOOP_ENDS = ['until', 'exhausted', 'max', 'failed', 'skipped'] as const;
export type LoopEnd = (typeof LOOP_ENDS)[number];

export function exhausted({ from, max }: Pick<LoopSpec, 'from' | 'max'>): {
  readonly code: string;
  readonly message: string;
  readonly retryable: false;
} {
  const message = `the condition of the loop did not hold after ${from} in any of ${max} ${max === 1 ? 'pass' : 'passes'}`;
  return { code: 'loop_exhausted', message, retryable: false };
}
