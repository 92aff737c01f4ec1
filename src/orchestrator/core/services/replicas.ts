/** The replicas of services, as they are. */
import type { Replica } from '../../../model/service.js';
import { phaseOf } from '../../../model/task.js';
import { fleetOf } from '../schedule/fleet.js';
import type { State } from '../state.js';

/** Of a service, by their numbers. */
export function replicasOf({ replicas }: Pick<State, 'replicas'>, service: string): Replica[] {
  return [...replicas.values()]
    .filter((replica) => replica.service === service)
    .sort((a, b) => a.number - b.number);
}

/** Why its run has not been given to a cluster yet, as it is now. */
export function waitsFor(state: State, { taskKey }: Replica): string | undefined {
  const task = state.tasks.get(taskKey);
  const phase = task && phaseOf(task, 0);
  if (phase?.kind !== 'waiting' || phase.reason === undefined) return undefined;
  return fleetOf(state, task!, new Map()).shortage(task!.graph.modules[0]!).reason;
}
