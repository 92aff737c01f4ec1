/** Why a module waits, as OpenAPI shows it. */
import { z } from 'zod';
import { APPROVAL_ROLES } from '../../../src/model/approval.js';
import type { Waiting } from '../../../src/model/waiting.js';
import type { Documented } from './documented.js';

export const waitingSchema: Documented<Waiting> = z.discriminatedUnion('code', [
  z.looseObject({ code: z.literal('inputs'), inputs: z.array(z.string()) }),
  z.looseObject({
    code: z.literal('no_node'),
    labels: z.record(z.string(), z.string()).optional().describe('Labels that the node must have'),
    misfit: z
      .object({ instance: z.string(), reason: z.string() })
      .optional()
      .describe('A node that plays the module and does not fit the version of the graph'),
  }),
  z.looseObject({ code: z.literal('no_free_slot') }),
  z.looseObject({
    code: z.literal('no_cluster'),
    clusters: z.number().int().describe('The number of clusters; none of them can run the command'),
  }),
  z.looseObject({
    code: z.literal('no_free_cluster'),
    clusters: z.number().int().describe('The number of clusters that could run the command but are busy'),
  }),
  z.looseObject({ code: z.literal('no_secret'), secret: z.string() }),
  z
    .looseObject({
      code: z.literal('approval'),
      role: z.enum(APPROVAL_ROLES),
      message: z.string(),
      requested_at: z.string().describe('RFC 3339, UTC'),
    })
    .describe("A person's decision"),
  z
    .looseObject({
      code: z.literal('service'),
      service: z.string(),
      until: z.string().describe('RFC 3339, UTC; after that, it has failed'),
    })
    .describe('All replicas of a service to be ready, or to end'),
  z.looseObject({ code: z.literal('requeued') }).describe('Its execution had no result'),
  z.looseObject({ code: z.literal('retry') }).describe('Until `retry_at`'),
]);
