/**
 * Campaigns: problems whose iterations run themselves, by a policy.
 *
 * C1. The phases follow each other as `campaignMayBecome` says. Finalizing always comes before the end, also after a failure.
 * C2. The number of a point is that of its iteration: nobody else begins iterations of the problem before the campaign has ended.
 * C3. An iteration is *open* from its beginning until its end has been judged, which happens once.
 */
import type { TaskEnd } from './task-state.js';

export const CAMPAIGN_PHASES = [
  'initializing',
  'running',
  'finalizing',
  'completed',
  'aborted',
  'errored',
] as const;
export type CampaignPhase = (typeof CAMPAIGN_PHASES)[number];

/** How it can end. */
export const CAMPAIGN_ENDS = ['completed', 'aborted', 'errored'] as const;
export type CampaignEnd = (typeof CAMPAIGN_ENDS)[number];

/** `interactive`: each iteration waits for a person's `step`. */
export const CAMPAIGN_MODES = ['automated', 'interactive'] as const;
export type CampaignMode = (typeof CAMPAIGN_MODES)[number];

export const CAMPAIGN_COMMANDS = ['pause', 'resume', 'step', 'finish', 'abort'] as const;
export type CampaignCommand = (typeof CAMPAIGN_COMMANDS)[number];

export const GOALS = ['min', 'max'] as const;
export type Goal = (typeof GOALS)[number];

/** Why no further iteration begins: `proposals`: there is none left to try; `improvement`: the last one has improved too little. */
export const CAMPAIGN_STOPS = [
  'until',
  'improvement',
  'max_iterations',
  'proposals',
  'deadline',
  'finish',
] as const;
export type CampaignStop = (typeof CAMPAIGN_STOPS)[number];

/** What ends a campaign as errored. */
export const CAMPAIGN_ERRORS = [
  'initializing_deadline',
  'node_error',
  'deployment_failed',
  'undeploy_failed',
  'iteration_failed',
  'bad_proposal',
  'proposer_failed',
  'scheduler_failed',
] as const;

export const CAMPAIGN_SCOPES = ['initializing', 'iteration', 'proposer', 'finalizing', 'campaign'] as const;

export interface CampaignError {
  readonly type: (typeof CAMPAIGN_ERRORS)[number];
  readonly scope: (typeof CAMPAIGN_SCOPES)[number];
  /** What it is about, and `message`. */
  readonly context: Readonly<Record<string, unknown>> & { readonly message: string };
}

/** One field of the input that varies, by its JSON pointer. */
export interface GridAxis {
  readonly at: string;
  /** Each as JSON, as it was given: `1.0` stays `1.0`. */
  readonly values: readonly string[];
}

export type RandomAxis = { readonly at: string } & (
  | { readonly values: readonly string[] }
  | { readonly min: number; readonly max: number; readonly log: boolean; readonly integer: boolean }
);

/** Where the inputs come from. */
export type Propose =
  | { readonly kind: 'repeat' }
  | { readonly kind: 'grid'; readonly axes: readonly GridAxis[] }
  | { readonly kind: 'random'; readonly axes: readonly RandomAxis[]; readonly seed: number }
  | { readonly kind: 'module'; readonly graph: string; readonly module: string };

export interface Objective {
  /** A field of an iteration, as filters name it. */
  readonly field: string;
  readonly goal: Goal;
  /** No further iteration begins once one improves the best by a smaller share than this. @default it may improve by any */
  readonly minImprovement?: number;
}

/** The deployment that a campaign waits for. */
export interface CampaignDeployment {
  readonly id: string;
  readonly name: string;
  /** It is brought up for the campaign, and taken down when that ends. */
  readonly isOwn: boolean;
}

/** When iterations may begin: one at each time, or later if the campaign cannot begin one then. Times that are missed count as one. */
export interface Schedule {
  /** Minute, hour, day, month, day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. */
  readonly cron: string;
  /** By its IANA name. */
  readonly timeZone: string;
}

/** A campaign as it was asked for; it never changes. */
export interface CampaignSpec {
  readonly graph: string;
  /** All iterations have this one. */
  readonly graphVersion: number;
  /** What the points are put into: JSON, as it was given. */
  readonly input: string;
  readonly mode: CampaignMode;
  readonly propose: Propose;
  /** A filter over an iteration. @default nothing is good enough */
  readonly until?: string;
  readonly objective?: Objective;
  /** Of a grid, at most the number of its points. */
  readonly maxIterations: number;
  readonly maxParallel: number;
  readonly initializingMs: number;
  /** Unix milliseconds. @default none */
  readonly deadlineAt?: number;
  readonly stopOnFailure: boolean;
  /** @default iterations begin one after the other */
  readonly schedule?: Schedule;
  readonly deployment?: CampaignDeployment;
  /** The program that has asked for it. */
  readonly client?: string;
}

