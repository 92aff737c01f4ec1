import { z } from 'zod';
import type { ComponentReplicaJson } from '../../../src/contract/deployment.js';
import type { PlacementJson, ServiceJson } from '../../../src/contract/service.js';
import { REPLICA_STATES, SERVICE_DESIRES, SERVICE_TYPES } from '../../../src/model/service.js';
import type { Documented } from './documented.js';
import { id, taskId, time } from './fields.js';
import { named } from './shape.js';

const replicaView = z.looseObject({
  replica_id: z.string().describe('<service>-<n>: also the instance of its node'),
  cluster: z.string().nullable().describe('The cluster where it runs or ran'),
  desired: z.enum(['running', 'stopped']),
  observed: z.enum(REPLICA_STATES),
  node_id: id.nullable().describe('Its node while it is ready'),
  restarts: z.number().int().describe('Runs before this one'),
  reason: z.string().nullable().describe('The reason why it waits, stops or has ended'),
  task_id: taskId.describe('The task of its newest run'),
  since: time.describe('The time when it entered this state'),
  retry_at: time.nullable().describe('The time of its next start'),
});

/** Of a deployment's component that is a service. */
export const componentReplica: Documented<ComponentReplicaJson> = replicaView.pick({
  ...{ replica_id: true, cluster: true, observed: true, restarts: true, reason: true },
});

export const serviceView: Documented<ServiceJson> = named(
  'Service',
  z.looseObject({
    name: z.string(),
    type: z.enum(SERVICE_TYPES),
    count: z.number().int().nullable().describe('Null if it has one replica per matching cluster'),
    module: z.string().nullable().describe('The module that its replicas play as nodes'),
    command: z.array(z.string()).optional(),
    script: z.string().optional(),
    args: z.array(z.string()).optional(),
    files: z.array(z.string()),
    env: z.record(z.string(), z.union([z.string(), z.object({ secret: z.string() })])),
    require: z.record(z.string(), z.string()).describe('Labels that a cluster must have'),
    resources: z.looseObject({ cpus: z.number().int() }),
    restart: z.object({ backoff_ms: z.number().int(), max_backoff_ms: z.number().int() }),
    startup_deadline_ms: z.number().int().nullable(),
    disconnect: z.object({ lost_after_ms: z.number().int(), replace: z.boolean() }).nullable(),
    deployment_id: id.nullable().describe('The deployment that it is a component of'),
    desired: z.enum(SERVICE_DESIRES),
    generation: z.number().int().describe('Replicas of an older one are renewed'),
    health: z.enum(['ok', 'degraded']),
    reasons: z
      .array(z.string())
      .describe('The reasons why it is degraded, each with the number of affected replicas'),
    replicas: z.array(replicaView),
    created_at: time,
    updated_at: time,
  }),
);

export const placementView: Documented<PlacementJson> = named(
  'Placement',
  z.object({
    cluster: z.string(),
    score: z.number().nullable().describe('The free share of its slots; null if it is ruled out'),
    reason: z.string().nullable().describe('The reason why it is ruled out'),
  }),
);
