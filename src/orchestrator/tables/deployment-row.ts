/** Deployments as they are stored. */

import type { Deployment, DeploymentOperation, DeploymentState, Direction } from '../../model/deployment.js';
import { projectOfRow, storedProject } from './row.js';

export interface DeploymentRow {
  readonly deployment_id: string;
  readonly name: string;
  readonly project?: string | undefined;
  readonly state: DeploymentState;
  readonly version?: number | undefined;
  readonly operation_id: number;
  readonly operation: DeploymentOperation;
  readonly direction: Direction;
  readonly message?: string | undefined;
  readonly created_at: number;
  readonly updated_at: number;
}

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
