/** Events into the views of clusters, services, jobs and approvals: the rules are those of `reducer.ts`. */

import type { EventJson } from '../../../../src/contract/event.js';
import type { JobJson } from '../../../../src/contract/job.js';
import type { JobState } from '../../../../src/model/job.js';
import { JOB_GRAPH_NAME, JOB_MODULE } from '../../../../src/model/job.js';
import { AGENT_MODULE } from '../../../../src/model/run.js';
import { taskHasEnded } from '../../../../src/model/task-state.js';
import { commandOf, errorOf, taskStateOf, text } from './event-fields.js';
import type { ApprovalsView, ClustersView, JobsView, Reduced, ServicesView } from './views.js';

/** A cluster and its agent seldom change, and an event does not say what the agent has found there. */
export function reduceClusters(view: ClustersView, event: EventJson): Reduced<ClustersView> {
  const isOfAgent = event.type.startsWith('node.') && event.module === AGENT_MODULE;
  // With the first graph that has a command, the agent of this machine is needed.
  const mayNeedAgent = event.type === 'graph.stored';
  return { view, complete: !isOfAgent && !mayNeedAgent && !event.type.startsWith('cluster.') };
}

/** A replica's state is read with why it is in it. */
export function reduceServices(view: ServicesView, event: EventJson): Reduced<ServicesView> {
  const isOfService = event.type.startsWith('service.') || event.type.startsWith('replica.');
  return { view, complete: !isOfService };
}

/** What is asked is read with its inputs; what is decided, reset or ended is asked no more. */
export function reduceApprovals(view: ApprovalsView, event: EventJson): Reduced<ApprovalsView> {
  if (event.type === 'approval.requested') return { view, complete: false };
  const state = taskStateOf(event);
  const hasEnded = state !== undefined && taskHasEnded(state);
  if (!hasEnded && event.type !== 'approval.decided' && event.type !== 'module.reset')
    return { view, complete: true };
  const items = view.items.filter(
    ({ problem_id, iteration_id, module }) =>
      problem_id !== event.problem_id ||
      iteration_id !== event.iteration_id ||
      (!hasEnded && module !== event.module),
  );
  if (items.length === view.items.length) return { view, complete: true };
  // What was decided leaves room for what did not fit.
  return { view: { ...view, items }, complete: !view.hasMore };
}

export function reduceJobs(view: JobsView, event: EventJson): Reduced<JobsView> {
  if (event.type === 'problem.created') return { view, complete: text(event, 'graph') !== JOB_GRAPH_NAME };
  const index = view.items.findIndex(({ job_id }) => job_id === event.problem_id);
  const job = view.items[index];
  if (job === undefined) {
    // One that was not in the state that is asked for may be in it now.
    const mayBe = view.state !== undefined && stateOf(event) === view.state && mayBeJob(event);
    return { view, complete: !mayBe };
  }
  const next = reduceJob(job, event);
  if (next === job) return { view, complete: true };
  // One that has left the state that is asked for leaves room for another.
  if (view.state !== undefined && next.state !== view.state)
    return { view: { ...view, items: view.items.toSpliced(index, 1) }, complete: false };
  return { view: { ...view, items: view.items.with(index, next) }, complete: true };
}

function reduceJob(job: JobJson, event: EventJson): JobJson {
  if (event.type === 'execution.command') {
    const { cluster, engine_id, exit_code, started_at } = commandOf(event);
    return {
      ...job,
      ...(cluster !== undefined && { cluster }),
      ...(engine_id !== undefined && { engine_id }),
      ...(exit_code !== undefined && { exit_code }),
      ...(started_at !== undefined && { started_at }),
    };
  }
  const state = stateOf(event);
  if (state === undefined) return job;
  return IS_OVER.has(state)
    ? { ...job, state, finished_at: event.at, error: errorOf(event) ?? null }
    : { ...job, state };
}

const IS_OVER = new Set<JobState>(['COMPLETED', 'FAILED', 'CANCELLED']);

/** The state that an event puts a job in; nothing for other events. */
function stateOf(event: EventJson): JobState | undefined {
  switch (event.type) {
    case 'module.waiting':
      return 'PENDING';
    case 'execution.assigned':
    case 'execution.accepted':
      return 'SUBMITTED';
    case 'execution.running':
      return 'RUNNING';
    default:
      break;
  }
  const state = taskStateOf(event);
  if (state === 'succeeded') return 'COMPLETED';
  if (state === 'failed') return 'FAILED';
  return state === 'cancelled' || state === 'aborted' ? 'CANCELLED' : undefined;
}

/** Its module is said by events of modules and executions; the end of a task does not say its graph. */
function mayBeJob({ module }: EventJson): boolean {
  return module === undefined || module === JOB_MODULE;
}
