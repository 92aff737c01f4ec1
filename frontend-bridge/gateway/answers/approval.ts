import { z } from 'zod';
import type { ApprovalJson } from '../../../src/contract/iteration.js';
import { APPROVAL_ROLES, DECISIONS } from '../../../src/model/approval.js';
import type { Documented } from './documented.js';
import { id, iterationId, taskId, time } from './fields.js';
import { named } from './shape.js';

export const decision: z.ZodType = named(
  'Decision',
  z.looseObject({
    task_id: taskId,
    module: z.string(),
    decision: z.enum(DECISIONS),
    by: z.string().nullable().describe('The name of the grant; null if no token is needed'),
    reason: z.string().nullable(),
    at: time,
  }),
);

export const approval: Documented<ApprovalJson> = named(
  'Approval',
  z.looseObject({
    task_id: taskId,
    problem_id: id,
    iteration_id: iterationId,
    module: z.string(),
    graph: z.string(),
    graph_version: z.number().int(),
    project: z.string(),
    title: z.string(),
    tags: z.array(z.string()),
    role: z.enum(APPROVAL_ROLES).describe('Who may decide: callers of this role and of those above it'),
    message: z.string().describe('The question'),
    requested_at: time,
    inputs: z
      .record(z.string(), z.unknown())
      .describe('The inputs of the module by name; a large value is its blob'),
    left_out: z.array(z.string()).describe('Inputs whose text has more than 16,384 characters'),
  }),
);
