/** Campaigns as people ask for them, and command them. */
import {
  type Campaign,
  type CampaignCommand,
  type CampaignOutcome,
  type CampaignSpec,
  campaignHasEnded,
  phaseOfCampaign,
} from '../../../model/campaign.js';
import { campaignGraph, campaignGraphName, campaignGraphText } from '../../../model/campaign-graph.js';
import type { FactOf } from '../../../model/facts.js';
import { compileGraph } from '../../../model/task.js';
import { nextTime } from '../../../scheduling/cron.js';
import type { Answer, Refusal } from '../../port.js';
import { refusal } from '../../refusal.js';
import { storedProject } from '../../tables/row.js';
import { emit } from '../emit.js';
import { announceTypes } from '../nodes/module-types.js';
import type { PreparedRequest, Turn } from '../turn.js';
import { listedCampaign } from './campaign-view.js';
import { deploymentFor } from './deployment.js';

type Run = Extract<PreparedRequest, { kind: 'run_campaign' }>;
type Commanded = Extract<PreparedRequest, { kind: 'command_campaign' }>;

export function runCampaign(turn: Turn, request: Run): Answer {
  const { name, project, proposer } = request;
  const deployment = request.deployment && deploymentFor(turn, request.deployment);
  if (deployment && 'ok' in deployment) return deployment;
  const spec: CampaignSpec = { ...request.spec, ...(deployment && { deployment }) };
  const campaignId = turn.ids.uuid();
  const owner = storedProject(project);
  const nextAt = spec.schedule && nextTime(spec.schedule, turn.wallMs);
  emit(turn, {
    type: 'campaign.initializing',
    ...{ problem_id: campaignId, ...(owner !== undefined && { project: owner }) },
    ...{ campaign: name, graph: spec.graph, mode: spec.mode, spec },
    ...(nextAt !== undefined && { next_at: nextAt }),
  });
  if (proposer) storeProposer(turn, campaignId, proposer);
  return { ok: true, kind: 'accepted', body: { campaign_id: campaignId, problem_id: campaignId } };
}

function storeProposer(
  turn: Turn,
  campaignId: string,
  { module, files, types, typesJson }: NonNullable<Run['proposer']>,
): void {
  const key = { name: campaignGraphName(campaignId), version: 1 };
  const compiled = compileGraph(key, campaignGraph(campaignId, module));
  const yaml = campaignGraphText(campaignId, module);
  const stored = { compiled, types, typesJson, yaml, createdAt: turn.wallMs, files };
  turn.state.addGraph(stored);
  announceTypes(turn, stored, undefined);
  emit(turn, {
    ...{ type: 'graph.stored', problem_id: campaignId, graph: key.name, graph_version: key.version },
    ...{ yaml, types: typesJson },
    ...(Object.keys(files).length > 0 && { files }),
  });
}

export function commandCampaign(turn: Turn, { campaignId, command }: Commanded): Answer {
  const campaign = turn.state.campaigns.get(campaignId);
  if (!campaign) return unknownCampaign(campaignId);
  const refused = whyNot(campaign, command);
  if (refused) return refused;
  carryOut(turn, campaign, command);
  const body = listedCampaign(turn.state.campaigns.get(campaignId)!);
  return { ok: true, kind: 'accepted', body: { ...body } };
}

/** What has been done before is done: the same command again changes nothing. */
function carryOut(turn: Turn, campaign: Campaign, command: CampaignCommand): void {
  const { id: problem_id, name, standing, isPaused } = campaign;
  const about = { problem_id, campaign: name };
  switch (command) {
    case 'pause':
      if (!isPaused) emit(turn, { type: 'campaign.paused', ...about });
      return;
    case 'resume':
      if (isPaused) emit(turn, { type: 'campaign.resumed', ...about });
      return;
    case 'step':
      emit(turn, { type: 'campaign.stepped', problem_id });
      return;
    case 'finish':
      if (standing.kind === 'initializing') finalize(turn, campaign, { kind: 'completed', by: 'finish' });
      else if (standing.kind === 'running' && standing.stop === undefined)
        emit(turn, { type: 'campaign.closed', problem_id, why: 'finish' });
      return;
    case 'abort':
      if (standing.kind !== 'finalizing' || standing.outcome.kind !== 'aborted')
        finalize(turn, campaign, { kind: 'aborted' });
      return;
    default:
      command satisfies never;
  }
}

function whyNot(campaign: Campaign, command: CampaignCommand): Refusal | undefined {
  const { name, standing, rules, isPaused, begun, steps } = campaign;
  const conflict = (code: string, message: string, hint?: string): Refusal =>
    refusal('conflict', code, `campaign ${name} ${message}`, hint === undefined ? {} : { hint });
  if (campaignHasEnded(campaign))
    return conflict('campaign_ended', `has ended: it is ${phaseOfCampaign(campaign)}`);
  const isOpen = standing.kind !== 'finalizing';
  if (!isOpen && command !== 'abort' && command !== 'finish')
    return conflict('not_in_this_phase', `is finalizing: it cannot ${command}`);
  if (command !== 'step') return undefined;
  if (rules.mode !== 'interactive')
    return conflict(
      'not_interactive',
      'is automated: its iterations begin by themselves',
      'pause it instead',
    );
  if (isPaused) return conflict('campaign_paused', 'is paused', 'resume it first');
  const isClosed = standing.kind === 'running' && standing.stop !== undefined;
  if (isClosed || begun + steps >= rules.maxIterations)
    return conflict('no_iterations_left', `begins no further iteration: ${begun} have begun`);
  return undefined;
}

/** C1 of the model. Also where it is to end in another way than it was to before. */
export function finalize(turn: Turn, { id, name }: Campaign, outcome: CampaignOutcome): void {
  const fact: FactOf<'campaign.finalizing'> = {
    ...{ type: 'campaign.finalizing', problem_id: id, campaign: name, outcome: outcome.kind },
    ...(outcome.kind === 'completed' && { ended_by: outcome.by }),
    ...(outcome.kind === 'errored' && { error: outcome.error }),
  };
  emit(turn, fact);
}

export function unknownCampaign(campaignId: string): Refusal {
  return refusal('not_found', 'unknown_campaign', `no campaign ${campaignId}`);
}

export function underWay({ name, id }: Campaign): Refusal {
  const message = `problem ${id} is campaign ${name}, which begins its iterations itself until it has ended`;
  return refusal('conflict', 'campaign_under_way', message, { hint: 'step, finish or abort the campaign' });
}
