/** What can be wrong with a service beside its form: a cluster that is not there, files that are not given. */
import { type Fault, summaryOf } from '../base/errors.js';
import { SHA256 } from '../base/sha256.js';
import { LOCAL_CLUSTER } from '../model/cluster.js';
import type { ServiceSpec } from '../model/service.js';
import type { State } from './core/state.js';
import type { Refusal, Request } from './port.js';

type Apply = Extract<Request, { kind: 'apply_service' }>;

export function unknownClusterOf(
  { clusters }: Pick<State, 'clusters'>,
  { require: { cluster } }: ServiceSpec,
): Refusal | undefined {
  // The first start applies services before this machine's cluster is there.
  if (cluster === undefined || cluster === LOCAL_CLUSTER || clusters.has(cluster)) return undefined;
  const message = `no cluster ${cluster}: one of ${[...clusters.keys()].sort().join(', ')}`;
  return badService([{ path: '/cluster', code: 'unknown_cluster', message }]);
}

/** Files have to be those that the service names, and no others. */
export function unfitFiles({ spec, files }: Apply): Refusal | undefined {
  const named = new Set(Object.values(spec.run.files));
  const faults: Fault[] = [];
  for (const [path, sha256] of Object.entries(files)) {
    const at = `/files_sha256/${path.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!named.has(path))
      faults.push({ path: at, code: 'unknown_file', message: 'the service names no such file' });
    else if (!SHA256.test(sha256))
      faults.push({ path: at, code: 'bad_sha256', message: 'give 64 hexadecimal digits, lower case' });
  }
  for (const path of named) {
    if (Object.hasOwn(files, path)) continue;
    const message = `the file ${path} is not given: upload it as a blob, and give its SHA-256 in files_sha256`;
    faults.push({ path: '/files_sha256', code: 'missing_file', message });
  }
  return faults.length > 0 ? badService(faults) : undefined;
}

function badService(details: readonly Fault[]): Refusal {
  const message = `the service is at fault: ${summaryOf(details)}`;
  return { ok: false, kind: 'invalid', code: 'bad_service', message, details };
}
