/** Jobs: the problems of the built-in graph, each with what its newest iteration says of it, read in one pass. */
import { plainOf } from '../../base/json/json-text.js';
import type { JobIterationJson } from '../../contract/job.js';
import { JOB_GRAPH_NAME, JOB_MODULE, type JobState, jobStateOf } from '../../model/job.js';
import { TASK_ENDS, type TaskState } from '../../model/task-state.js';
import type { JobsWanted, Page, PageRequest, Refusal, View } from '../port.js';
import { projectOfRow } from '../tables/row.js';
import { iterationSummary } from '../tables/summary.js';
import { type Candidate, problemsInOrder } from './candidates.js';
import type { Moment } from './moment.js';
import { isRefusal, limitOf, writeCursor } from './pages.js';
import { readPlace } from './problems.js';
import { iterationView, moduleView } from './views.js';

/** Problems of all graphs that one page may look at before it is handed out short, with the cursor to go on from. */
const SCAN_LIMIT = 20_000;

/** Newest first. */
export async function listJobs(
  moment: Moment,
  { state }: JobsWanted,
  page: PageRequest,
): Promise<Page<JobIterationJson> | Refusal> {
  const after = readPlace(page.cursor);
  if (isRefusal(after)) return after;
  const limit = limitOf(page);
  const items: JobIterationJson[] = [];
  let scanned = 0;
  const wanted = { state: state && taskStateOf(state), after, descending: true };
  for await (const candidate of problemsInOrder(moment.reader, wanted, moment.slices)) {
    scanned += 1;
    const job = await jobOf(moment, candidate, state);
    if (job) items.push(job);
    if (items.length === limit || scanned === SCAN_LIMIT)
      return { items, next_cursor: writeCursor([candidate.summary.problem_seq]) };
    await moment.slices.rest();
  }
  return { items, next_cursor: null };
}

/** The stretch of tasks in which jobs of this state are; all of them where it is in several. */
function taskStateOf(state: JobState): TaskState | undefined {
  switch (state) {
    case 'COMPLETED':
      return 'succeeded';
    case 'FAILED':
      return 'failed';
    case 'CANCELLED':
      return undefined;
    case 'PENDING':
    case 'SUBMITTED':
    case 'RUNNING':
      return 'running';
    default:
      return state satisfies never;
  }
}

async function jobOf(
  { reader, payloads }: Moment,
  { summary, whole }: Candidate,
  state: JobState | undefined,
): Promise<JobIterationJson | undefined> {
  if (summary.graph !== JOB_GRAPH_NAME) return undefined;
  if (state === 'CANCELLED' && !ENDS_OF_CANCELLED.includes(summary.state)) return undefined;
  const row = await whole();
  if (!row) return undefined;
  const execution = row.modules[JOB_MODULE]?.executions.at(-1);
  if (state !== undefined && jobStateOf(row.state, execution?.state) !== state) return undefined;
  const { compiled } = await payloads.graphOf(row);
  const { blob } = row.input;
  const { job_type, cluster } = (plainOf(await payloads.inputOf(reader, row)) ?? {}) as View;
  return {
    ...iterationView(iterationSummary(row)),
    title: summary.title,
    project: projectOfRow(row),
    // The script is not shown in a list, and a long one makes the input a blob.
    input: blob === undefined ? { job_type, cluster } : { blob },
    modules: { [JOB_MODULE]: moduleView(row, compiled, JOB_MODULE) },
  };
}

const ENDS_OF_CANCELLED: readonly TaskState[] = TASK_ENDS.filter(
  (end) => jobStateOf(end, undefined) === 'CANCELLED',
);
