import { z } from 'zod';
import type { QueueJson } from '../../../src/contract/figures.js';
import type { NodeJson } from '../../../src/contract/node.js';
import { DESIRED_STATUSES, LIVENESSES, NODE_STATUSES } from '../../../src/model/node.js';
import type { Documented } from './documented.js';
import { id, reportedError, taskId, time } from './fields.js';
import { named } from './shape.js';

export const nodeView: Documented<NodeJson> = named(
  'Node',
  z.looseObject({
    node_id: id,
    module: z.string(),
    instance: z.string(),
    incarnation: z.number().int(),
    status: z.enum(NODE_STATUSES),
    desired_status: z.enum(DESIRED_STATUSES),
    liveness: z.enum(LIVENESSES),
    capacity: z.number().int(),
    running: z
      .array(z.looseObject({ execution_id: id, task_id: taskId, module: z.string(), since: time.optional() }))
      .describe('Its executions, each from its assignment on'),
    of_other_projects: z.number().int().describe('Executions on it that the caller does not see'),
    load: z
      .looseObject({ cpu: z.number(), memory_bytes: z.number(), executing: z.number().int() })
      .nullable()
      .optional()
      .describe('From its last heartbeat: cores in use, resident memory, executions at work'),
    labels: z.record(z.string(), z.string()),
    version: z.string(),
    last_seen_at: time.nullable(),
    error: reportedError.nullable(),
    warning: z
      .looseObject({ code: z.string(), message: z.string(), hint: z.string().optional(), since: time })
      .nullable()
      .optional()
      .describe('A condition that an operator should look into: `instance_conflict`'),
  }),
);

export const queueView: Documented<QueueJson> = named(
  'Queue',
  z.looseObject({
    module: z.string(),
    graphs: z.array(z.string()).describe('Graphs whose newest version has the module'),
    nodes: z.number().int().describe('The number of nodes that accept work for it now'),
    slots: z.number().int().describe('The number of slots of those nodes'),
    taken: z.number().int(),
    waiting: z.number().int().describe('Executions that wait for a slot'),
  }),
);
