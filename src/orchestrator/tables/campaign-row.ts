/** Campaigns as they are stored. */
import type {
  Campaign,
  CampaignOutcome,
  CampaignRules,
  CampaignStanding,
  CampaignStop,
  Due,
} from '../../model/campaign.js';
import type { Clocks } from './module-from-row.js';
import { projectOfRow, storedProject } from './row.js';

/** What it was asked for is in `campaign_specs`, but for what deciding takes. */
export interface CampaignRow {
  readonly campaign_id: string;
  readonly name: string;
  readonly project?: string | undefined;
  readonly graph: string;
  readonly graph_version: number;
  readonly rules: CampaignRules;
  readonly phase: CampaignStanding['kind'];
  /** While it is initializing. */
  readonly until?: number | undefined;
  readonly missing?: readonly string[] | undefined;
  readonly stop?: CampaignStop | undefined;
  readonly outcome?: CampaignOutcome | undefined;
  readonly deadline?: number | undefined;
  /** When the next iteration may begin, with a schedule. */
  readonly next_at?: number | undefined;
  readonly paused: boolean;
  readonly steps: number;
  readonly begun: number;
  readonly open: readonly number[];
  readonly proposal?: Campaign['proposal'] | undefined;
  readonly newest_succeeded?: number | undefined;
  readonly best?: Campaign['best'] | undefined;
  readonly created_at: number;
  readonly updated_at: number;
  readonly ended_at?: number | undefined;
}

/** Absent fields are left out by `JSON.stringify`. */
export function campaignToRow(campaign: Campaign): CampaignRow {
  const { id, name, project, graph, graphVersion, rules, standing, deadline, proposal, best } = campaign;
  return {
    ...{ campaign_id: id, name, project: storedProject(project), graph, graph_version: graphVersion, rules },
    phase: standing.kind,
    ...(standing.kind === 'initializing' && { until: standing.until.at, missing: standing.missing }),
    ...(standing.kind === 'running' && { stop: standing.stop }),
    ...('outcome' in standing && { outcome: standing.outcome }),
    ...{
      deadline: deadline?.at,
      next_at: campaign.next?.at,
      paused: campaign.isPaused,
      steps: campaign.steps,
    },
    ...{ begun: campaign.begun, open: [...campaign.open], proposal, best },
    newest_succeeded: campaign.newestSucceeded,
    ...{ created_at: campaign.createdAt, updated_at: campaign.updatedAt, ended_at: campaign.endedAt },
  };
}

/** Times of the clock of the previous process: what is to come has the time left that it had at the last record. */
export function campaignFromRow(row: CampaignRow, clocks: Clocks): Campaign {
  const { deadline, proposal, newest_succeeded: newestSucceeded, best, ended_at: endedAt } = row;
  return {
    ...{ id: row.campaign_id, name: row.name, project: projectOfRow(row), graph: row.graph },
    ...{ graphVersion: row.graph_version, rules: row.rules, standing: standingOf(row, clocks) },
    ...(deadline !== undefined && { deadline: byWallClock(deadline, clocks) }),
    ...(row.next_at !== undefined && { next: byWallClock(row.next_at, clocks) }),
    ...{ isPaused: row.paused, steps: row.steps, begun: row.begun, open: new Set(row.open) },
    ...(proposal && { proposal }),
    ...(newestSucceeded !== undefined && { newestSucceeded }),
    ...(best && { best }),
    ...{ createdAt: row.created_at, updatedAt: row.updated_at },
    ...(endedAt !== undefined && { endedAt }),
  };
}

function standingOf(row: CampaignRow, clocks: Clocks): CampaignStanding {
  const { phase, until = row.created_at, missing = [], stop, outcome } = row;
  switch (phase) {
    case 'initializing':
      return { kind: phase, until: leftOf(until, clocks), missing };
    case 'running':
      return { kind: phase, ...(stop !== undefined && { stop }) };
    case 'finalizing':
    case 'ended':
      return { kind: phase, outcome: outcome! };
    default:
      return phase satisfies never;
  }
}

/** A time that somebody has named. */
function byWallClock(at: number, { nowMs, wallMs }: Clocks): Due {
  return { at, dueMs: nowMs + at - wallMs };
}

/** The time without an orchestrator does not count: no node could get ready. */
function leftOf(at: number, { nowMs, wallMs, lastMs = wallMs }: Clocks): Due {
  return { at, dueMs: nowMs + Math.max(0, at - lastMs) };
}
