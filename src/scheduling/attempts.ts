/**
 * What follows from how the newest execution stands, of a module or of one of its items: another attempt, the end, or nothing yet.
 * A lost, preempted or rejected execution uses up no attempt.
 */
import type { ModuleSpec } from '../model/graph.js';
import type { ReportedError } from '../model/protocol.js';
import type { Execution } from '../model/task.js';

/** Deaths of distinct boots, unasked, after which a module is held to kill its nodes. */
export const POISON_LIMIT = 3;
/** A node that rejected an assignment is asked again, but not in a tight circle. */
export const REJECTED_PAUSE_MS = 500;

/** What has been tried so far. */
export interface Tried {
  readonly spec: ModuleSpec;
  /** Executions that failed or succeeded. */
  readonly attempts: number;
  /** Boots that died meanwhile. */
  readonly diedBoots: readonly string[];
  /** A lost execution is the end of it. */
  readonly isAttemptedOnce: boolean;
}

export type Next =
  | { readonly kind: 'succeed' }
  | { readonly kind: 'fail'; readonly error: ReportedError }
  | { readonly kind: 'pause'; readonly delayMs: number; readonly reason: string }
  /** Another one, at once. */
  | { readonly kind: 'again'; readonly reason: string }
  | { readonly kind: 'under way' };

const LOST: ReportedError = { code: 'node_lost', message: 'its agent has lost it', retryable: false };

export function nextOf(execution: Execution, tried: Tried): Next {
  const { observed, error, attempt } = execution;
  switch (observed) {
    case 'succeeded':
      return { kind: 'succeed' };
    case 'failed':
      return afterFailure(
        error ?? { code: 'unknown', message: 'the node gave no reason', retryable: true },
        tried,
      );
    case 'rejected':
      if (error && !error.retryable) return { kind: 'fail', error };
      return { kind: 'pause', delayMs: REJECTED_PAUSE_MS, reason: error?.message ?? 'the node rejected it' };
    case 'lost':
    case 'preempted':
    case 'cancelled': {
      const poisonous = poisonOf(tried);
      if (poisonous) return { kind: 'fail', error: poisonous };
      // A job is attempted once: nobody knows how far its script came. What follows a service's run, the service decides.
      if (observed === 'lost' && tried.isAttemptedOnce) return { kind: 'fail', error: error ?? LOST };
      const why = error ? `: ${error.message}` : '';
      return { kind: 'again', reason: `attempt ${attempt} was ${observed}${why}` };
    }
    case 'assigned':
    case 'accepted':
    case 'running':
      return { kind: 'under way' };
    default:
      return observed satisfies never;
  }
}

function afterFailure(error: ReportedError, { spec, attempts }: Tried): Next {
  if (!error.retryable || attempts >= spec.retry.attempts) return { kind: 'fail', error };
  return { kind: 'pause', delayMs: backoffMs(spec, attempts), reason: `${error.code}: ${error.message}` };
}

/** The error of what has killed too many of its nodes. */
export function poisonOf({ spec, diedBoots }: Pick<Tried, 'spec' | 'diedBoots'>): ReportedError | undefined {
  if (diedBoots.length < POISON_LIMIT) return undefined;
  const message = `${POISON_LIMIT} node processes died while they ran ${spec.name} for this task`;
  return { code: 'poisonous', message, retryable: false };
}

/** The pause before the next attempt, `attempts` of them having failed. */
export function backoffMs(spec: ModuleSpec, attempts: number): number {
  const { backoffMs, factor, maxBackoffMs } = spec.retry;
  return Math.min(maxBackoffMs, Math.round(backoffMs * factor ** Math.max(0, attempts - 1)));
}
