/**
 * Proposals: what retention, the late indexes and the age guard would like to be done. The loop is the only one that does it.
 *
 * R1. A proposer reads the store and changes nothing. The loop looks again (`look.ts`) between two batches, when memory and store are of the
 *     same moment, and decides (`core/weigh.ts`): what a proposer has seen may have changed since.
 * R2. A proposal is a batch of its own. One that finds no room is undone and answered so, and the loop goes on.
 * R3. A removal leads to nothing but deletes, `DELETES_AT_ONCE` at most. The store keeps room for those, so they are taken also
 *     while a batch waits for room, and their record comes before that of the batch.
 * R4. Each proposer waits for the answer before it proposes again: three are under way at most.
 */
import type { IndexEntry } from '../../model/facts.js';
import type { TaskId } from '../../model/task-id.js';
import type { AgesRow } from '../tables/records.js';
import type { Summary } from '../tables/summary.js';

/** R3. The store promises to take so many on a full disk. */
export const DELETES_AT_ONCE = 300;

/** The data to remove. */
export type Removal =
  /** With all that belongs to it. */
  | {
      readonly kind: 'remove iteration';
      readonly task: TaskId;
      readonly problemSeq: number;
      /** All iterations of the problem are to go, and with the newest, which is the last of them, the problem itself. */
      readonly isWhole: boolean;
      /** The problem's newest iteration: nothing that is younger refers to this one. */
      readonly newest: number;
      /** The fields that were looked at, and where the iteration may stand in their indexes. */
      readonly fields: readonly string[];
      readonly index: readonly IndexEntry[];
    }
  /** Whole pages of the event stream, up to this `seq`. */
  | { readonly kind: 'remove events'; readonly upTo: number }
  | { readonly kind: 'remove blob'; readonly sha256: string }
  /** Answers to repeated requests that have expired, each by when and by its key; `DELETES_AT_ONCE / 2` at most. */
  | { readonly kind: 'remove answers'; readonly expired: readonly (readonly [at: number, key: string])[] }
  | { readonly kind: 'remove commands'; readonly commandIds: readonly string[] }
  | { readonly kind: 'remove boots'; readonly bootIds: readonly string[] }
  /** Nodes that have long been dead, and were last seen before this: Unix milliseconds. So many are kept in any case. */
  | { readonly kind: 'remove nodes'; readonly seenBefore: number; readonly kept: number };

export interface EndedIteration {
  readonly task: TaskId;
  /** Its row as it was read. */
  readonly row: Uint8Array;
  readonly problemSeq: number;
  readonly index: readonly IndexEntry[];
  readonly summary: Summary;
}

export type Addition =
  /** Iterations that had ended before their graph declared an index. */
  | { readonly kind: 'index iterations'; readonly iterations: readonly EndedIteration[] }
  /** All of them are in it. */
  | {
      readonly kind: 'complete index';
      readonly graph: string;
      readonly field: string;
      readonly since: number;
    }
  /** Nothing: ages are trusted again. */
  | { readonly kind: 'doubt ages'; readonly doubt: AgesRow | undefined };

export type Proposal = Removal | Addition;

export type Weighed =
  /** It is durable. `count`: how many things it was. `isMore`: the same proposal has more to do. */
  | { readonly kind: 'done'; readonly count: number; readonly isMore: boolean }
  /** Things have changed since the proposer has read them. */
  | { readonly kind: 'declined' }
  | { readonly kind: 'no room' }
  /** The loop accepts nothing more. */
  | { readonly kind: 'stopped' };

export interface Proposals {
  /** Rejected with what is thrown over it: then nothing was changed. */
  propose(proposal: Proposal): Promise<Weighed>;
}

const ADDITIONS: ReadonlySet<Proposal['kind']> = new Set<Addition['kind']>([
  'index iterations',
  'complete index',
  'doubt ages',
]);

/** Whether it may be taken while a batch waits for room. */
export function isRemoval(proposal: Proposal): proposal is Removal {
  return !ADDITIONS.has(proposal.kind);
}
