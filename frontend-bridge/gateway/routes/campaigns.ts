/** Campaigns: series of iterations that run themselves. */
import { z } from 'zod';
import { CAMPAIGN_COMMANDS, CAMPAIGN_MODES, GOALS } from '../../../src/model/campaign.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';
import { campaignBegun, campaignSummary, campaignView } from '../answers/campaign.js';
import type { App } from '../http.js';
import { Routes } from '../route.js';

const campaignParams = z.object({ campaign_id: z.string() });

const range = z.strictObject({
  min: z.number(),
  max: z.number(),
  log: z.boolean().exactOptional().describe('Uniform in the logarithm'),
  integer: z.boolean().exactOptional().describe('Whole numbers, both ends included'),
});

const proposeBody = z
  .strictObject({
    repeat: z.literal(true).exactOptional().describe('The same input each time'),
    grid: z
      .record(z.string(), z.array(z.unknown()))
      .exactOptional()
      .describe('By JSON pointer into the input, the values to try: all combinations, at most 100,000'),
    random: z
      .record(z.string(), z.union([z.array(z.unknown()), range]))
      .exactOptional()
      .describe('By JSON pointer into the input, a range or a list to draw from'),
    seed: z.number().int().exactOptional().describe('Of random; default 0'),
    module: z
      .string()
      .exactOptional()
      .describe('GRAPH.MODULE: gets `{history}`, and puts out `{input}` or `{done: true}`'),
  })
  .describe('One of repeat, grid, random and module');

const policyBody = z.strictObject({
  mode: z.enum(CAMPAIGN_MODES).default('automated').describe('interactive: each iteration waits for a step'),
  propose: proposeBody,
  until: z
    .string()
    .exactOptional()
    .describe('A filter over an iteration: no further one begins once it holds for one'),
  max_iterations: z
    .number()
    .int()
    .exactOptional()
    .describe('Needed but for a grid, which ends after its points'),
  max_parallel: z.number().int().exactOptional().describe('Default 1'),
  deadline: z.string().exactOptional().describe('A duration, such as 2h or 3d, or a time'),
  initializing_deadline: z.string().exactOptional().describe('A duration; default 5m'),
  objective: z
    .strictObject({
      field: z.string().describe('A field of an iteration, as filters name it'),
      goal: z.enum(GOALS),
      min_improvement: z
        .number()
        .exactOptional()
        .describe('No further iteration begins once one improves the best by a smaller share, such as 0.05'),
    })
    .exactOptional(),
  stop_on_failure: z.boolean().exactOptional().describe('The first failed iteration ends the campaign'),
});

const runBody = z.strictObject({
  name: z.string(),
  graph: z.string(),
  input: z.unknown().describe('What the points are put into, in the JSON mapping of the type of the source'),
  policy: policyBody,
  schedule: z
    .strictObject({
      cron: z.string().describe('Minute, hour, day, month, day of the week: such as 0 3 * * MON'),
      time_zone: z.string().exactOptional().describe('By its IANA name, such as Europe/Berlin; default UTC'),
    })
    .exactOptional()
    .describe('One iteration begins at each of these times; times that are missed count as one'),
  deployment: z
    .union([
      z.string().describe('The name or the id of a deployment, or the YAML of a blueprint'),
      z.strictObject({
        blueprint: z.string().exactOptional().describe('The YAML of a blueprint, or of a TOSCA template'),
        csar: z
          .string()
          .exactOptional()
          .describe('Instead of blueprint: the SHA-256 of a stored blob, a TOSCA archive'),
        files: z.record(z.string(), z.string()).exactOptional().describe('As of a deployment'),
        inputs: z.record(z.string(), z.unknown()).exactOptional(),
      }),
    ])
    .exactOptional()
    .describe(
      'The campaign waits for it; with a blueprint, it is brought up first and taken down at the end',
    ),
});

const commandBody = z.strictObject({ command: z.enum(CAMPAIGN_COMMANDS) });

export function campaignRoutes(app: App, coordinator: Coordinator): void {
  const routes = new Routes(app, coordinator);

  routes.perform(
    'POST',
    '/v1/campaigns',
    { action: 'run_campaign', summary: 'Run a campaign', body: runBody, answers: { 202: campaignBegun } },
    ({ body, caller: { role } }) => ({ kind: 'run_campaign', ...body, input: body.input ?? null, role }),
  );

  routes.list(
    '/v1/campaigns',
    { summary: 'Campaigns, newest first', item: campaignSummary },
    (queries, { query }) => queries.campaigns(query),
  );

  routes.find(
    '/v1/campaigns/:campaign_id',
    { summary: 'A campaign with its policy', params: campaignParams, answer: campaignView },
    (queries, { params }) => queries.campaign(params.campaign_id),
  );

  routes.perform(
    'POST',
    '/v1/campaigns/:campaign_id/commands',
    {
      action: 'run_campaign',
      summary: 'Pause, resume, step, finish or abort a campaign',
      params: campaignParams,
      body: commandBody,
      answers: { 202: campaignSummary },
    },
    ({ params, body }) => ({
      ...{ kind: 'command_campaign', campaignId: params.campaign_id, command: body.command },
    }),
  );
}
