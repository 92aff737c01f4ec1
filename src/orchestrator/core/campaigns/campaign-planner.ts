/**
 * Campaigns are compared with what is known of their iterations, and what the scheduler proposes is carried out in the same batch.
 *
 * 1. One evaluation of a campaign at a time; what has changed meanwhile is one more.
 * 2. An iteration begins in the same commit that says it has: nothing begins twice.
 * 3. A scheduler that keeps throwing over a campaign ends it as errored; everything else goes on.
 */
import { type Campaign, campaignHasEnded } from '../../../model/campaign.js';
import { formatTaskId } from '../../../model/task-id.js';
import {
  type CampaignStep,
  type CampaignView,
  scheduleCampaign,
} from '../../../scheduling/campaign-scheduler.js';
import { emit } from '../emit.js';
import { evaluateDue } from '../evaluate-due.js';
import { campaignLookUpKey } from '../state.js';
import { stopTask } from '../tasks/stop-task.js';
import type { Turn } from '../turn.js';
import { askProposer, beginIteration } from './begin.js';
import { finalize } from './campaigns.js';
import { cancelDeployment, deploymentOf, undeploy } from './deployment.js';
import { readinessOf } from './readiness.js';

/** Evaluates all campaigns that are due. Whether there were any: tasks may have to be evaluated anew. */
export function scheduleCampaigns(turn: Turn, onError: (thrown: unknown) => void): boolean {
  const { state } = turn;
  takeLookUps(turn);
  return evaluateDue<Campaign>(turn, state.campaignBroker, {
    find(id) {
      const campaign = state.campaigns.get(id);
      return campaign && !campaignHasEnded(campaign) ? campaign : undefined;
    },
    evaluate(campaign) {
      const plan = scheduleCampaign(viewOf(turn, campaign), turn.nowMs);
      for (const step of plan.steps) carryOut(turn, campaign, step);
      noteAwaiting(turn, campaign.id);
      return plan;
    },
    giveUp: (campaign, why) =>
      abandon(turn, campaign, `the scheduler could not work on this campaign: ${why}`),
    onError,
  });
}

/** 3. One that is ending already is left as it is. */
function abandon(turn: Turn, campaign: Campaign, message: string): void {
  if (campaign.standing.kind === 'finalizing') throw new Error(message);
  const error = { type: 'scheduler_failed', scope: 'campaign', context: { message } } as const;
  finalize(turn, campaign, { kind: 'errored', error });
}

/** Those that were read for this batch. */
function takeLookUps({ state, loaded }: Turn): void {
  for (const [key, { campaignId }] of state.campaignLookUps) {
    if (!loaded.campaigns.has(key)) continue;
    state.undo.remove(state.campaignLookUps, key);
    state.evaluateCampaign(campaignId);
  }
}

/** Nodes wake it while it waits for them. */
function noteAwaiting({ state }: Turn, key: string): void {
  if (state.campaigns.get(key)?.standing.kind === 'initializing') state.undo.add(state.awaiting, key);
  else state.undo.drop(state.awaiting, key);
}

function viewOf({ state, loaded, settings }: Turn, campaign: Campaign): CampaignView {
  const { id, proposal } = campaign;
  return {
    campaign,
    readiness: () => readinessOf(state, campaign),
    deployment: deploymentOf(state, campaign),
    isUnderWay: (iterationId) => state.tasks.has(formatTaskId({ problemId: id, iterationId })),
    isProposing: proposal !== undefined && state.tasks.has(proposal.taskKey),
    room: Math.max(0, settings.maxTasks - state.tasks.size),
    judgementOf(iterationId) {
      const found = loaded.campaigns.get(campaignLookUpKey(id, { kind: 'judge', iterationId }));
      return found?.kind === 'judgement' ? found.judgement : undefined;
    },
    proposed(question) {
      const found = loaded.campaigns.get(campaignLookUpKey(id, question));
      return found?.kind === 'judgement' || found?.kind === 'operation' ? undefined : found;
    },
    canUndeploy: (question) => loaded.campaigns.get(campaignLookUpKey(id, question))?.kind === 'operation',
  };
}

function carryOut(turn: Turn, campaign: Campaign, step: CampaignStep): void {
  const { id: problem_id, name } = campaign;
  const about = { problem_id, campaign: name };
  switch (step.kind) {
    case 'miss':
      emit(turn, { type: 'campaign.missing', problem_id, modules: step.modules });
      return;
    case 'run':
      emit(turn, { type: 'campaign.running', ...about });
      return;
    case 'look up': {
      const { undo, campaignLookUps } = turn.state;
      const { question } = step;
      undo.put(campaignLookUps, campaignLookUpKey(problem_id, question), {
        campaignId: problem_id,
        question,
      });
      turn.journal.hurry();
      return;
    }
    case 'judge': {
      const { state, value } = step.judgement;
      const of = { problem_id, iteration_id: step.iterationId };
      emit(turn, { type: 'campaign.judged', ...of, state, ...(value !== undefined && { value }) });
      return;
    }
    case 'ask':
      askProposer(turn, campaign, step.question);
      return;
    case 'begin':
      beginIteration(turn, campaign, step.question);
      return;
    case 'close':
      emit(turn, { type: 'campaign.closed', problem_id, why: step.why });
      return;
    case 'finalize':
      finalize(turn, campaign, step.outcome);
      return;
    case 'stop':
      stopAll(turn, campaign);
      return;
    case 'cancel deployment':
      cancelDeployment(turn, campaign);
      return;
    case 'undeploy':
      undeploy(turn, campaign, step.question);
      return;
    case 'end':
      end(turn, campaign, step.outcome);
      return;
    default:
      step satisfies never;
  }
}

function end(
  turn: Turn,
  { id: problem_id, name, begun: iterations }: Campaign,
  outcome: Extract<CampaignStep, { kind: 'end' }>['outcome'],
): void {
  const about = { problem_id, campaign: name, iterations };
  if (outcome.kind === 'completed')
    emit(turn, { type: 'campaign.completed', ...about, ended_by: outcome.by });
  else if (outcome.kind === 'errored')
    emit(turn, { type: 'campaign.errored', ...about, error: outcome.error });
  else emit(turn, { type: 'campaign.aborted', ...about });
}

/** Its iterations, and what its proposer does for it; each is told once. */
function stopAll(turn: Turn, { id, name, open, proposal }: Campaign): void {
  const keys = [...open].map((iterationId) => formatTaskId({ problemId: id, iterationId }));
  if (proposal) keys.push(proposal.taskKey);
  for (const key of keys) {
    const task = turn.state.tasks.get(key);
    if (task?.desired === 'ended') stopTask(turn, task, 'stop', `campaign ${name} is ending`);
  }
}
