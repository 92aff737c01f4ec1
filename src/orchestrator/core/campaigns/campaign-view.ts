/** Campaigns as lists show them. */
import type { Open } from '../../../contract/answer.js';
import type { ListedCampaignJson } from '../../../contract/campaign.js';
import { maySee } from '../../../model/access.js';
import { type Campaign, phaseOfCampaign } from '../../../model/campaign.js';
import type { State } from '../state.js';

export function listedCampaign(campaign: Campaign): Open<ListedCampaignJson> {
  const { id, name, project, graph, graphVersion, rules, standing, best, endedAt, deadline } = campaign;
  const outcome = 'outcome' in standing ? standing.outcome : undefined;
  const stop = standing.kind === 'running' ? standing.stop : undefined;
  return {
    ...{ campaign_id: id, problem_id: id, name, project, graph, graph_version: graphVersion },
    ...{ phase: phaseOfCampaign(campaign), mode: rules.mode, paused: campaign.isPaused },
    ...{ iterations: campaign.begun, max_iterations: rules.maxIterations, running: [...campaign.open] },
    steps: campaign.steps,
    deployment: rules.deployment
      ? { deployment_id: rules.deployment.id, name: rules.deployment.name, own: rules.deployment.isOwn }
      : null,
    waits_for: standing.kind === 'initializing' ? standing.missing : [],
    best: best ? { iteration_id: best.iterationId, value: best.value } : null,
    ended_by: (outcome?.kind === 'completed' ? outcome.by : stop) ?? null,
    error: outcome?.kind === 'errored' ? outcome.error : null,
    deadline: deadline ? new Date(deadline.at).toISOString() : null,
    next_at: nextOf(campaign),
    created_at: new Date(campaign.createdAt).toISOString(),
    updated_at: new Date(campaign.updatedAt).toISOString(),
    ended_at: endedAt === undefined ? null : new Date(endedAt).toISOString(),
  };
}

function nextOf({ next, standing, begun, rules }: Campaign): string | null {
  const mayBegin =
    standing.kind === 'initializing' || (standing.kind === 'running' && standing.stop === undefined);
  return next && mayBegin && begun < rules.maxIterations ? new Date(next.at).toISOString() : null;
}

/** Those that somebody may see, the newest first. */
export function campaignViews(
  { campaigns }: Pick<State, 'campaigns'>,
  bound: string,
): Open<ListedCampaignJson>[] {
  return [...campaigns.values()]
    .filter(({ project }) => maySee(bound, project))
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
    .map(listedCampaign);
}
