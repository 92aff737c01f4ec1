/** Deployments as lists show them, and as people name them. */
import type { Open } from '../../../contract/answer.js';
import type { ListedDeploymentJson } from '../../../contract/deployment.js';
import { maySee } from '../../../model/access.js';
import type { Deployment } from '../../../model/deployment.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { State } from '../state.js';

export function listedDeployment(deployment: Deployment): Open<ListedDeploymentJson> {
  const { id, name, project, state, version, operationId, operation, message } = deployment;
  return {
    ...{ deployment_id: id, name, project, state, version, operation_id: operationId, operation },
    task_id: formatTaskId({ problemId: id, iterationId: operationId }),
    message: message ?? null,
    created_at: new Date(deployment.createdAt).toISOString(),
    updated_at: new Date(deployment.updatedAt).toISOString(),
  };
}

/** Those that somebody may see, the newest first. */
export function deploymentsWithin({ deployments }: Pick<State, 'deployments'>, bound: string): Deployment[] {
  return [...deployments.values()]
    .filter(({ project }) => maySee(bound, project))
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
}

/** By its id, or by its name: of several, the newest. */
export function deploymentNamed(
  state: Pick<State, 'deployments'>,
  bound: string,
  which: string,
): Deployment | undefined {
  const byId = state.deployments.get(which);
  if (byId) return maySee(bound, byId.project) ? byId : undefined;
  return deploymentsWithin(state, bound).find(({ name }) => name === which);
}
