/** Iterations of campaigns, and tasks of their proposers, as they begin. All that they need has been looked up. */
import type { Campaign } from '../../../model/campaign.js';
import { campaignGraphName } from '../../../model/campaign-graph.js';
import type { GraphKey } from '../../../model/graph.js';
import { BLOB_LEASE_MS } from '../../../model/limits.js';
import type { Problem } from '../../../model/problem.js';
import { parseTaskId } from '../../../model/task-id.js';
import type { CampaignQuestion } from '../../../scheduling/campaign-scheduler.js';
import { nextTime } from '../../../scheduling/cron.js';
import { problemFromRow } from '../../tables/problem-row.js';
import { storedProject } from '../../tables/row.js';
import { aboutTask } from '../about.js';
import { emit } from '../emit.js';
import { campaignLookUpKey } from '../state.js';
import { createTask } from '../tasks/create-task.js';
import { problemIn } from '../tasks/problem.js';
import type { FoundInput, Turn } from '../turn.js';

/** All iterations of campaigns are equals of what people submit without a priority. */
const PRIORITY = 50;

export function beginIteration(turn: Turn, campaign: Campaign, question: CampaignQuestion): void {
  const input = inputFor(turn, campaign, question);
  const { id, name, graph, graphVersion, rules } = campaign;
  const from = rules.client === undefined ? {} : { client: rules.client };
  const problem = problemFor(turn, campaign, { problemId: id, graph, title: name });
  const key: GraphKey = { name: graph, version: graphVersion };
  const { parent, prepared } = input;
  keepBlob(turn, input);
  const task = createTask(turn, problem, key, { parent, prepared, from });
  const nextAt = timeAfter(turn, campaign);
  emit(turn, {
    type: 'campaign.iterated',
    ...aboutTask(task),
    ...(nextAt !== undefined && { next_at: nextAt }),
  });
}

/** Times that have passed meanwhile count as one with that of this iteration. */
function timeAfter({ wallMs }: Turn, { rules: { schedule }, next }: Campaign): number | undefined {
  return schedule && nextTime(schedule, Math.max(wallMs, next?.at ?? wallMs));
}

/** Each campaign has one problem of its own for all that it asks its proposer. */
export function askProposer(turn: Turn, campaign: Campaign, question: CampaignQuestion): void {
  const input = inputFor(turn, campaign, question);
  const { id, name, proposal } = campaign;
  const graph = campaignGraphName(id);
  const before = proposal && parseTaskId(proposal.taskKey)?.problemId;
  const problem = problemFor(turn, campaign, {
    ...{ problemId: before ?? turn.ids.uuid(), graph, title: `${name}: proposals` },
    // It would stand among the problems of people.
    archived: true,
  });
  keepBlob(turn, input);
  const task = createTask(turn, problem, { name: graph, version: 1 }, { prepared: input.prepared, from: {} });
  emit(turn, { type: 'campaign.asked', problem_id: id, task_id: task.key });
}

function inputFor({ loaded }: Turn, { id }: Campaign, question: CampaignQuestion): FoundInput {
  const found = loaded.campaigns.get(campaignLookUpKey(id, question));
  if (found?.kind !== 'input') throw new Error('an iteration begins without an input that was looked up');
  return found;
}

/** As it is in memory or was stored, or a new one. */
function problemFor(
  turn: Turn,
  campaign: Campaign,
  made: {
    readonly problemId: string;
    readonly graph: string;
    readonly title: string;
    readonly archived?: true;
  },
): Problem {
  const { state, journal, loaded } = turn;
  const { problemId, ...about } = made;
  const row = loaded.problems.get(problemId);
  const known = problemIn(state, journal, problemId) ?? (row && problemFromRow(row));
  if (known) {
    if (!state.problems.has(problemId)) state.undo.put(state.problems, problemId, known);
    return known;
  }
  const project = storedProject(campaign.project);
  emit(turn, {
    type: 'problem.created',
    ...{ problem_id: problemId, ...(project !== undefined && { project }), iteration_id: 1 },
    ...{ priority: PRIORITY, ...about },
  });
  return state.problems.get(problemId)!;
}

/** Its file is there; from now on it is a blob. */
export function keepBlob(turn: Turn, { prepared, projects }: FoundInput): void {
  if (prepared.kind === 'inline') return;
  const { sha256, size } = prepared;
  const lease_until = turn.wallMs + BLOB_LEASE_MS;
  emit(turn, { type: 'blob.stored', sha256, size, lease_until, ...(projects && { projects }) });
}