/** A moment by both clocks. */
export interface Due {
  /** Unix milliseconds. */
  readonly at: number;
  readonly dueMs: number;
}

/** How it ends. */
export type CampaignOutcome =
  | { readonly kind: 'completed'; readonly by: CampaignStop }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'errored'; readonly error: CampaignError };

export type CampaignStanding =
  /** `missing`: modules without a ready node. */
  | { readonly kind: 'initializing'; readonly until: Due; readonly missing: readonly string[] }
  /** `stop`: no further iteration begins; those that are open end. */
  | { readonly kind: 'running'; readonly stop?: CampaignStop }
  /** What is still under way is stopped. */
  | { readonly kind: 'finalizing'; readonly outcome: CampaignOutcome }
  | { readonly kind: 'ended'; readonly outcome: CampaignOutcome };

/** As much of what was asked for as deciding takes. */
export interface CampaignRules {
  readonly mode: CampaignMode;
  readonly proposer: Propose['kind'];
  readonly maxIterations: number;
  readonly maxParallel: number;
  readonly stopOnFailure: boolean;
  readonly goal?: Goal;
  readonly minImprovement?: number;
  readonly schedule?: Schedule;
  readonly deployment?: CampaignDeployment;
  readonly client?: string;
}

export interface Campaign {
  /** That of its problem, which is there from the first iteration on. */
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly graph: string;
  readonly graphVersion: number;
  readonly rules: CampaignRules;
  readonly standing: CampaignStanding;
  readonly deadline?: Due;
  /** With a schedule: no iteration begins before. Nothing where no time is left. */
  readonly next?: Due;
  readonly isPaused: boolean;
  /** Iterations that a person has asked for and that have not begun. */
  readonly steps: number;
  /** So many iterations have begun. */
  readonly begun: number;
  /** C3. */
  readonly open: ReadonlySet<number>;
  /** The newest task of a module that proposes; `isAsked`: what it says has not been taken. */
  readonly proposal?: { readonly taskKey: string; readonly isAsked: boolean };
  readonly newestSucceeded?: number;
  readonly best?: { readonly iterationId: number; readonly value: number };
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endedAt?: number;
}

/** What has become of an iteration. */
export interface Judgement {
  readonly state: TaskEnd;
  /** Of the objective; nothing where there is no number. */
  readonly value?: number;
  /** Whether `until` holds. */
  readonly holds: boolean;
  /** Why it has failed. */
  readonly message?: string;
}

/** C1. */
const TRANSITIONS: Readonly<Record<CampaignPhase, readonly CampaignPhase[]>> = {
  initializing: ['running', 'finalizing'],
  running: ['finalizing'],
  // Somebody aborts what would have ended otherwise.
  finalizing: ['finalizing', 'completed', 'aborted', 'errored'],
  completed: [],
  aborted: [],
  errored: [],
};

export function campaignMayBecome(from: CampaignPhase, to: CampaignPhase): boolean {
  return TRANSITIONS[from].includes(to);
}

export function phaseOfCampaign({ standing }: Pick<Campaign, 'standing'>): CampaignPhase {
  return standing.kind === 'ended' ? standing.outcome.kind : standing.kind;
}

export function campaignHasEnded({ standing }: Pick<Campaign, 'standing'>): boolean {
  return standing.kind === 'ended';
}

export function rulesOf(spec: CampaignSpec): CampaignRules {
  const { mode, propose, maxIterations, maxParallel, stopOnFailure, objective } = spec;
  const { schedule, deployment, client } = spec;
  return {
    ...{ mode, proposer: propose.kind, maxIterations, maxParallel, stopOnFailure },
    ...(schedule && { schedule }),
    ...(deployment && { deployment }),
    ...(client !== undefined && { client }),
    ...(objective && { goal: objective.goal }),
    ...(objective?.minImprovement !== undefined && { minImprovement: objective.minImprovement }),
  };
}

/** Whether a value is better than the best so far; of equals, the first one stays. */
export function isBetter(goal: Goal, value: number, best: number | undefined): boolean {
  if (best === undefined) return true;
  return goal === 'min' ? value < best : value > best;
}

/** By which share of the best so far a value is better; negative where it is worse. */
export function improvementOf(goal: Goal, value: number, best: number): number {
  const gain = goal === 'min' ? best - value : value - best;
  return gain === 0 ? 0 : gain / Math.abs(best);
}
