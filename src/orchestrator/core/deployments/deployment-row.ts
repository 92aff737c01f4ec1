/** Deployments as they are stored. */
import type { Deployment } from '../../../model/deployment.js';
import { type DeploymentRow, projectOfRow, storedProject } from '../../tables/records.js';

/** Absent fields are left out by `JSON.stringify`. */
export function deploymentToRow(deployment: Deployment): DeploymentRow {
  const { id, name, project, state, version, operationId, operation, direction } = deployment;
  return {
    ...{ deployment_id: id, name, project: storedProject(project), state, version },
    ...{ operation_id: operationId, operation, direction, message: deployment.message },
    ...{ created_at: deployment.createdAt, updated_at: deployment.updatedAt },
  };
}

export function deploymentFromRow(row: DeploymentRow): Deployment {
  const { deployment_id: id, name, state, operation_id: operationId, operation, direction, message } = row;
  // Without one, it was stored before there were updates.
  const { version = 1 } = row;
  return {
    ...{ id, name, project: projectOfRow(row), state, version, operationId, operation, direction },
    ...(message !== undefined && { message }),
    ...{ createdAt: row.created_at, updatedAt: row.updated_at },
  };
}
