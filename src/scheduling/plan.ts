import type { ApprovalSpec } from '../model/approval.js';
import type { CachedResult } from '../model/cached.js';
import type { LoopEnd } from '../model/loop.js';
import type { ReportedError } from '../model/protocol.js';
import type { CompiledLoop, Execution } from '../model/task.js';
import type { TaskEnd } from '../model/task-state.js';
import type { Wait } from '../model/waiting.js';

/** One step of a plan for a task. Module positions are those of its graph. */
export type PlanStep =
  /** Make an execution on this node; `replaces` is given up for it. */
  | {
      readonly kind: 'place';
      readonly position: number;
      /** Of a module with `map`. */
      readonly item?: number;
      readonly nodeId: string;
      readonly replaces: Execution | undefined;
    }
  /** Look up what it may take instead of running. */
  | { readonly kind: 'look up'; readonly position: number; readonly item?: number }
  /** Take this instead of running. */
  | {
      readonly kind: 'recall';
      readonly position: number;
      readonly item?: number;
      readonly result: CachedResult;
    }
  /** Wait for a slot; `isSilent`: nothing is said of it. */
  | {
      readonly kind: 'wait';
      readonly position: number;
      readonly wait: Wait;
      readonly isSilent?: boolean;
    }
  /** The newest execution ended without an end for the module: back to waiting, at once. */
  | {
      readonly kind: 'requeue';
      readonly position: number;
      readonly item?: number;
      readonly reason: string;
    }
  /** Another attempt, after a pause. */
  | {
      readonly kind: 'retry';
      readonly position: number;
      readonly item?: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  | { readonly kind: 'succeed'; readonly position: number; readonly execution: Execution }
  /** `item`: the one that fails it. */
  | {
      readonly kind: 'fail';
      readonly position: number;
      readonly error: ReportedError;
      readonly item?: number;
    }
  /** Its list is taken apart. */
  | { readonly kind: 'map'; readonly position: number; readonly items: number }
  /** The last output of the execution is the result of the item. */
  | {
      readonly kind: 'item done';
      readonly position: number;
      readonly item: number;
      readonly execution: Execution;
    }
  /** The results of its items are together. */
  | { readonly kind: 'mapped'; readonly position: number }
  | { readonly kind: 'skip'; readonly position: number; readonly reason: string }
  /** The node is to stop it. */
  | { readonly kind: 'stop'; readonly execution: Execution }
  /** The task has been stopped: this module no longer runs. */
  | { readonly kind: 'halt'; readonly position: number }
  /** A person is to decide. */
  | { readonly kind: 'ask'; readonly position: number; readonly approval: ApprovalSpec }
  /** Its service is applied or removed. */
  | { readonly kind: 'serve'; readonly position: number }
  /** It waits for its service. */
  | { readonly kind: 'await'; readonly position: number; readonly wait: Wait }
  /** Its service is as it is asked for. */
  | { readonly kind: 'served'; readonly position: number }
  /** The modules of the loop run again. */
  | { readonly kind: 'again'; readonly loop: CompiledLoop; readonly pass: number }
  /** There is no further pass; with an error, the last module of the loop fails. */
  | {
      readonly kind: 'end loop';
      readonly loop: CompiledLoop;
      readonly why: LoopEnd;
      readonly error?: ReportedError;
    }
  /** Nothing goes on before a person has decided about these. */
  | { readonly kind: 'suspend'; readonly modules: readonly string[] }
  | { readonly kind: 'end'; readonly state: TaskEnd };

export interface Plan {
  readonly steps: readonly PlanStep[];
  /** Evaluate the task again at this moment of the monotonic clock. */
  readonly followUpMs: number | undefined;
}
