import { readExactly } from '../../base/json/exact.js';
import type { Open } from '../../contract/answer.js';
import type { CampaignJson, CampaignPolicyJson } from '../../contract/campaign.js';
import type { CampaignSpec, Propose, RandomAxis } from '../../model/campaign.js';
import { listedCampaign } from '../core/campaigns/campaign-view.js';
import type { Refusal } from '../port.js';
import { campaignFromRow } from '../tables/campaign-row.js';
import { campaignSpecs, campaigns, iterations } from '../tables/tables.js';
import { type Moment, notFound } from './moment.js';

/** Clocks tell how much time is left, which no answer shows. */
const NO_CLOCKS = { nowMs: 0, wallMs: 0 };

export async function campaign(moment: Moment, id: string): Promise<Open<CampaignJson> | Refusal> {
  const { reader, payloads } = moment;
  const row = await campaigns.get(reader, [id]);
  const spec = await campaignSpecs.get(reader, [id]);
  if (!row || !spec) return notFound('unknown_campaign', `no campaign ${id}`);
  const listed = listedCampaign(campaignFromRow(row, NO_CLOCKS));
  const best = listed.best && (await iterations.get(reader, [id, listed.best.iteration_id]));
  return {
    ...listed,
    best: listed.best && { ...listed.best, input: best ? await payloads.inputOf(reader, best) : null },
    input: readExactly(spec.input),
    policy: policyOf(spec),
    schedule: spec.schedule ? { cron: spec.schedule.cron, time_zone: spec.schedule.timeZone } : null,
  };
}

function policyOf(spec: CampaignSpec): Open<CampaignPolicyJson> {
  const { mode, propose, until, maxIterations, maxParallel, objective, deadlineAt } = spec;
  return {
    ...{ mode, propose: proposeOf(propose), until: until ?? null },
    ...{ max_iterations: maxIterations, max_parallel: maxParallel },
    deadline: deadlineAt === undefined ? null : new Date(deadlineAt).toISOString(),
    initializing_deadline_ms: spec.initializingMs,
    objective: objective
      ? {
          ...{ field: objective.field, goal: objective.goal },
          min_improvement: objective.minImprovement ?? null,
        }
      : null,
    stop_on_failure: spec.stopOnFailure,
  };
}

function proposeOf(propose: Propose): Record<string, unknown> {
  switch (propose.kind) {
    case 'repeat':
      return { repeat: true };
    case 'grid':
      return {
        grid: Object.fromEntries(propose.axes.map(({ at, values }) => [at, values.map(readExactly)])),
      };
    case 'random':
      return {
        random: Object.fromEntries(propose.axes.map((axis) => [axis.at, rangeOf(axis)])),
        seed: propose.seed,
      };
    case 'module':
      return { module: `${propose.graph}.${propose.module}` };
    default:
      return propose satisfies never;
  }
}

function rangeOf(axis: RandomAxis): unknown {
  if ('values' in axis) return axis.values.map(readExactly);
  const { min, max, log, integer } = axis;
  return { min, max, ...(log && { log }), ...(integer && { integer }) };
}
