/**
 * `optimize_carbon_footprint_auto`: a problem of its own that is iterated on by a campaign, each time from the result before, until its footprint
 * reaches `desired_carbon_footprint` or an iteration lowers it by less than 5 %.
 *
 * A1. The front end gets the name of the first iteration once that has begun.
 * A2. Whether another iteration follows is said once the campaign has begun it, or never will.
 */
import { CAMPAIGN_ENDS, type CampaignError, type CampaignPhase } from '../../src/model/campaign.js';
import type { TaskId } from '../../src/model/task-id.js';
import type { View, Workspace } from '../../src/orchestrator/port.js';
import { Refused, refusedBy } from './refused.js';
import { extraFields, MOST_OUTPUTS } from './user-input.js';
import { CARBON_FOOTPRINT, CLIENT, GRAPH, nodeOf } from './words.js';

const FOOTPRINT = `${nodeOf(CARBON_FOOTPRINT)!.module}.carbon_footprint`;
const LEAST_IMPROVEMENT = 0.05;
/** `desired_carbon_footprint` is for a million inferences; an input that names no number of inferences is for as many. */
const INFERENCES = 1_000_000;
/** The front end waits for its answer as long as no node is ready. */
const READY_WITHIN = '30s';

interface Campaign {
  readonly iterations: number;
  readonly phase: CampaignPhase;
  readonly error: CampaignError | null;
}

export class Optimizations {
  readonly #coordinator: Pick<Workspace, 'request' | 'queries' | 'events'>;
  readonly #stopped = new AbortController();

  constructor(coordinator: Pick<Workspace, 'request' | 'queries' | 'events'>) {
    this.#coordinator = coordinator;
  }

  /** Refuses all who wait. */
  stop(): void {
    this.#stopped.abort(new Refused(503, 'stopping', 'The orchestrator is being stopped.'));
  }

  /** A1. Returns the id of its problem. Throws `Refused`. */
  async begin(input: View, title: string): Promise<string> {
    const answer = await this.#coordinator.request({
      ...{ kind: 'run_campaign', name: title, graph: GRAPH, input, client: CLIENT },
      policy: {
        mode: 'automated',
        propose: { repeat: true },
        max_iterations: MOST_OUTPUTS,
        until: until(input),
        objective: { field: FOOTPRINT, goal: 'min', min_improvement: LEAST_IMPROVEMENT },
        initializing_deadline: READY_WITHIN,
      },
    });
    if (!answer.ok) throw refusedBy(answer);
    const id = String(answer.body.campaign_id);
    const begun = await this.#until(id, (campaign) =>
      campaign.iterations > 0 || beginsNoMore(campaign) ? campaign : undefined,
    );
    if (begun.iterations > 0) return id;
    const { type, context } = begun.error ?? {
      type: 'campaign_ended',
      context: { message: 'It was ended.' },
    };
    throw new Refused(409, type, context.message);
  }

  /** Whether the problem is iterated on by a campaign that has not ended. */
  async isUnderWay(problemId: string): Promise<boolean> {
    const campaign = await this.#read(problemId);
    return campaign !== undefined && !beginsNoMore(campaign);
  }

  /** A2. Nothing where no campaign has begun this iteration. */
  async hasNext({ problemId, iterationId }: TaskId): Promise<boolean | undefined> {
    if ((await this.#read(problemId)) === undefined) return undefined;
    return this.#until(problemId, (campaign) => {
      if (campaign.iterations > iterationId) return true;
      return beginsNoMore(campaign) ? false : undefined;
    });
  }

  /** The campaign of a problem, if one is under way. Its iterations are stopped. */
  async abort(problemId: string): Promise<void> {
    if (!(await this.isUnderWay(problemId))) return;
    const request = { kind: 'command_campaign', campaignId: problemId, command: 'abort' } as const;
    const answer = await this.#coordinator.request(request);
    // It may have ended meanwhile.
    if (!answer.ok && answer.kind !== 'conflict') throw refusedBy(answer);
  }

  /** Nothing where the problem is not that of a campaign. */
  async #read(problemId: string): Promise<Campaign | undefined> {
    const found = await this.#coordinator.queries.campaign(problemId);
    if (!('ok' in found)) return found.value;
    if (found.kind === 'not_found') return undefined;
    throw refusedBy(found);
  }

  /** The first thing that `done` makes of it. The wait is armed before it is read, so that no change is missed. */
  async #until<T>(problemId: string, done: (campaign: Campaign) => T | undefined): Promise<T> {
    const { signal } = this.#stopped;
    for (;;) {
      signal.throwIfAborted();
      const change = this.#nextChange(problemId);
      try {
        const campaign = await this.#read(problemId);
        if (!campaign) throw new Refused(404, 'unknown_task', 'The problem has been removed.');
        const value = done(campaign);
        if (value !== undefined) return value;
        await change.happened;
      } finally {
        change.forget();
      }
    }
  }

  #nextChange(problemId: string): { readonly happened: Promise<void>; readonly forget: () => void } {
    const { signal } = this.#stopped;
    let forget = (): void => undefined;
    const happened = new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      const unsubscribe = this.#coordinator.events.onCommitted((events) => {
        if (events.some((event) => event.problemId === problemId)) resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
      forget = () => {
        unsubscribe();
        signal.removeEventListener('abort', onAbort);
      };
    });
    // Where nobody waits for it any longer, nobody is to hear of its end.
    happened.catch(() => undefined);
    return { happened, forget };
  }
}

/** Asked for, and not already the iteration of a problem that somebody else iterates on. */
export function isOptimized(input: View): boolean {
  return input.optimize_carbon_footprint_auto === true;
}

function until({ desired_carbon_footprint: desired, extra_data }: View): string {
  // An iteration for which no model is left fails.
  const failed = 'state = "failed"';
  if (!(typeof desired === 'number' && desired > 0)) return failed;
  const { inferences: given } = extraFields(extra_data);
  const inferences = typeof given === 'number' && given > 0 ? given : INFERENCES;
  return `${FOOTPRINT} <= ${(desired * inferences) / INFERENCES} or ${failed}`;
}

function beginsNoMore({ phase }: Campaign): boolean {
  return phase === 'finalizing' || CAMPAIGN_ENDS.some((end) => end === phase);
}
