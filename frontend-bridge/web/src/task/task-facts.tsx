import type { ReactNode } from 'react';
import type { TaskView } from '../state/views.js';
import { Chip } from '../states/chip.js';
import { Moment } from '../states/time.js';
import { isDone, toneOf } from '../states/tone.js';

/** A task in a line: its state, its place among the iterations, how far it is. */
export function TaskFacts({ view, isPast }: { view: TaskView; isPast: boolean }): ReactNode {
  const { task } = view;
  const modules = Object.values(task.modules);
  const done = modules.filter((module) => isDone(module.state)).length;
  const reused = modules.filter((module) => module.state === 'reused').length;
  return (
    <p className="task-facts">
      <Chip tone={toneOf(task.state)}>
        {isPast && <span className="unseen">then </span>}
        {task.state}
      </Chip>
      <span>
        iteration {task.iteration_id}
        {task.parent_iteration_id !== null && ` from ${task.parent_iteration_id}`}
      </span>
      <span className="figure">
        {done} of {modules.length} modules{reused > 0 && `, ${reused} reused`}
      </span>
      <span>
        {task.graph} <span className="figure">v{task.graph_version}</span>
      </span>
      <span className="figure">
        <Moment at={task.created_at} date="always" />
      </span>
    </p>
  );
}
