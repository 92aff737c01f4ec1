import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { JobJson } from '../../../../src/contract/job.js';
import { DEFAULT_PROJECT } from '../../../../src/model/access.js';
import type { JobState } from '../../../../src/model/job.js';
import { JOB_STATES } from '../../../../src/model/job.js';
import { parseTaskId } from '../../../../src/model/task-id.js';
import { cancelJob } from '../api/commands.js';
import { jobsQuery } from '../api/queries.js';
import { usePost } from '../api/use-post.js';
import { ClusterLink } from '../clusters/cluster-link.js';
import { Chip } from '../display/chip.js';
import { FirstFile } from '../display/first-file.js';
import { FleetTable } from '../display/fleet-table.js';
import { useTab } from '../display/tab.js';
import { Elapsed, Moment } from '../display/time.js';
import { Foreign } from '../display/title.js';
import { jobTone } from '../display/tone.js';
import { SelectionLink } from '../selection-link.js';
import type { Selection } from '../state/selection.js';
import { JobLog } from './job-log.js';

const EXAMPLE = `name: fit
script_path: ./fit.sh     # run by its own #! line
args: ["--steps", "1000"]
resources: { cpus: 2, memory: 4GiB, walltime: 30m }
`;

/** The scripts that were run, newest first; beside the chosen one, its log. */
export default function JobsPage({ selected }: { selected: string | undefined }): ReactNode {
  const [state, setState] = useState<JobState>();
  const jobs = useQuery(jobsQuery(state));
  const items = jobs.data?.view.items ?? [];
  const chosen = items.find(({ job_id }) => job_id === selected);
  useTab('Jobs');
  return (
    <article className="fleet" aria-labelledby="jobs-title">
      <header className="fleet-head">
        <h1 id="jobs-title">Jobs</h1>
        <label className="tool">
          <span>State</span>
          <select
            value={state ?? ''}
            onChange={({ target }) => setState(JOB_STATES.find((one) => one === target.value))}
          >
            <option value="">any</option>
            {JOB_STATES.map((one) => (
              <option key={one} value={one}>
                {one.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
      </header>
      {jobs.isError && <p className="fault">{jobs.error.message}</p>}
      {jobs.isPending && <p className="none">Reading …</p>}
      {jobs.data && items.length === 0 && (
        <p className="none">
          {state === undefined ? 'No script has been run yet.' : 'No job is in this state.'}
        </p>
      )}
      {jobs.data && items.length === 0 && state === undefined && <FirstJob />}
      {items.length > 0 && (
        <FleetTable
          label="Jobs"
          columns={['Job', 'State', 'Cluster', 'Submitted', 'Took', { name: 'Commands', is: 'unseen' }]}
        >
          {items.map((job) => (
            <JobRow key={job.job_id} job={job} isSelected={job.job_id === selected} />
          ))}
        </FleetTable>
      )}
      {chosen && <JobLog key={chosen.job_id} job={chosen} />}
    </article>
  );
}

/** What a person needs to run the first one. */
function FirstJob(): ReactNode {
  return (
    <FirstFile
      title="Run a script"
      example={EXAMPLE}
      says="This command sends it and waits for its end:"
      command="tutti run job.yaml --wait"
    >
      A job runs a script once, on this machine or on a{' '}
      <SelectionLink className="link" to={{ page: 'clusters' }} current={false}>
        cluster
      </SelectionLink>
      . Describe it in a file, here <code>job.yaml</code>:
    </FirstFile>
  );
}

function JobRow({ job, isSelected }: { job: JobJson; isSelected: boolean }): ReactNode {
  const { job_id, name, cluster, job_type, project, engine_id, started_at, finished_at } = job;
  return (
    <tr className={isSelected ? 'is-selected' : undefined}>
      <th scope="row">
        <SelectionLink className="node-name" to={{ page: 'jobs', problem: job_id }} current={isSelected}>
          <Foreign text={name} />
        </SelectionLink>
        {job_type !== null && <small className="row-more">{job_type}</small>}
        {project !== DEFAULT_PROJECT && <small className="row-more">project {project}</small>}
      </th>
      <td data-label="State">
        <span className="node-status">
          <Chip tone={jobTone(job.state)}>{job.state.toLowerCase()}</Chip>
          {job.exit_code !== null && job.exit_code !== 0 && <small>exit code {job.exit_code}</small>}
          {job.error && job.error.code !== 'exit_code' && (
            <span className="row-fault">
              <Foreign text={job.error.message} />
            </span>
          )}
        </span>
      </td>
      <td data-label="Cluster">
        <ClusterLink cluster={cluster} />
        {engine_id !== null && <small className="row-more">as {engine_id}</small>}
      </td>
      <td data-label="Submitted">
        <Moment at={job.submitted_at} />
      </td>
      <td className="figure" data-label="Took">
        {started_at === null ? '–' : <Elapsed since={started_at} until={finished_at} />}
      </td>
      <td>
        <div className="actions">
          <TaskLink job={job} />
          {finished_at === null && <CancelButton job={job} />}
        </div>
      </td>
    </tr>
  );
}

function TaskLink({ job }: { job: JobJson }): ReactNode {
  const task = parseTaskId(job.task_id);
  if (!task) return null;
  const to: Partial<Selection> = { problem: task.problemId, iteration: task.iterationId };
  return (
    <SelectionLink className="link" to={to} current={false}>
      Task
    </SelectionLink>
  );
}

function CancelButton({ job }: { job: JobJson }): ReactNode {
  const cancel = usePost((jobId: string, key: string) => cancelJob(jobId, key));
  return (
    <>
      <button
        type="button"
        className="small"
        disabled={cancel.pending || cancel.result !== undefined}
        aria-label={`Cancel ${job.name}`}
        onClick={() => cancel.send(job.job_id)}
      >
        {cancel.result === undefined ? 'Cancel' : 'Stopping …'}
      </button>
      {cancel.error && <p className="fault">{cancel.error.message}</p>}
    </>
  );
}
