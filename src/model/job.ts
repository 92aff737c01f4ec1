/** Jobs: each is one run of a script, a task of the built-in graph. */
import type { Graph } from './graph.js';
import type { TaskState } from './task-state.js';

export const JOB_STATES = ['PENDING', 'SUBMITTED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export type JobState = (typeof JOB_STATES)[number];

export const JOB_GRAPH_NAME = 'job';
export const JOB_MODULE = 'script';

/** As it is stored. No graph file can say this: the script comes with the task. */
export const JOB_GRAPH_TEXT: string = `# The graph of jobs, which is a part of Tutti: the script comes with the task.
name: ${JOB_GRAPH_NAME}
source: { name: job, type: json }
modules:
  ${JOB_MODULE}: { inputs: [job], output: json, retry: { attempts: 1 } }
`;

/** A job is attempted once, and has as much time as its resources say. */
export const JOB_GRAPH: Graph = {
  name: JOB_GRAPH_NAME,
  source: { name: 'job', type: 'json' },
  modules: [
    {
      ...{ name: JOB_MODULE, inputs: ['job'], previous: [], output: 'json', require: {} },
      ...{ timeoutMs: undefined, onError: 'fail', start: 'auto' },
      retry: { attempts: 1, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000 },
      liveness: { unresponsiveAfterMs: 3000, deadAfterMs: 10_000 },
      run: {
        work: { kind: 'job' },
        ...{ files: {}, env: {}, resources: { cpus: 1 }, result: 'none', keep: 'never' },
        retryExitCodes: undefined,
      },
    },
  ],
};

/** `execution`: the state of its newest one. */
export function jobStateOf(task: TaskState, execution: string | undefined): JobState {
  switch (task) {
    case 'succeeded':
      return 'COMPLETED';
    case 'failed':
      return 'FAILED';
    case 'cancelled':
    case 'aborted':
      return 'CANCELLED';
    default:
      if (execution === 'running') return 'RUNNING';
      return execution === 'assigned' || execution === 'accepted' ? 'SUBMITTED' : 'PENDING';
  }
}
