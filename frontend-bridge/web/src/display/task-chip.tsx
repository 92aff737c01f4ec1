import type { ReactNode } from 'react';
import type { StandingsJson } from '../../../../src/contract/iteration.js';
import type { TaskState } from '../../../../src/model/task-state.js';
import { Chip } from './chip.js';
import { taskTone } from './tone.js';

/** The state of a task in a list: one that does not go on until a person does something looks like it. */
export function TaskChip({ state, standing = {} }: TaskChipProps): ReactNode {
  const { tone, stillness } = taskTone(state, Object.values(standing));
  return <Chip tone={tone}>{stillness ?? state}</Chip>;
}

export interface TaskChipProps {
  readonly state: TaskState;
  readonly standing?: StandingsJson | undefined;
}
