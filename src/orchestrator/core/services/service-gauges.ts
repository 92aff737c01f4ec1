/** The gauges of a service, for operators. */
import { isUp, type Replica, type Service } from '../../../model/service.js';
import type { State } from '../state.js';
import { replicasOf } from './replicas.js';

export interface ServiceGauges {
  /** Replicas that are to be up now. */
  readonly wanted: number;
  /** Those that are: ready, or running where they are not nodes. */
  readonly up: number;
  readonly isDegraded: boolean;
  /** How often the replicas that there are have been started again. */
  readonly restarts: number;
}

/** By their names. */
export function serviceGauges(state: State): Readonly<Record<string, ServiceGauges>> {
  return Object.fromEntries(
    [...state.services].map(([name, service]) => {
      const replicas = replicasOf(state, name);
      return [
        name,
        {
          wanted: wantedOf(service, replicas),
          up: replicas.filter((replica) => isUp(service.spec, replica)).length,
          isDegraded: service.reasons.length > 0,
          restarts: replicas.reduce((sum, { restarts }) => sum + restarts, 0),
        },
      ];
    }),
  );
}

function wantedOf({ spec, desired }: Service, replicas: readonly Replica[]): number {
  if (desired !== 'running') return 0;
  const active = replicas.filter((replica) => replica.desired === 'running');
  switch (spec.type) {
    case 'service':
      return spec.count;
    case 'batch':
      return spec.count - active.filter(({ observed, isOpen }) => !isOpen && observed === 'completed').length;
    case 'daemon':
      return active.length;
    case 'ops':
      return active.filter(({ isOpen }) => isOpen).length;
    default:
      return spec.type satisfies never;
  }
}
