/** Reads what campaigns go on with, right before the batch that it is for. */
import { readExactly } from '../../base/json/exact.js';
import { pointAt, withPoint } from '../../model/campaign-points.js';
import { parseTaskId } from '../../model/task-id.js';
import { taskHasEnded } from '../../model/task-state.js';
import type { CampaignQuestion } from '../../scheduling/campaign-scheduler.js';
import type { CampaignLookUp } from '../core/state.js';
import type { CampaignFound } from '../core/turn.js';
import type { ProblemRow } from '../tables/problem-row.js';
import { readProblem, readTask } from '../tables/read-rows.js';
import * as tables from '../tables/tables.js';
import { type CampaignLookUpDeps, inputOf } from './inputs.js';
import { judge } from './judging.js';
import { historyOf, proposedBy } from './proposer.js';

export interface CampaignAnswer {
  readonly found: CampaignFound;
  /** The problem that goes on with it, if it is there. */
  readonly problem?: ProblemRow | undefined;
}

/** Nothing where the campaign is gone, or it has to be looked up again. */
export async function lookUpCampaign(
  deps: CampaignLookUpDeps,
  {
    campaignId,
    question,
  }: CampaignLookUp & { readonly question: Exclude<CampaignQuestion, { kind: 'undeploy' }> },
): Promise<CampaignAnswer | undefined> {
  const campaign = deps.state.campaigns.get(campaignId);
  const spec = campaign && (await tables.campaignSpecs.get(deps.store, [campaignId]));
  const graph = spec && deps.state.graph(spec.graph, spec.graphVersion);
  if (!campaign || !spec || !graph) return undefined;
  const problem = await readProblem(deps.store, campaignId);
  switch (question.kind) {
    case 'judge': {
      const row = await readTask(deps.store, { problemId: campaignId, iterationId: question.iterationId });
      if (!row || !problem || !taskHasEnded(row.state)) return undefined;
      return { found: { kind: 'judgement', judgement: await judge(deps, spec, problem, row) } };
    }
    case 'point': {
      if (spec.propose.kind === 'module') return undefined;
      const point = pointAt(spec.propose, question.number);
      if (!point) return { found: { kind: 'none' } };
      const found = await inputOf(deps, { campaign, graph }, withPoint(readExactly(spec.input), point));
      return found && { found, problem };
    }
    case 'history': {
      const asked = parseTaskId(campaign.proposal?.taskKey ?? '')?.problemId;
      const found = await historyOf(deps, campaignId);
      return (
        found && { found, problem: asked === undefined ? undefined : await readProblem(deps.store, asked) }
      );
    }
    case 'proposed': {
      const found = await proposedBy(deps, { campaign, graph });
      return found && { found, problem };
    }
    default:
      return question satisfies never;
  }
}
