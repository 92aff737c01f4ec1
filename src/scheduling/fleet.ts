/** The nodes as the scheduler of tasks sees them, and what it asks about a module that could run. */
import type { CachedResult } from '../model/cached.js';
import type { ReportedError } from '../model/protocol.js';
import type { CompiledModule, Execution } from '../model/task.js';
import type { Wait } from '../model/waiting.js';

/** The nodes, as the scheduler sees them. */
export interface Fleet {
  /** A node with a free slot, which is taken by it; nothing when there is none. */
  take(module: CompiledModule): string | undefined;
  /**
   * What it may take instead of running: a result by a node that is of the version of one that could be chosen, a free slot or not. `not known`:
   * it is to be looked up.
   */
  recall(module: CompiledModule, item?: number): CachedResult | 'not known' | undefined;
  /** Of a module with `map`, the list that it is given. */
  listOf(module: CompiledModule): GivenList;
  /** Of one whose items are done, the list of their results. */
  resultsOf(module: CompiledModule): ResultList;
  /** Why there is none. */
  shortage(module: CompiledModule): Wait;
  /** Of a service step. */
  serviceOf(module: CompiledModule): ServiceStanding;
  /** Whether the node that has this execution is dead and has it no more, so that it may be given up. */
  isOrphaned(execution: Execution): boolean;
}

/** How the service of a service step stands. */
export type ServiceStanding =
  /** Its reference has to be looked up. */
  | { readonly kind: 'not known' }
  | { readonly kind: 'not begun' }
  /** By the monotonic clock, it is given up at `dueMs`. */
  | { readonly kind: 'under way'; readonly wait: Wait; readonly dueMs: number }
  | { readonly kind: 'as asked' }
  | { readonly kind: 'failed'; readonly error: ReportedError };

/** The list that a module with `map` is given. `not known`: it is to be looked up. */
export type GivenList =
  | { readonly kind: 'not known' }
  | { readonly kind: 'list'; readonly items: number }
  | { readonly kind: 'failed'; readonly error: ReportedError };

/** The list of the results of its items. `no room`: the disk has none for it. */
export type ResultList =
  | { readonly kind: 'not known' }
  | { readonly kind: 'no room' }
  | { readonly kind: 'together' }
  | { readonly kind: 'failed'; readonly error: ReportedError };
