import { z } from 'zod';
import type { CampaignJson, ListedCampaignJson } from '../../../src/contract/campaign.js';
import {
  CAMPAIGN_ERRORS,
  CAMPAIGN_MODES,
  CAMPAIGN_PHASES,
  CAMPAIGN_SCOPES,
  CAMPAIGN_STOPS,
  type CampaignError,
  GOALS,
} from '../../../src/model/campaign.js';
import type { Documented } from './documented.js';
import { id, iterationId, time } from './fields.js';
import { named } from './shape.js';

export const campaignError: Documented<CampaignError> = named(
  'CampaignError',
  z.looseObject({
    type: z.enum(CAMPAIGN_ERRORS),
    scope: z.enum(CAMPAIGN_SCOPES),
    context: z.looseObject({ message: z.string() }).describe('What it is about, such as `iteration_id`'),
  }),
);

const best = { iteration_id: iterationId, value: z.number().describe('Of the objective') };

const campaignShape = {
  campaign_id: id.describe("The problem's id"),
  problem_id: id.describe('The problem is there from the first iteration on'),
  name: z.string(),
  project: z.string(),
  graph: z.string(),
  graph_version: z.number().int().describe('Of all its iterations'),
  phase: z.enum(CAMPAIGN_PHASES),
  mode: z.enum(CAMPAIGN_MODES),
  paused: z.boolean(),
  deployment: z
    .object({
      deployment_id: id,
      name: z.string(),
      own: z.boolean().describe('It was brought up for the campaign, and is taken down when that ends'),
    })
    .nullable(),
  iterations: z.number().int().describe('So many have begun'),
  max_iterations: z.number().int(),
  running: z.array(iterationId).describe('Iterations that have begun, and whose end has not been taken in'),
  steps: z.number().int().describe('Iterations that were asked for with `step` and have not begun'),
  waits_for: z.array(z.string()).describe('Modules without a ready node, while it is initializing'),
  best: z.object(best).nullable(),
  ended_by: z.enum(CAMPAIGN_STOPS).nullable().describe('The reason why no further iteration begins'),
  error: campaignError.nullable(),
  deadline: time.nullable(),
  next_at: time
    .nullable()
    .describe('When the next iteration may begin; null without a schedule, and once none begins any longer'),
  created_at: time,
  updated_at: time,
  ended_at: time.nullable(),
};

export const campaignSummary: Documented<ListedCampaignJson> = named(
  'CampaignSummary',
  z.looseObject(campaignShape),
);

export const campaignView: Documented<CampaignJson> = named(
  'Campaign',
  z.looseObject({
    ...campaignShape,
    best: z
      .object({ ...best, input: z.unknown().describe('Null where the iteration has been removed') })
      .nullable(),
    input: z.unknown().describe('What the points are put into'),
    policy: z.looseObject({
      mode: z.enum(CAMPAIGN_MODES),
      propose: z.record(z.string(), z.unknown()),
      until: z.string().nullable(),
      max_iterations: z.number().int(),
      max_parallel: z.number().int(),
      deadline: time.nullable(),
      initializing_deadline_ms: z.number().int(),
      objective: z
        .object({ field: z.string(), goal: z.enum(GOALS), min_improvement: z.number().nullable() })
        .nullable(),
      stop_on_failure: z.boolean(),
    }),
    schedule: z.object({ cron: z.string(), time_zone: z.string() }).nullable(),
  }),
);

export const campaignBegun: z.ZodType = named('CampaignBegun', z.object({ campaign_id: id, problem_id: id }));
