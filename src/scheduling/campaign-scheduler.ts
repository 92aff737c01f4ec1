/**
 * Plans what a campaign does next, by its policy and by what is known of its iterations. Pure; each plan is carried out at once, and what it changes
 * leads to the next.
 *
 * K1. An iteration's end is judged once, before anything else that follows from it.
 * K2. Points begin in the order of their numbers, and of a module's proposals one at a time.
 * K3. What ends a campaign is decided in one order: the deadline, a failure, what is good enough, what there is left to try.
 * K4. With a schedule, one iteration begins at each of its times: at once where it could not begin then.
 * K5. A campaign ends only after nothing of it is under way, and what it has brought up is taken down or cannot be.
 */
import {
  type Campaign,
  type CampaignError,
  type CampaignOutcome,
  type CampaignStop,
  improvementOf,
  isBetter,
  type Judgement,
} from '../model/campaign.js';
import { type DeploymentState, type Direction, isUnderWay } from '../model/deployment.js';

/** What has to be read before it can be decided. */
export type CampaignQuestion =
  | { readonly kind: 'judge'; readonly iterationId: number }
  /** The input of the point with this number. */
  | { readonly kind: 'point'; readonly number: number }
  /** What the proposer is given. */
  | { readonly kind: 'history'; readonly number: number }
  /** What its newest task has said. */
  | { readonly kind: 'proposed'; readonly number: number }
  /** How its deployment is taken down. `number`: of the operation before that. */
  | { readonly kind: 'undeploy'; readonly number: number };

/** An input that an iteration can begin with, or the reason why there is none. */
export type Proposed =
  | { readonly kind: 'input' }
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly error: CampaignError };

/** Of the deployment that it waits for. */
export interface DeploymentView {
  readonly name: string;
  /** It is taken down at the end. */
  readonly isOwn: boolean;
  /** `gone`: it is no longer known. */
  readonly state: DeploymentState | 'gone';
  readonly direction: Direction;
  /** The number of its newest operation. */
  readonly operationId: number;
  /** Why it has failed. */
  readonly message?: string;
}

/** The nodes of the modules that it needs. */
export interface Readiness {
  /** Modules without a ready node. */
  readonly missing: readonly string[];
  /** One that is missing, and whose node is in error. */
  readonly error?: CampaignError;
}

/** The observed state of a campaign. What is not known yet is to be looked up. */
export interface CampaignView {
  readonly campaign: Campaign;
  readiness(): Readiness;
  /** Nothing where it needs none. */
  readonly deployment: DeploymentView | undefined;
  isUnderWay(iterationId: number): boolean;
  /** Whether the proposer's newest task is. */
  readonly isProposing: boolean;
  /** So many more tasks memory has room for. */
  readonly room: number;
  judgementOf(iterationId: number): Judgement | undefined;
  proposed(question: CampaignQuestion): Proposed | undefined;
  /** Whether the answer to `undeploy` is there. */
  canUndeploy(question: CampaignQuestion): boolean;
}

export type CampaignStep =
  | { readonly kind: 'miss'; readonly modules: readonly string[] }
  | { readonly kind: 'run' }
  | { readonly kind: 'look up'; readonly question: CampaignQuestion }
  | { readonly kind: 'judge'; readonly iterationId: number; readonly judgement: Judgement }
  | { readonly kind: 'ask'; readonly question: CampaignQuestion }
  | { readonly kind: 'begin'; readonly question: CampaignQuestion }
  | { readonly kind: 'close'; readonly why: CampaignStop }
  | { readonly kind: 'finalize'; readonly outcome: CampaignOutcome }
  /** Everything that is still under way. */
  | { readonly kind: 'stop' }
  /** The operation of its deployment that goes on is. */
  | { readonly kind: 'cancel deployment' }
  | { readonly kind: 'undeploy'; readonly question: CampaignQuestion }
  | { readonly kind: 'end'; readonly outcome: CampaignOutcome };

export interface CampaignPlan {
  readonly steps: readonly CampaignStep[];
  /** Look at it again at this moment. */
  readonly followUpMs: number | undefined;
}

/** Points that are looked up at once: each is an input in memory. */
const POINTS_AT_ONCE = 16;
/** Some tasks will have ended by then. */
const ROOM_AGAIN_MS = 5000;
/** An operation that could not begin is tried again after that. */
const UNDEPLOY_AGAIN_MS = 5000;

export function scheduleCampaign(view: CampaignView, nowMs: number): CampaignPlan {
  return new CampaignPlanner(view, nowMs).plan();
}

class CampaignPlanner {
  readonly #view: CampaignView;
  readonly #campaign: Campaign;
  readonly #nowMs: number;
  readonly #steps: CampaignStep[] = [];
  #followUpMs: number | undefined;

  constructor(view: CampaignView, nowMs: number) {
    this.#view = view;
    this.#campaign = view.campaign;
    this.#nowMs = nowMs;
  }

