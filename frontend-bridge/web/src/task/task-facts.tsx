import type { ReactNode } from 'react';
import { Chip } from '../display/chip.js';
import { Moment } from '../display/time.js';
import { isDone, taskTone } from '../display/tone.js';
import type { TaskView } from '../state/views.js';

export interface TaskFactsProps {
  readonly view: TaskView;
  readonly isPast: boolean;
  /** Which iteration it is. */
  readonly picker: ReactNode;
}

/** A task in a line: its state, its place among the iterations, how far it is. */
export function TaskFacts({ view, isPast, picker }: TaskFactsProps): ReactNode {
  const { task } = view;
  const modules = Object.values(task.modules);
  const done = modules.filter((module) => isDone(module.state)).length;
  const reused = modules.filter((module) => module.state === 'reused').length;
  const { tone, stillness } = taskTone(task.state, modules);
  return (
    <div className="task-facts">
      <Chip tone={tone}>
        {isPast && <span className="unseen">then </span>}
        {task.state}
        {stillness && `, ${stillness}`}
      </Chip>
      {picker}
      <span className="figure">
        {done} of {modules.length} modules{reused > 0 && `, ${reused} reused`}
      </span>
      <span className="figure task-date">
        <Moment at={task.created_at} date="always" />
      </span>
    </div>
  );
}
