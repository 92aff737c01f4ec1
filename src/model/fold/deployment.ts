/** The fold of facts about deployments. */
import { DEFAULT_PROJECT } from '../access.js';
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';

/** Its first operation, or a further one. */
export function startDeployment(
  state: DurableState,
  fact: FactOf<'deployment.started'>,
  { at }: Moment,
): void {
  const { problem_id: id, project = DEFAULT_PROJECT, iteration_id: operationId } = fact;
  const { deployment: name, operation, direction } = fact;
  const { createdAt = at, version: former = 0 } = state.deployments.get(id) ?? {};
  const isNew = operation === 'deploy' || operation === 'update';
  state.undo.put(state.deployments, id, {
    ...{ id, name, project, operationId, operation, direction, createdAt, updatedAt: at },
    version: isNew ? former + 1 : former,
    state: direction === 'down' ? 'undeploying' : operation === 'update' ? 'updating' : 'deploying',
  });
}

export function endDeployment(
  state: DurableState,
  fact: FactOf<'deployment.succeeded'> | FactOf<'deployment.failed'>,
  { at }: Moment,
): void {
  const deployment = state.deployments.get(fact.problem_id);
  if (!deployment) throw new Error(`deployment ${fact.problem_id} is not there`);
  const end = deployment.direction === 'up' ? 'deployed' : 'undeployed';
  state.undo.put(state.deployments, deployment.id, {
    ...deployment,
    ...(fact.type === 'deployment.failed' ? { state: 'failed', message: fact.message } : { state: end }),
    updatedAt: at,
  });
}
