/**
 * Events into the views of campaigns: the rules are those of `reducer.ts`. What an iteration has come to for its campaign is read: an event
 * does not say it.
 */
import type { EventJson } from '../../../../src/contract/event.js';
import type { CampaignsView, CampaignView, Reduced } from './views.js';

export function reduceCampaigns(view: CampaignsView, event: EventJson): Reduced<CampaignsView> {
  const isKnown = view.items.some(({ problem_id }) => problem_id === event.problem_id);
  const isWaiting = view.items.some(({ phase }) => phase === 'initializing');
  const concerns = isOfCampaign(event) || (isKnown && isOfIteration(event)) || (isWaiting && isOfNode(event));
  return { view, complete: !concerns };
}

export function reduceCampaign(view: CampaignView, event: EventJson): Reduced<CampaignView> {
  const { problem_id, phase } = view.campaign;
  const isOwn = event.problem_id === problem_id && (isOfCampaign(event) || isOfIteration(event));
  return { view, complete: !(isOwn || (phase === 'initializing' && isOfNode(event))) };
}

function isOfCampaign({ type }: EventJson): boolean {
  return type.startsWith('campaign.');
}

/** Its beginning and its end. */
function isOfIteration({ type }: EventJson): boolean {
  return type.startsWith('iteration.');
}

/** A campaign that is initializing says which nodes it waits for. */
function isOfNode({ type }: EventJson): boolean {
  return type === 'node.status';
}
