/** How a campaign stands, in words. */
import type { ListedCampaignJson } from '../../../../src/contract/campaign.js';
import type { CampaignStop } from '../../../../src/model/campaign.js';

export function standingOf({ phase, paused }: ListedCampaignJson): string {
  return paused ? `${phase}, paused` : phase;
}

const STOPS: Readonly<Record<CampaignStop, string>> = {
  until: 'an iteration is good enough',
  improvement: 'an iteration improved the best by too little',
  max_iterations: 'all iterations have begun',
  proposals: 'there is nothing left to try',
  deadline: 'its deadline has passed',
  finish: 'a person has finished it',
};

/** Why it stands as it does; nothing where its phase says it all. */
export function reasonOf(campaign: ListedCampaignJson): string | undefined {
  const { phase, error, ended_by, waits_for, deployment } = campaign;
  if (error) return error.context.message;
  if (ended_by !== null) return STOPS[ended_by];
  if (phase !== 'initializing') return undefined;
  if (waits_for.length > 0) return `waits for a ready node of ${waits_for.join(', ')}`;
  return deployment ? `waits for deployment ${deployment.name}` : undefined;
}

/** What comes next, while anything does. */
export function nextOf(campaign: ListedCampaignJson): string | undefined {
  const { phase, paused, mode, iterations, max_iterations, running, steps, ended_by, next_at } = campaign;
  if (phase !== 'running') return undefined;
  const open = running.length === 1 ? `iteration ${running[0]} runs` : `${running.length} iterations run`;
  if (ended_by !== null) return running.length > 0 ? `${open}, then it ends` : 'it ends';
  const now = running.length === 0 ? '' : `${open}; `;
  if (paused) return `${now}no iteration begins until it is resumed`;
  if (iterations >= max_iterations) return running.length > 0 ? `${open}, then it ends` : 'it ends';
  if (next_at !== null && Date.parse(next_at) > Date.now())
    return `${now}iteration ${iterations + 1} begins at its time`;
  if (mode === 'interactive')
    return steps > 0 ? `${now}${steps} asked for` : `${now}iteration ${iterations + 1} waits for a step`;
  return `${now}iteration ${iterations + 1} is next`;
}
