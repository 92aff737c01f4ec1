import { z } from 'zod';
import type { ClusterJson } from '../../../src/contract/cluster.js';
import { AGENT_KINDS, AGENT_STATES, CLUSTER_STATUSES, CLUSTER_TYPES } from '../../../src/model/cluster.js';
import type { Documented } from './documented.js';
import { reportedError, time } from './fields.js';
import { named } from './shape.js';

export const clusterView: Documented<ClusterJson> = named(
  'Cluster',
  z.looseObject({
    name: z.string(),
    type: z.enum(CLUSTER_TYPES).describe('The engine'),
    status: z.enum(CLUSTER_STATUSES),
    host: z.string().optional(),
    port: z.number().int().optional(),
    user: z.string().optional(),
    host_key: z.string().optional(),
    identity: z.string().optional(),
    workdir: z.string(),
    slots: z.number().int(),
    resources: z
      .object({
        cpus: z.number().int().optional(),
        memory: z.number().int().optional().describe('Bytes'),
        gpus: z.number().int().optional(),
      })
      .optional(),
    labels: z.record(z.string(), z.string()),
    agent: z.enum(AGENT_KINDS),
    messenger: z
      .string()
      .describe('The control socket: its agent gets its work there, from a separate queue'),
    created_at: time,
    agent_state: z
      .enum(AGENT_STATES)
      .describe('`not_needed`: it starts with the first graph that has a command'),
    agent_error: reportedError.nullable().describe('The reason why nothing can run there now'),
    running: z.number().int().describe('Executions'),
  }),
);

export const secretView: z.ZodType = named(
  'Secret',
  z.looseObject({
    name: z.string(),
    created_at: time,
    updated_at: time.describe('The time when its value was set'),
  }),
);
