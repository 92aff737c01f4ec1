import type { ReactNode } from 'react';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { standsStill } from '../../../../src/model/waiting.js';
import type { TaskView } from '../state/views.js';
import { Chip } from '../states/chip.js';
import { Moment } from '../states/time.js';
import { isDone, type Tone, toneOf } from '../states/tone.js';

/** How a task stands: its state, or that it cannot go on by itself. */
export function taskTone({ task }: TaskView): { tone: Tone; word: string } {
  const modules = Object.values(task.modules);
  if (taskHasEnded(task.state) || !standsStill(modules))
    return { tone: toneOf(task.state), word: task.state };
  const isAsking = modules.some(({ state, waiting }) => state === 'waiting' && waiting?.code === 'approval');
  const why = isAsking ? 'waits for approval' : 'cannot go on';
  return { tone: { tone: 'held', glyph: 'pause' }, word: `${task.state}, ${why}` };
}

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
  const { tone, word } = taskTone(view);
  return (
    <div className="task-facts">
      <Chip tone={tone}>
        {isPast && <span className="unseen">then </span>}
        {word}
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
