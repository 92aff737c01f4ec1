/** What happens to its iterations, to its proposer and to nodes wakes a campaign. */
import { campaignOfGraph } from '../../../model/campaign-graph.js';
import type { Fact } from '../../../model/facts.js';
import { formatTaskId } from '../../../model/task-id.js';
import type { Turn } from '../turn.js';

export function wakeCampaigns({ state, journal }: Turn, fact: Fact): void {
  switch (fact.type) {
    case 'campaign.initializing':
    case 'campaign.running':
    case 'campaign.finalizing':
    case 'campaign.paused':
    case 'campaign.resumed':
    case 'campaign.stepped':
    case 'campaign.asked':
    case 'campaign.iterated':
    case 'campaign.judged':
    case 'campaign.closed':
      state.evaluateCampaign(fact.problem_id);
      return;
    case 'iteration.succeeded':
    case 'iteration.failed':
    case 'iteration.cancelled':
    case 'iteration.aborted': {
      const { problem_id, iteration_id } = fact;
      if (state.campaigns.has(problem_id)) state.evaluateCampaign(problem_id);
      const key = formatTaskId({ problemId: problem_id, iterationId: iteration_id });
      const asking = campaignOfGraph(journal.ended.get(key)?.task.graph.key.name ?? '');
      if (asking !== undefined) state.evaluateCampaign(asking);
      return;
    }
    case 'deployment.started':
    case 'deployment.succeeded':
    case 'deployment.failed':
      for (const { id, rules } of state.campaigns.values())
        if (rules.deployment?.id === fact.problem_id) state.evaluateCampaign(id);
      return;
    case 'node.status':
    case 'node.turned':
      state.wakeAwaiting();
      return;
    default:
      return;
  }
}
