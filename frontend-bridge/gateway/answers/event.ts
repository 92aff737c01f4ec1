/** Events as OpenAPI shows them: a shape for each kind of public fact, taken from the declaration of its fields. */
import { z } from 'zod';
import { APPROVAL_ROLES, DECISIONS } from '../../../src/model/approval.js';
import { CAMPAIGN_ENDS, CAMPAIGN_MODES, CAMPAIGN_STOPS } from '../../../src/model/campaign.js';
import { AGENT_KINDS, CLUSTER_STATUSES, CLUSTER_TYPES } from '../../../src/model/cluster.js';
import { DEPLOYMENT_OPERATIONS } from '../../../src/model/deployment.js';
import {
  EVENT_TYPES,
  type EventType,
  FINAL_STATES,
  type ShownWord,
  STOP_CAUSES,
  shownFieldsOf,
} from '../../../src/model/facts.js';
import { LOOP_ENDS } from '../../../src/model/loop.js';
import { DESIRED_STATUSES, NODE_STATUSES } from '../../../src/model/node.js';
import { LOG_LEVELS, STREAMS } from '../../../src/model/protocol.js';
import { SERVICE_DESIRES, SERVICE_TYPES } from '../../../src/model/service.js';
import { campaignError } from './campaign.js';
import { waitingSchema } from './waiting.js';

const error = z.looseObject({ code: z.string(), message: z.string(), retryable: z.boolean() });

const SHAPES: Readonly<Record<ShownWord, z.ZodType>> = {
  text: z.string(),
  id: z.string(),
  time: z.string().describe('RFC 3339, UTC'),
  number: z.number(),
  count: z.number().int().min(0),
  'count or null': z.number().int().min(0).nullable(),
  flag: z.boolean(),
  json: z.unknown(),
  words: z.array(z.string()),
  texts: z.record(z.string(), z.string()),
  tags: z.array(z.string()),
  inputs: z.record(z.string(), z.array(z.string())).describe('Names of inputs, by module'),
  requirements: z.record(z.string(), z.record(z.string(), z.string())).describe('Labels, by module'),
  waiting: waitingSchema,
  'asked role': z.enum(APPROVAL_ROLES),
  decision: z.enum(DECISIONS),
  'loop end': z.enum(LOOP_ENDS),
  level: z.enum(LOG_LEVELS),
  error,
  'task error': error,
  blob: z.object({ sha256: z.string(), size: z.number().int().min(0) }),
  stream: z.enum(STREAMS),
  cause: z.enum(STOP_CAUSES),
  'final state': z.enum(FINAL_STATES),
  source: z.object({ iteration_id: z.number().int().min(1), execution_id: z.string() }),
  'cached source': z.object({
    problem_id: z.string(),
    iteration_id: z.number().int().min(1),
    execution_id: z.string(),
  }),
  'named outputs': z
    .record(
      z.string(),
      z.object({
        output_seq: z.number().int().min(1),
        size: z.number().int().optional(),
        blob: z.object({ sha256: z.string(), size: z.number().int().min(0) }).optional(),
      }),
    )
    .describe('By name, its position among the outputs of its execution'),
  status: z.enum(NODE_STATUSES),
  'desired status': z.enum(DESIRED_STATUSES),
  engine: z.enum(CLUSTER_TYPES),
  'cluster status': z.enum(CLUSTER_STATUSES),
  'agent kind': z.enum(AGENT_KINDS),
  'deployment operation': z.enum(DEPLOYMENT_OPERATIONS),
  'campaign mode': z.enum(CAMPAIGN_MODES),
  'campaign end': z.enum(CAMPAIGN_ENDS),
  'campaign stop': z.enum(CAMPAIGN_STOPS),
  'campaign error': campaignError,
  'service type': z.enum(SERVICE_TYPES),
  'service desire': z.enum(SERVICE_DESIRES),
  resources: z.object({
    cpus: z.number().int().optional(),
    memory: z.number().int().optional().describe('Bytes'),
    gpus: z.number().int().optional(),
  }),
};

/** Any event; `time` is the shape of its `at`. */
export function eventSchema(time: z.ZodType): z.ZodType {
  return z.union(EVENT_TYPES.map((type) => shapeOf(type, time)));
}

function shapeOf(type: EventType, time: z.ZodType): z.ZodType {
  const fields = shownFieldsOf(type).map(({ name, word, isOptional }): [string, z.ZodType] => [
    name,
    isOptional ? SHAPES[word].optional() : SHAPES[word],
  ]);
  return z.looseObject({
    seq: z.number().int().min(1),
    at: time,
    type: z.literal(type),
    ...Object.fromEntries(fields),
  });
}
