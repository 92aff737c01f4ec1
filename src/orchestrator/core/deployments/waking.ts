/** Changes of a service wake the operation of its deployment, which may wait for them. */
import type { Fact } from '../../../model/facts.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { State } from '../state.js';

export function wakeOperation(state: State, fact: Fact): void {
  if (!('service' in fact) || fact.service === undefined || fact.type === 'module.served') return;
  const owner = state.services.get(fact.service)?.spec.deployment;
  if (owner !== undefined) wake(state, owner);
  // Whose it was is no longer known.
  else if (fact.type === 'service.removed') for (const id of state.deployments.keys()) wake(state, id);
}

function wake(state: State, deploymentId: string): void {
  const deployment = state.deployments.get(deploymentId);
  if (!deployment) return;
  const task = state.tasks.get(
    formatTaskId({ problemId: deploymentId, iterationId: deployment.operationId }),
  );
  if (task) state.broker.enqueue(task);
}
