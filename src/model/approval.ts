/**
 * Approvals (`approve:`): modules that do no work. A person decides, and what follows gets the decision.
 *
 * A1. It waits as any module does, by data (`waiting.ts`): what it waits for is a decision.
 * A2. An approval that is granted puts out the decision; one that is denied is a failure, which no attempt repeats.
 */
import type { PayloadRef } from './payload.js';
import type { ReportedError } from './protocol.js';
import type { TaskId } from './task-id.js';

export const APPROVAL_ROLES = ['operator', 'author'] as const;
export type ApprovalRole = (typeof APPROVAL_ROLES)[number];

export const DECISIONS = ['approve', 'deny'] as const;
export type Decision = (typeof DECISIONS)[number];

export const MAX_MESSAGE_CHARACTERS = 1000;

/** The question of a graph to a person. */
export interface ApprovalSpec {
  /** Who may decide: callers of this role and of those above it. */
  readonly role: ApprovalRole;
  /** The question. */
  readonly message: string;
}

/** The type of what an approval puts out. */
export const APPROVAL_OUTPUT = 'json';
/** Its fields. */
export const DECISION_FIELDS = ['decision', 'by', 'reason', 'at'] as const;

/** The output of an approval, in the order of `DECISION_FIELDS`. */
export interface DecisionRecord {
  readonly decision: Decision;
  /** The name of the grant; nothing where nobody needs a token. */
  readonly by: string | null;
  readonly reason: string | null;
  /** RFC 3339, UTC. */
  readonly at: string;
}

export function decisionRecord(
  decision: Decision,
  { by, reason }: { readonly by?: string | undefined; readonly reason?: string | undefined },
  at: string,
): DecisionRecord {
  return { decision, by: by ?? null, reason: reason ?? null, at };
}

/** Whose payload a decision is. It is stored once for each time that the module was reset. */
export function decisionRef(
  { problemId, iterationId }: TaskId,
  module: string,
  generation: number,
): PayloadRef {
  return { problemId, iterationId, owner: `approval/${module}`, seq: generation + 1 };
}

/** A2. */
export function denial(reason: string | undefined): ReportedError {
  const message = reason === undefined ? 'it was denied' : `it was denied: ${reason}`;
  return { code: 'denied', message, retryable: false };
}
