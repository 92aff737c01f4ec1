import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import type { JobJson } from '../../../../src/contract/job.js';
import { parseTaskId } from '../../../../src/model/task-id.js';
import { taskEventsQuery } from '../api/queries.js';
import { TaskHistory } from '../task/history.js';
import TaskLog from '../task/task-log.js';

/** The lines that a script has written so far, and those that it writes. */
export function JobLog({ job }: { job: JobJson }): ReactNode {
  const task = parseTaskId(job.task_id);
  const events = useQuery(taskEventsQuery(job.job_id, task?.iterationId ?? 1));
  // biome-ignore lint/correctness/useExhaustiveDependencies: another job has another history.
  const history = useMemo(() => new TaskHistory(), [job.job_id]);
  const known = events.data?.view.items ?? [];
  const { lines } = history.read(known);
  return (
    <section className="panel" aria-labelledby="job-log">
      <header className="panel-head">
        <h2 id="job-log">Log of {job.name}</h2>
      </header>
      {events.isError && <p className="fault">{events.error.message}</p>}
      {events.isPending && <p className="none">Reading …</p>}
      {events.data && (
        <TaskLog lines={lines} known={known.length} until={undefined} module={undefined} name={job.name} />
      )}
    </section>
  );
}