  plan(): CampaignPlan {
    const { standing } = this.#campaign;
    switch (standing.kind) {
      case 'initializing':
        this.#initialize(standing.until.dueMs, standing.missing);
        break;
      case 'running':
        this.#run(standing.stop);
        break;
      case 'finalizing':
        this.#finalize(standing.outcome);
        break;
      case 'ended':
        break;
      default:
        standing satisfies never;
    }
    return { steps: this.#steps, followUpMs: this.#followUpMs };
  }

  #initialize(untilMs: number, known: readonly string[]): void {
    const outcome = this.#endBefore(untilMs);
    if (outcome) this.#steps.push({ kind: 'finalize', outcome });
    else {
      const { missing } = this.#view.readiness();
      if (missing.length === 0 && this.#isDeployed()) this.#steps.push({ kind: 'run' });
      else if (missing.join(' ') !== known.join(' ')) this.#steps.push({ kind: 'miss', modules: missing });
    }
  }

  /** K3. What ends it before it runs. */
  #endBefore(untilMs: number): CampaignOutcome | undefined {
    if (this.#isPastDeadline()) return { kind: 'completed', by: 'deadline' };
    const notDeployed = this.#deploymentError();
    if (notDeployed) return { kind: 'errored', error: notDeployed };
    const { missing, error } = this.#view.readiness();
    if (missing.length === 0 && this.#isDeployed()) return undefined;
    // The nodes of a deployment that is being brought up may be in error on their way.
    if (error && this.#isDeployed()) return { kind: 'errored', error };
    if (!this.#isDue(untilMs)) return undefined;
    const late = this.#isDeployed()
      ? `no node was ready in time for ${missing.join(', ')}`
      : `deployment ${this.#view.deployment?.name} was not deployed in time`;
    const context = { modules: missing, message: late };
    return { kind: 'errored', error: { type: 'initializing_deadline', scope: 'initializing', context } };
  }

  #isDeployed(): boolean {
    const { deployment } = this.#view;
    return deployment === undefined || deployment.state === 'deployed';
  }

  /** Of one that will not be deployed. */
  #deploymentError(): CampaignError | undefined {
    const { deployment } = this.#view;
    if (!deployment || deployment.state === 'deployed' || isBusy(deployment)) return undefined;
    const { name, state, message } = deployment;
    const why = message === undefined ? '' : `: ${message}`;
    const context = { deployment: name, message: `deployment ${name} is ${state}${why}` };
    return { type: 'deployment_failed', scope: 'initializing', context };
  }

  #run(stop: CampaignStop | undefined): void {
    if (this.#isPastDeadline()) {
      this.#complete('deadline');
      return;
    }
    const closing = this.#judge();
    if (closing?.kind === 'failed') this.#fail(closing.error);
    else if (closing && stop === undefined) this.#steps.push({ kind: 'close', why: closing.why });
    // What has been judged just now is open until then.
    if (this.#steps.length > 0) return;
    if (stop === undefined) this.#propose();
    else if (this.#campaign.open.size === 0) this.#complete(stop);
  }

  /** K1, K3. */
  #judge(): Closing | undefined {
    const { rules } = this.#campaign;
    let best = this.#campaign.best?.value;
    let closing: Closing | undefined;
    for (const iterationId of this.#campaign.open) {
      if (this.#view.isUnderWay(iterationId)) continue;
      const judgement = this.#view.judgementOf(iterationId);
      if (!judgement) {
        this.#lookUp({ kind: 'judge', iterationId });
        continue;
      }
      this.#steps.push({ kind: 'judge', iterationId, judgement });
      const { state, value, holds } = judgement;
      if (state === 'failed' && rules.stopOnFailure) return failedBy(iterationId, judgement);
      if (holds) closing = { kind: 'closing', why: 'until' };
      if (value === undefined || rules.goal === undefined) continue;
      if (best !== undefined && rules.minImprovement !== undefined)
        if (improvementOf(rules.goal, value, best) < rules.minImprovement)
          closing ??= { kind: 'closing', why: 'improvement' };
      if (isBetter(rules.goal, value, best)) best = value;
    }
    return closing;
  }

  /** K2, K4. */
  #propose(): void {
    const { rules, begun, open, isPaused, steps } = this.#campaign;
    const left = rules.maxIterations - begun;
    if (left <= 0) {
      this.#steps.push({ kind: 'close', why: 'max_iterations' });
      return;
    }
    const asked = rules.mode === 'interactive' ? steps : left;
    const wanted = isPaused ? 0 : Math.min(left, asked, rules.maxParallel - open.size);
    if (wanted <= 0 || !this.#isTime()) return;
    if (this.#view.room === 0) {
      this.#isDue(this.#nowMs + ROOM_AGAIN_MS);
      return;
    }
    if (rules.proposer === 'module') this.#proposeByModule(begun + 1);
    else
      this.#proposePoints(begun + 1, Math.min(rules.schedule ? 1 : wanted, this.#view.room, POINTS_AT_ONCE));
  }

  #isTime(): boolean {
    const { rules, next } = this.#campaign;
    return rules.schedule === undefined || (next !== undefined && this.#isDue(next.dueMs));
  }

  #proposePoints(first: number, count: number): void {
    const questions = Array.from({ length: count }, (_, index) => pointQuestion(first + index));
    for (const question of questions) {
      const proposed = this.#view.proposed(question);
      if (proposed?.kind === 'input') this.#steps.push({ kind: 'begin', question });
      else {
        // Those that follow are read together with it.
        if (this.#steps.length > 0) return;
        if (!proposed) for (const one of questions) this.#lookUp(one);
        else this.#beginWith(question, proposed);
        return;
      }
    }
  }

  #proposeByModule(number: number): void {
    if (this.#view.isProposing) return;
    const isAsked = this.#campaign.proposal?.isAsked === true;
    const question: CampaignQuestion = { kind: isAsked ? 'proposed' : 'history', number };
    const found = this.#view.proposed(question);
    if (!found) this.#lookUp(question);
    else if (isAsked || found.kind === 'bad') this.#beginWith(question, found);
    else this.#steps.push({ kind: 'ask', question });
  }

  #beginWith(question: CampaignQuestion, proposed: Proposed): void {
    if (proposed.kind === 'input') this.#steps.push({ kind: 'begin', question });
    else if (proposed.kind === 'none') this.#steps.push({ kind: 'close', why: 'proposals' });
    else this.#fail(proposed.error);
  }

  /** K5. */
  #finalize(outcome: CampaignOutcome): void {
    const { open } = this.#campaign;
    const underWay = [...open].filter((iterationId) => this.#view.isUnderWay(iterationId));
    if (underWay.length > 0 || this.#view.isProposing) this.#steps.push({ kind: 'stop' });
    for (const iterationId of open) {
      if (underWay.includes(iterationId)) continue;
      const judgement = this.#view.judgementOf(iterationId);
      if (judgement) this.#steps.push({ kind: 'judge', iterationId, judgement });
      else this.#lookUp({ kind: 'judge', iterationId });
    }
    if (open.size === 0 && !this.#view.isProposing) this.#takeDown(outcome);
  }

  /** K5. */
  #takeDown(outcome: CampaignOutcome): void {
    const { deployment } = this.#view;
    if (!deployment?.isOwn || deployment.state === 'gone' || deployment.state === 'undeployed') {
      this.#steps.push({ kind: 'end', outcome });
      return;
    }
    const { name, direction, message = 'it gives no reason' } = deployment;
    if (isBusy(deployment)) {
      if (direction === 'up') this.#steps.push({ kind: 'cancel deployment' });
    } else if (direction === 'up') {
      const question: CampaignQuestion = { kind: 'undeploy', number: deployment.operationId };
      this.#isDue(this.#nowMs + UNDEPLOY_AGAIN_MS);
      if (this.#view.canUndeploy(question)) this.#steps.push({ kind: 'undeploy', question });
      else this.#lookUp(question);
    } else if (outcome.kind === 'completed') {
      const context = { deployment: name, message: `deployment ${name} could not be undeployed: ${message}` };
      this.#fail({ type: 'undeploy_failed', scope: 'finalizing', context });
    } else {
      this.#steps.push({ kind: 'end', outcome });
    }
  }

  #lookUp(question: CampaignQuestion): void {
    this.#steps.push({ kind: 'look up', question });
  }

  #complete(by: CampaignStop): void {
    this.#steps.push({ kind: 'finalize', outcome: { kind: 'completed', by } });
  }

  #fail(error: CampaignError): void {
    this.#steps.push({ kind: 'finalize', outcome: { kind: 'errored', error } });
  }

  #isPastDeadline(): boolean {
    const { deadline } = this.#campaign;
    return deadline !== undefined && this.#isDue(deadline.dueMs);
  }

  /** Whether the moment has come; if not, the campaign is looked at again when it does. */
  #isDue(atMs: number): boolean {
    if (atMs <= this.#nowMs) return true;
    this.#followUpMs = Math.min(atMs, this.#followUpMs ?? Number.POSITIVE_INFINITY);
    return false;
  }
}

type Closing =
  | { readonly kind: 'closing'; readonly why: CampaignStop }
  | { readonly kind: 'failed'; readonly error: CampaignError };

/** Whether an operation of it is under way. */
function isBusy({ state }: DeploymentView): boolean {
  return state !== 'gone' && isUnderWay({ state });
}

function pointQuestion(number: number): CampaignQuestion {
  return { kind: 'point', number };
}

function failedBy(iterationId: number, { message = 'it failed' }: Judgement): Closing {
  return {
    kind: 'failed',
    error: {
      ...{ type: 'iteration_failed', scope: 'iteration' },
      context: { iteration_id: iterationId, message },
    },
  };
}
