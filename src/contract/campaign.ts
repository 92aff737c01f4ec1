/** Campaigns, as `/v1/campaigns` shows them. */
import type { CampaignError, CampaignMode, CampaignPhase, CampaignStop, Goal } from '../model/campaign.js';

export interface ListedCampaignJson {
  /** That of its problem. */
  readonly campaign_id: string;
  /** The problem is there from the first iteration on. */
  readonly problem_id: string;
  readonly name: string;
  readonly project: string;
  readonly graph: string;
  /** Of all its iterations. */
  readonly graph_version: number;
  readonly phase: CampaignPhase;
  readonly mode: CampaignMode;
  readonly paused: boolean;
  /** That it waits for; `null` without one. */
  readonly deployment: CampaignDeploymentJson | null;
  /** So many have begun. */
  readonly iterations: number;
  readonly max_iterations: number;
  /** Iterations that have begun, and whose end has not been taken in. */
  readonly running: readonly number[];
  /** Iterations that a person has asked for and that have not begun. */
  readonly steps: number;
  /** Modules without a ready node, while it is initializing. */
  readonly waits_for: readonly string[];
  readonly best: BestJson | null;
  /** Why no further iteration begins. */
  readonly ended_by: CampaignStop | null;
  readonly error: CampaignError | null;
  readonly deadline: string | null;
  /** When the next iteration may begin; `null` without a schedule, and once none begins any longer. */
  readonly next_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly ended_at: string | null;
}

export interface CampaignDeploymentJson {
  readonly deployment_id: string;
  readonly name: string;
  /** It was brought up for the campaign, and is taken down when that ends. */
  readonly own: boolean;
}

export interface BestJson {
  readonly iteration_id: number;
  /** Of the objective. */
  readonly value: number;
  /** Of that iteration; `null` where it has been removed, or is a blob. Lists do not show it. */
  readonly input?: unknown;
}

export interface CampaignJson extends ListedCampaignJson {
  /** What the points are put into. */
  readonly input: unknown;
  readonly policy: CampaignPolicyJson;
  readonly schedule: { readonly cron: string; readonly time_zone: string } | null;
}

/** As it was asked for, with all defaults. */
export interface CampaignPolicyJson {
  readonly mode: CampaignMode;
  readonly propose: Readonly<Record<string, unknown>>;
  readonly until: string | null;
  readonly max_iterations: number;
  readonly max_parallel: number;
  readonly deadline: string | null;
  readonly initializing_deadline_ms: number;
  readonly objective: {
    readonly field: string;
    readonly goal: Goal;
    readonly min_improvement: number | null;
  } | null;
  readonly stop_on_failure: boolean;
}
