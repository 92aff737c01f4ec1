/** Deployments and their operations, as `/v1/deployments` shows them. */
import type { ComponentOperation } from '../model/blueprint.js';

export type {
  ComponentChange as ComponentChangeJson,
  DeploymentChanges as DeploymentChangesJson,
} from '../model/deployment-changes.js';

import type { ComponentState, DeploymentOperation, DeploymentState } from '../model/deployment.js';
import type { TaskState } from '../model/task-state.js';
import type { ErrorJson } from './answer.js';
import type { ModuleAnswerJson } from './iteration.js';
import type { ReplicaJson } from './service.js';

export interface ListedDeploymentJson {
  /** That of its problem. */
  readonly deployment_id: string;
  readonly name: string;
  readonly project: string;
  readonly state: DeploymentState;
  /** Of its blueprint: 1, and one more with each update. */
  readonly version: number;
  /** The newest one: the iteration of its problem. */
  readonly operation_id: number;
  readonly operation: DeploymentOperation;
  readonly task_id: string;
  /** Why it has failed. */
  readonly message: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface DeploymentJson extends ListedDeploymentJson {
  /** Of its services. */
  readonly health: 'ok' | 'degraded';
  readonly reasons: readonly string[];
  readonly blueprint: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly components: Readonly<Record<string, ComponentJson>>;
  /** Of the blueprint, as far as what they refer to is known. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The first failed step of its newest operation. */
  readonly failed: FailedStepJson | null;
  /** The differences between the current and the deployed state, while no operation is under way. */
  readonly drift: readonly DriftJson[];
}

export const DRIFT_KINDS = [
  'replica_down',
  'replica_not_asked_for',
  'service_stopped',
  'cluster_removed',
] as const;

/** What differs, and what is done about it. */
export interface DriftJson {
  readonly component: string;
  readonly kind: (typeof DRIFT_KINDS)[number];
  readonly message: string;
}

export interface ComponentJson {
  readonly state: ComponentState;
  readonly cluster: string | null;
  readonly after: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of a component that is a service. */
  readonly service?: string;
  readonly replicas?: readonly ComponentReplicaJson[];
}

export type ComponentReplicaJson = Pick<
  ReplicaJson,
  'replica_id' | 'cluster' | 'observed' | 'restarts' | 'reason'
>;

export interface FailedStepJson {
  readonly component: string;
  readonly operation: ComponentOperation;
  /** `null`: of a service, which chooses clusters for its replicas itself. */
  readonly cluster: string | null;
  readonly message: string;
}

export interface OperationJson {
  readonly operation_id: number;
  readonly operation: DeploymentOperation;
  readonly state: TaskState;
  readonly task_id: string;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly error: ErrorJson | null;
  readonly steps: readonly StepJson[];
}

/** An operation of a component. */
export interface StepJson {
  readonly component: string;
  readonly operation: ComponentOperation;
  readonly cluster: string | null;
  /** In the operation's task. */
  readonly module: string;
  readonly state: ModuleAnswerJson['state'];
  readonly execution_id: string | null;
  readonly waiting_reason: string | null;
  readonly error: ErrorJson | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}
