import { z } from 'zod';
import {
  type DeploymentChangesJson,
  type DeploymentJson,
  DRIFT_KINDS,
  type ListedDeploymentJson,
  type OperationJson,
} from '../../../src/contract/deployment.js';
import { COMPONENT_OPERATIONS } from '../../../src/model/blueprint.js';
import { COMPONENT_STATES, DEPLOYMENT_OPERATIONS, DEPLOYMENT_STATES } from '../../../src/model/deployment.js';
import type { Documented } from './documented.js';
import { id, iterationId, moduleState, reportedError, taskId, taskState, time } from './fields.js';
import { componentReplica } from './service.js';
import { named } from './shape.js';

const deploymentShape = {
  deployment_id: id.describe("The problem's id"),
  name: z.string(),
  project: z.string(),
  state: z.enum(DEPLOYMENT_STATES),
  version: z.number().int().describe('The version of its blueprint: 1, and one more with each update'),
  operation_id: iterationId.describe('The newest operation: the iteration of its problem'),
  operation: z.enum(DEPLOYMENT_OPERATIONS),
  task_id: taskId.describe('The task of the newest operation'),
  message: z.string().nullable().describe('The reason of its failure'),
  created_at: time,
  updated_at: time,
};

export const deploymentSummary: Documented<ListedDeploymentJson> = named(
  'DeploymentSummary',
  z.looseObject(deploymentShape),
);

const step = {
  component: z.string(),
  operation: z.enum(COMPONENT_OPERATIONS),
  cluster: z
    .string()
    .nullable()
    .describe('Null for a service, which chooses clusters for its replicas itself'),
};

export const deploymentView: Documented<DeploymentJson> = named(
  'Deployment',
  z.looseObject({
    ...deploymentShape,
    health: z
      .enum(['ok', 'degraded'])
      .describe('`degraded`: it has failed, or its services differ from their desired state'),
    reasons: z.array(z.string()).describe('The reasons why it is degraded, each with its service'),
    blueprint: z.string().describe("The blueprint's name"),
    inputs: z.record(z.string(), z.unknown()),
    components: z.record(
      z.string(),
      z.object({
        state: z.enum(COMPONENT_STATES),
        cluster: z.string().nullable(),
        after: z.array(z.string()),
        attributes: z.record(z.string(), z.unknown()),
        service: z.string().optional().describe('Its name, if the component is a service'),
        replicas: z.array(componentReplica).optional(),
      }),
    ),
    outputs: z.record(z.string(), z.unknown()).describe('Outputs whose references are known'),
    failed: z
      .object({ ...step, message: z.string() })
      .nullable()
      .describe('The first step of the newest operation that has failed'),
    drift: z
      .array(z.object({ component: z.string(), kind: z.enum(DRIFT_KINDS), message: z.string() }))
      .describe(
        'The differences between the current and the deployed state, while no operation is under way',
      ),
  }),
);

const componentChange = z.object({
  name: z.string(),
  fields: z
    .array(z.string())
    .describe('operations.start.script, files.install.sh, service.count, inputs.model, store.address …'),
});

export const deploymentChanges: Documented<DeploymentChangesJson> = named(
  'DeploymentChanges',
  z.object({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(componentChange),
    may_change: z.array(componentChange).describe('Replaced only if an attribute that they refer to changes'),
  }),
);

export const operationView: Documented<OperationJson> = named(
  'Operation',
  z.looseObject({
    operation_id: iterationId,
    operation: z.enum(DEPLOYMENT_OPERATIONS),
    state: taskState,
    task_id: taskId,
    created_at: time,
    finished_at: time.nullable(),
    error: reportedError.nullable(),
    steps: z.array(
      z.looseObject({
        ...step,
        module: z.string().describe('The module of the step in the operation’s task'),
        state: moduleState,
        execution_id: id.nullable(),
        waiting_reason: z.string().nullable(),
        error: reportedError.nullable(),
        started_at: time.nullable(),
        finished_at: time.nullable(),
      }),
    ),
  }),
);

export const operationBegun: z.ZodType = named(
  'OperationBegun',
  z.object({ deployment_id: id, operation_id: iterationId, task_id: taskId }),
);
