/**
 * Why a module waits, as data. The sentence for people stands beside it, as `reason` of the fact and as `waiting_reason` of the module.
 *
 * W1. What has to come from outside of the task is told apart by what would bring it: a person (`needsHelp`), or time.
 */
import type { ApprovalRole, ApprovalSpec } from './approval.js';
import type { ModuleState } from './execution.js';

export type Waiting =
  /** Its inputs, which are not there yet. */
  | { readonly code: 'inputs'; readonly inputs: readonly string[] }
  /** No node that takes work plays it with these labels. `misfit`: one does that was written against other types. */
  | {
      readonly code: 'no_node';
      readonly labels?: Readonly<Record<string, string>>;
      readonly misfit?: { readonly instance: string; readonly reason: string };
    }
  /** Its nodes are all busy. */
  | { readonly code: 'no_free_slot' }
  /** None of so many clusters can run its command, however idle. */
  | { readonly code: 'no_cluster'; readonly clusters: number }
  /** So many clusters can, and are busy. */
  | { readonly code: 'no_free_cluster'; readonly clusters: number }
  | { readonly code: 'no_secret'; readonly secret: string }
  /** A person's decision. */
  | {
      readonly code: 'approval';
      readonly role: ApprovalRole;
      readonly message: string;
      /** RFC 3339, UTC. */
      readonly requested_at: string;
    }
  /** A service, of which it waits for all replicas, or for their end. `until`: RFC 3339, UTC. */
  | { readonly code: 'service'; readonly service: string; readonly until: string }
  /** Its execution came to nothing: the next one begins as soon as it can. */
  | { readonly code: 'requeued' }
  /** The pause before the next attempt, until `retry_at`. */
  | { readonly code: 'retry' };

export type WaitingCode = Waiting['code'];

/** Data and sentence. */
export interface Wait {
  readonly waiting: Waiting;
  readonly reason: string;
}

/** A1 of `approval.ts`. `requestedAt`: RFC 3339, UTC. */
export function approvalWait({ role, message }: ApprovalSpec, requestedAt: string): Wait {
  return {
    waiting: { code: 'approval', role, message, requested_at: requestedAt },
    reason: `waiting for approval: ${message}`,
  };
}

/** One sentence has one meaning; what was recorded before there were codes is said anew. */
export function isSameWait(wait: Wait, known: Said): boolean {
  return wait.reason === known.reason && wait.waiting.code === known.waiting?.code;
}

/** The recorded reason why a module waits, if any. */
export interface Said {
  readonly waiting: Waiting | undefined;
  readonly reason: string | undefined;
}

const NEEDS_HELP: Readonly<Record<WaitingCode, boolean>> = {
  inputs: false,
  no_node: true,
  no_free_slot: false,
  no_cluster: true,
  no_free_cluster: false,
  no_secret: true,
  approval: true,
  service: false,
  requeued: false,
  retry: false,
};

export const WAITING_CODES = Object.keys(NEEDS_HELP) as readonly WaitingCode[];

/** W1. Whether it waits until a person does something. */
export function needsHelp(waiting: Waiting): boolean {
  return NEEDS_HELP[waiting.code];
}

export function isWaitingCode(value: unknown): value is WaitingCode {
  return typeof value === 'string' && Object.hasOwn(NEEDS_HELP, value);
}

/** A module of a task that is not over, as far as it says whether the task goes on. */
export interface Standing {
  readonly state: ModuleState;
  /** Its newest one. */
  readonly execution_id: string | null;
  /** Nothing while it is at work. */
  readonly waiting: Waiting | null;
}

/** How a module stands that is at work, or waits for something that does not come from its own task; nothing of all others. */
export function standingOf(module: Standing): Standing | undefined {
  const { state, execution_id, waiting } = module;
  if (isAtWork(state)) return { state, execution_id, waiting: null };
  return state === 'waiting' && waiting && waiting.code !== 'inputs'
    ? { state, execution_id, waiting }
    : undefined;
}

/** Whether nothing of a task goes on by itself, and some module of it waits for a person. */
export function standsStill(
  modules: Iterable<{ readonly state: ModuleState; readonly waiting?: Waiting | null | undefined }>,
): boolean {
  let lacksHelp = false;
  for (const { state, waiting } of modules) {
    if (isAtWork(state)) return false;
    if (state !== 'waiting' || !waiting || waiting.code === 'inputs') continue;
    if (!needsHelp(waiting)) return false;
    lacksHelp = true;
  }
  return lacksHelp;
}

function isAtWork(state: ModuleState): boolean {
  return state === 'assigned' || state === 'accepted' || state === 'running';
}
