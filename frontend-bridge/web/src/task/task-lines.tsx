import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { taskEventsQuery } from '../api/queries.js';
import { TaskHistory } from './history.js';
import TaskLog from './task-log.js';

export interface TaskLinesProps {
  readonly problem: string;
  readonly iteration: number;
  /** Only lines of these. @default all of the task */
  readonly modules?: readonly string[] | undefined;
  /** What a downloaded file is called, without its ending. */
  readonly name: string;
}

/** The lines that the modules of a task have written so far, and those that they write. */
export function TaskLines({ problem, iteration, modules, name }: TaskLinesProps): ReactNode {
  const events = useQuery(taskEventsQuery(problem, iteration));
  // biome-ignore lint/correctness/useExhaustiveDependencies: another task has another history.
  const history = useMemo(() => new TaskHistory(), [problem, iteration]);
  const known = events.data?.view.items ?? [];
  const { lines } = history.read(known);
  const shown = modules === undefined ? lines : lines.filter(({ module }) => modules.includes(module));
  return (
    <>
      {events.isError && <p className="fault">{events.error.message}</p>}
      {events.isPending && <p className="none">Reading …</p>}
      {events.data && (
        <TaskLog lines={shown} known={known.length} until={undefined} module={undefined} name={name} />
      )}
    </>
  );
}
