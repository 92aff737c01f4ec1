/** The fold of facts about campaigns. */
import { DEFAULT_PROJECT } from '../access.js';
import {
  type Campaign,
  type CampaignOutcome,
  type CampaignPhase,
  type CampaignStanding,
  campaignMayBecome,
  type Due,
  isBetter,
  phaseOfCampaign,
  rulesOf,
} from '../campaign.js';
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';

export function beginCampaign(
  state: DurableState,
  fact: FactOf<'campaign.initializing'>,
  moment: Moment,
): void {
  const { problem_id: id, campaign: name, project = DEFAULT_PROJECT, graph, spec } = fact;
  const until = dueAt(moment.at + spec.initializingMs, moment);
  const { deadlineAt } = spec;
  const { next_at } = fact;
  state.undo.put(state.campaigns, id, {
    ...{ id, name, project, graph, graphVersion: spec.graphVersion, rules: rulesOf(spec) },
    standing: { kind: 'initializing', until, missing: [] },
    ...(deadlineAt !== undefined && { deadline: dueAt(deadlineAt, moment) }),
    ...(next_at !== undefined && { next: dueAt(next_at, moment) }),
    ...{ isPaused: false, steps: 0, begun: 0, open: new Set<number>() },
    ...{ createdAt: moment.at, updatedAt: moment.at },
  });
}

export function missNodes(state: DurableState, fact: FactOf<'campaign.missing'>, moment: Moment): void {
  const { standing } = known(state, fact);
  if (standing.kind !== 'initializing') throw new Error(`campaign ${fact.problem_id} waits for no nodes`);
  set(state, fact, { standing: { ...standing, missing: fact.modules } }, moment);
}

export function runCampaign(state: DurableState, fact: FactOf<'campaign.running'>, moment: Moment): void {
  become(state, fact, 'running', { standing: { kind: 'running' } }, moment);
}

export function pauseCampaign(
  state: DurableState,
  fact: FactOf<'campaign.paused' | 'campaign.resumed'>,
  moment: Moment,
): void {
  set(state, fact, { isPaused: fact.type === 'campaign.paused' }, moment);
}

export function stepCampaign(state: DurableState, fact: FactOf<'campaign.stepped'>, moment: Moment): void {
  set(state, fact, { steps: known(state, fact).steps + 1 }, moment);
}

export function askProposer(state: DurableState, fact: FactOf<'campaign.asked'>, moment: Moment): void {
  set(state, fact, { proposal: { taskKey: fact.task_id, isAsked: true } }, moment);
}

/** A proposal that it was made from is taken, and so is a step. */
export function iterateCampaign(
  state: DurableState,
  fact: FactOf<'campaign.iterated'>,
  moment: Moment,
): void {
  const { open, steps, begun, proposal } = known(state, fact);
  const { iteration_id, next_at } = fact;
  // C2 of `campaign.ts`.
  if (iteration_id !== begun + 1) throw new Error(`iteration ${iteration_id} comes after ${begun}`);
  const changes = {
    ...{ begun: iteration_id, open: new Set([...open, iteration_id]), steps: Math.max(0, steps - 1) },
    ...(proposal && { proposal: { ...proposal, isAsked: false } }),
    ...(next_at !== undefined && { next: dueAt(next_at, moment) }),
  };
  set(state, fact, changes, moment);
}

export function judgeIteration(state: DurableState, fact: FactOf<'campaign.judged'>, moment: Moment): void {
  const campaign = known(state, fact);
  const { iteration_id: iterationId, value } = fact;
  if (!campaign.open.has(iterationId)) throw new Error(`iteration ${iterationId} is not open`);
  const { goal } = campaign.rules;
  const isBest = goal !== undefined && value !== undefined && isBetter(goal, value, campaign.best?.value);
  const changes = {
    open: new Set([...campaign.open].filter((one) => one !== iterationId)),
    ...(fact.state === 'succeeded' && {
      newestSucceeded: Math.max(iterationId, campaign.newestSucceeded ?? 0),
    }),
    ...(isBest && { best: { iterationId, value } }),
  };
  set(state, fact, changes, moment);
}

export function closeCampaign(state: DurableState, fact: FactOf<'campaign.closed'>, moment: Moment): void {
  const { standing } = known(state, fact);
  if (standing.kind !== 'running') throw new Error(`campaign ${fact.problem_id} is ${standing.kind}`);
  set(state, fact, { standing: { kind: 'running', stop: fact.why } }, moment);
}

export function finalizeCampaign(
  state: DurableState,
  fact: FactOf<'campaign.finalizing'>,
  moment: Moment,
): void {
  const { outcome: kind, ended_by, error } = fact;
  const outcome = outcomeOf(kind, ended_by, error);
  become(state, fact, 'finalizing', { standing: { kind: 'finalizing', outcome }, isPaused: false }, moment);
}

export function endCampaign(
  state: DurableState,
  fact: FactOf<'campaign.completed' | 'campaign.aborted' | 'campaign.errored'>,
  moment: Moment,
): void {
  const { standing, open } = known(state, fact);
  if (standing.kind !== 'finalizing' || `campaign.${standing.outcome.kind}` !== fact.type || open.size > 0)
    throw new Error(`campaign ${fact.problem_id} cannot end as ${fact.type}`);
  const ended: CampaignStanding = { kind: 'ended', outcome: standing.outcome };
  become(state, fact, standing.outcome.kind, { standing: ended, steps: 0, endedAt: moment.at }, moment);
}

/** With its problem. */
export function forgetCampaign(state: DurableState, { problem_id }: FactOf<'problem.hidden'>): void {
  state.undo.remove(state.campaigns, problem_id);
}

function outcomeOf(
  kind: CampaignOutcome['kind'],
  by: FactOf<'campaign.finalizing'>['ended_by'],
  error: FactOf<'campaign.finalizing'>['error'],
): CampaignOutcome {
  if (kind === 'completed' && by !== undefined) return { kind, by };
  if (kind === 'errored' && error) return { kind, error };
  if (kind === 'aborted') return { kind };
  throw new Error(`a campaign ends as ${kind} for no reason`);
}

function dueAt(at: number, moment: Moment): Due {
  return { at, dueMs: moment.nowMs + (at - moment.at) };
}

type About = { readonly problem_id: string };

function become(
  state: DurableState,
  fact: About,
  phase: CampaignPhase,
  changes: Partial<Campaign>,
  moment: Moment,
): void {
  const before = phaseOfCampaign(known(state, fact));
  if (!campaignMayBecome(before, phase))
    throw new Error(`campaign ${fact.problem_id} is ${before} and cannot become ${phase}`);
  set(state, fact, changes, moment);
}

function set(state: DurableState, fact: About, changes: Partial<Campaign>, { at }: Moment): void {
  const campaign = known(state, fact);
  state.undo.put(state.campaigns, campaign.id, { ...campaign, ...changes, updatedAt: at });
}

function known(state: DurableState, { problem_id }: About): Campaign {
  const campaign = state.campaigns.get(problem_id);
  if (!campaign) throw new Error(`campaign ${problem_id} is not there`);
  return campaign;
}
