/**
 * A task's state, and what may follow what. Nothing leads out of an ended one: doing it again is a new iteration.
 */
export const TASK_STATES = [
  'waiting',
  'running',
  'suspended',
  'succeeded',
  'failed',
  'cancelled',
  'aborted',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

export const TASK_CMDS = ['STOP', 'RESET', 'PREEMPT', 'TERMINATE'] as const;
export type TaskCmd = (typeof TASK_CMDS)[number];

const TRANSITIONS: Readonly<Record<TaskState, readonly TaskState[]>> = {
  waiting: ['running', 'suspended', 'succeeded', 'failed', 'cancelled', 'aborted'],
  running: ['suspended', 'succeeded', 'failed', 'cancelled', 'aborted'],
  suspended: ['running', 'succeeded', 'failed', 'cancelled', 'aborted'],
  succeeded: [],
  failed: [],
  cancelled: [],
  aborted: [],
};

/** Whether a task may go from one state to the other in one step. */
export function taskMayBecome(from: TaskState, to: TaskState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether a task in this state has ended. */
export function taskHasEnded(state: TaskState): boolean {
  return TRANSITIONS[state].length === 0;
}

export type TaskEnd = Exclude<TaskState, 'waiting' | 'running' | 'suspended'>;

/** Every state in which a task has ended. */
export const TASK_ENDS: readonly TaskState[] = TASK_STATES.filter(taskHasEnded);
