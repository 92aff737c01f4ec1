/**
 * One attempt at (task, module) on one node: what was observed of it, and what may follow what.
 *
 * 1. Terminal states never change.
 * 2. `assigned` may end in any way: a report or an output may overtake the acceptance.
 */
export const OBSERVED_STATES = [
  'assigned',
  'accepted',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'preempted',
  'rejected',
  'lost',
] as const;
export type ObservedState = (typeof OBSERVED_STATES)[number];

/** The state that the scheduler wants an execution to reach. */
export type DesiredState = 'running' | 'stopped';

const ENDS = ['succeeded', 'failed', 'cancelled', 'preempted', 'lost'] as const;
/** How an execution ends. */
export const EXECUTION_ENDS = ['succeeded', 'failed', 'cancelled', 'preempted', 'rejected', 'lost'] as const;
export type ExecutionEnd = (typeof EXECUTION_ENDS)[number];

const TRANSITIONS: Readonly<Record<ObservedState, readonly ObservedState[]>> = {
  assigned: ['accepted', 'running', 'rejected', ...ENDS],
  accepted: ['running', ...ENDS],
  running: ENDS,
  succeeded: [],
  failed: [],
  cancelled: [],
  preempted: [],
  rejected: [],
  lost: [],
};

/** The displayed state of a module: that of its newest execution, or the reason why none counts. */
export const MODULE_STATES: readonly [...typeof OBSERVED_STATES, 'waiting', 'reused', 'skipped'] = [
  ...OBSERVED_STATES,
  'waiting',
  'reused',
  'skipped',
];
export type ModuleState = (typeof MODULE_STATES)[number];

/** Whether an execution may go from one state to the other in one step. */
export function executionMayBecome(from: ObservedState, to: ObservedState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether an execution in this state has ended. */
export function hasEnded(state: ObservedState): boolean {
  return TRANSITIONS[state].length === 0;
}

/** Whether an execution that ended so counts as an attempt of its module's `retry.attempts`. */
export function countsAsAttempt(state: ObservedState): boolean {
  return state === 'succeeded' || state === 'failed';
}
