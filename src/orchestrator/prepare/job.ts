/** A job as the submission that it is. */
import { JOB_GRAPH_NAME, JOB_MODULE } from '../../model/job.js';
import type { Resources } from '../../model/run.js';
import type { State } from '../core/state.js';
import type { Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';

type SubmitJob = Extract<Request, { kind: 'submit_job' }>;
type Submit = Extract<Request, { kind: 'submit' }>;

export function jobAsSubmission({ clusters }: Pick<State, 'clusters'>, request: SubmitJob): Submit | Refusal {
  const { name, script, args, env, jobType, cluster, resources, require, traceparent } = request;
  const wanted = cluster ?? require?.cluster;
  const path = cluster === undefined ? '/require/cluster' : '/cluster';
  if (cluster !== undefined && require?.cluster !== undefined && require.cluster !== cluster)
    return fault('/require/cluster', 'conflict', `is ${require.cluster}, and cluster is ${cluster}`);
  if (wanted !== undefined && !clusters.has(wanted)) {
    const known = `one of ${[...clusters.keys()].sort().join(', ')}`;
    return fault(path, 'unknown_cluster', `no cluster ${wanted}: ${known}`);
  }
  const labels = { ...require, ...(wanted !== undefined && { cluster: wanted }) };
  return {
    kind: 'submit',
    graph: JOB_GRAPH_NAME,
    title: name,
    input: {
      ...{ name, script },
      ...(args && { args }),
      ...(env && { env }),
      ...(jobType !== undefined && { job_type: jobType }),
      ...(cluster !== undefined && { cluster }),
      ...(resources && { resources: fieldsOf(resources) }),
      ...(require && { require }),
    },
    ...(Object.keys(labels).length > 0 && { require: { [JOB_MODULE]: labels } }),
    ...(resources && { resources: { [JOB_MODULE]: resources } }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** As the agent reads them. */
function fieldsOf({ cpus, memoryBytes, gpus, walltimeMs }: Resources): Record<string, number> {
  return {
    cpus,
    ...(memoryBytes !== undefined && { memory_bytes: memoryBytes }),
    ...(gpus !== undefined && { gpus }),
    ...(walltimeMs !== undefined && { walltime_ms: walltimeMs }),
  };
}

function fault(path: string, code: string, message: string): Refusal {
  const details = [{ path, code, message }];
  return refusal('invalid', 'bad_job', `the job is invalid: ${path} ${message}`, { details });
}
