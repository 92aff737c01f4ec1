import type { ReactNode } from 'react';
import type { JobJson } from '../../../../src/contract/job.js';
import { parseTaskId } from '../../../../src/model/task-id.js';
import { TaskLines } from '../task/task-lines.js';

/** The lines that a script has written so far, and those that it writes. */
export function JobLog({ job }: { job: JobJson }): ReactNode {
  const task = parseTaskId(job.task_id);
  return (
    <section className="panel" aria-labelledby="job-log">
      <header className="panel-head">
        <h2 id="job-log">Log of {job.name}</h2>
      </header>
      <TaskLines problem={job.job_id} iteration={task?.iterationId ?? 1} name={job.name} />
    </section>
  );
}
