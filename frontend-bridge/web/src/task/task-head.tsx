import type { ReactNode } from 'react';
import type { GraphJson } from '../../../../src/contract/graph.js';
import type { TaskJson } from '../../../../src/contract/iteration.js';
import type { WholeProblemJson } from '../../../../src/contract/problem.js';
import { Foreign } from '../display/title.js';
import { ArchiveButton, ArchivedNote, useArchiving } from '../remarks/archive.js';
import { TagList } from '../remarks/tag-list.js';
import { TitleLine } from '../remarks/title-line.js';
import { SelectionLink } from '../selection-link.js';
import type { TaskView } from '../state/views.js';
import { CopyMenu } from './copy-menu.js';
import { CrateButton } from './crate-button.js';
import { Fault } from './fault.js';
import { Shortages } from './shortages.js';
import type { Want } from './standstill.js';
import { type Commanding, TaskButtons } from './task-commands.js';
import { TaskFacts } from './task-facts.js';

export interface TaskHeadProps {
  /** Of the moment that is shown. */
  readonly view: TaskView;
  /** The task as it is now. */
  readonly now: TaskJson;
  readonly graph: GraphJson;
  readonly wants: readonly Want[];
  /** What people say about the problem, now. */
  readonly about: WholeProblemJson | undefined;
  readonly title: string;
  readonly picker: ReactNode;
  readonly isPast: boolean;
  readonly commanding: Commanding;
  /** Nothing while the form of an iteration is open. */
  readonly onIterate: (() => void) | undefined;
}

/** What a task is and how it is doing, and what can be done with it. */
export function TaskHead(props: TaskHeadProps): ReactNode {
  const { view, now, about, isPast, commanding, onIterate } = props;
  const archiving = useArchiving(now.problem_id);
  return (
    <header className="task-head">
      <div className="task-title">
        <TitleLine problem={about} title={props.title} />
        {onIterate && !isPast && (
          <div className="actions">
            <button type="button" className="primary" onClick={onIterate}>
              Iterate
            </button>
            <TaskButtons commanding={commanding} />
            <CopyMenu task={now} />
            {commanding.isOver && <CrateButton task={now} />}
            {about && <ArchiveButton problem={about} archiving={archiving} />}
          </div>
        )}
      </div>
      <TaskFacts view={view} isPast={isPast} picker={props.picker} />
      {about && <TagList problem={about} />}
      {about && <ArchivedNote problem={about} archiving={archiving} />}
      {view.task.error && <TaskFault task={view.task} />}
      {!isPast && <Shortages task={view.task} graph={props.graph} wants={props.wants} />}
      {view.task.reason && (
        <p className="none">
          Stopped: <Foreign text={view.task.reason} />
        </p>
      )}
      {commanding.status}
    </header>
  );
}

/** Why the task has failed: the module and its error. */
function TaskFault({ task }: { task: TaskView['task'] }): ReactNode {
  const { error } = task;
  if (error === null) return null;
  const { module: name } = error;
  if (name === undefined) return <Fault error={error} />;
  const { problem_id: problem, iteration_id: iteration } = task;
  const stack = task.modules[name]?.error?.stack;
  return (
    <Fault error={{ ...error, ...(stack && { stack }) }}>
      <SelectionLink
        className="link"
        to={{ problem, iteration, module: name, at: undefined }}
        current={false}
      >
        {name}
      </SelectionLink>
    </Fault>
  );
}
