/** Faults of a service besides its structure: an unknown cluster, missing files. */
import { type Fault, summaryOf } from '../../base/errors.js';
import { LOCAL_CLUSTER } from '../../model/cluster.js';
import type { ServiceSpec } from '../../model/service.js';
import type { State } from '../core/state.js';
import type { Refusal, Request } from '../port.js';
import { refusal } from '../refusal.js';
import { fileFaults } from './named-files.js';

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

export function unfitFiles({ spec, files }: Apply): Refusal | undefined {
  const field = 'files_sha256';
  const named = new Map(Object.values(spec.run.files).map((path) => [path, `/${field}`]));
  const faults = fileFaults({ named, given: files, field, by: 'the service' });
  return faults.length > 0 ? badService(faults) : undefined;
}

function badService(details: readonly Fault[]): Refusal {
  const message = `the service is invalid: ${summaryOf(details)}`;
  return refusal('invalid', 'bad_service', message, { details });
}
