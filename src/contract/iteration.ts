/**
 * An iteration, its modules and its executions. `IterationJson`, `ModuleJson` and `TaskJson` hold as much as events tell as well, so that the
 * page can keep them up to date by events alone; `ListedIterationJson`, `ModuleAnswerJson` and `TaskAnswerJson` are the whole answers.
 */
import type { ApprovalSpec } from '../model/approval.js';
import type { ModuleState, ObservedState } from '../model/execution.js';
import type { LoopEnd } from '../model/loop.js';
import type { BlobRef } from '../model/payload.js';
import type { CommandFields } from '../model/run.js';
import type { TaskState } from '../model/task-state.js';
import type { Standing, Waiting } from '../model/waiting.js';
import type { ErrorJson } from './answer.js';

/** Of a task that is not over, by module: those at work, and those that wait for something from outside of the task. */
export type StandingsJson = Readonly<Record<string, Standing>>;

export interface IterationJson {
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly state: TaskState;
  readonly standing?: StandingsJson;
  readonly parent_iteration_id: number | null;
  /** Modules whose outputs were taken over: nothing ran for them. */
  readonly reused: readonly string[];
  /** By module, the inputs that are not what the graph would give it. */
  readonly overridden: Readonly<Record<string, readonly string[]>>;
  readonly created_at: string;
  readonly finished_at?: string | null;
}

/** The items of a module with `map`. */
export interface ItemCountsJson {
  readonly total: number;
  /** They have a result. */
  readonly done: number;
  readonly running: number;
  /** Their last attempt had no result: they will be retried. */
  readonly retrying: number;
}

/** How all of them stand, in little room. */
export interface ItemStatesJson {
  readonly total: number;
  /** By state, how many; none are left out. */
  readonly counts: Readonly<Partial<Record<ModuleState, number>>>;
  /** In the order of the items: a state, and how many in a row are in it. */
  readonly runs: readonly (readonly [state: ModuleState, count: number])[];
}

/** One of them. */
export interface ItemJson {
  /** Its number, from 0. */
  readonly item: number;
  readonly state: ModuleState;
  /** Its newest execution. */
  readonly execution_id: string | null;
  readonly attempt: number | null;
  readonly node_id: string | null;
  /** Whose result it has taken. */
  readonly cached_from: ModuleJson['cached_from'];
  /** The reason for another attempt, and when. */
  readonly waiting_reason: string | null;
  readonly retry_at: string | null;
  readonly error: ErrorJson | null;
  readonly assigned_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

/** One of them by itself. */
export interface ItemAnswerJson extends ItemJson {
  readonly value: unknown;
  readonly result: unknown;
  /** Oldest first. */
  readonly executions: readonly ExecutionJson[];
}

export interface ModuleJson {
  readonly state: ModuleState;
  /** Of a module with several outputs: `output` is an object of them. */
  readonly output_names?: readonly string[];
  /** Executions that failed or succeeded. */
  readonly attempts: number;
  /** Of a module in a loop. */
  readonly pass: number | null;
  /** Of a module with `map` that has begun. */
  readonly items: ItemCountsJson | null;
  /** Of the last module of a loop that has ended, why. */
  readonly loop_end: LoopEnd | null;
  readonly execution_id: string | null;
  readonly node_id: string | null;
  /** Why it waits, or why it was skipped. */
  readonly waiting_reason: string | null;
  readonly waiting: Waiting | null;
  /** 0–1. */
  readonly progress: number | null;
  /** What it said with its progress. */
  readonly progress_message: string | null;
  /** Whose output stands for its own. */
  readonly reused_from: { readonly iteration_id: number; readonly execution_id: string } | null;
  /** Of a module with `cache`, whose output it has taken. */
  readonly cached_from: {
    readonly problem_id: string;
    readonly iteration_id: number;
    readonly execution_id: string;
  } | null;
  /** Inputs that are not what the graph would give it. */
  readonly overridden: readonly string[];
  readonly retry_at: string | null;
  readonly output: unknown;
  readonly error: ErrorJson | null;
  /** Of a run module, once its agent has told something of it. */
  readonly command?: CommandFields | null;
  readonly assigned_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

export interface TaskJson extends IterationJson {
  readonly graph: string;
  readonly graph_version: number;
  readonly input: unknown;
  /** By module and input, the values of what is overridden. */
  readonly overrides: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Why it failed. */
  readonly error: ErrorJson | null;
  /** What the person who stopped it gave as a reason. */
  readonly reason: string | null;
  readonly modules: Readonly<Record<string, ModuleJson>>;
}

/** An item of a list of iterations. */
export interface ListedIterationJson extends IterationJson {
  readonly task_id: string;
  readonly graph: string;
  readonly graph_version: number;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly error: ErrorJson | null;
  readonly reason: string | null;
}

export interface ModuleAnswerJson extends ModuleJson {
  /** Grows with each reset, and with each pass of its loop. */
  readonly generation: number;
  /** As the graph declares it, such as `bytes:image/png`; `null` where it has several outputs. */
  readonly output_type: string | null;
  /** Of a module with several outputs, by their names. */
  readonly output_types?: Readonly<Record<string, string>>;
}

/** An iteration by itself. */
export interface TaskAnswerJson extends ListedIterationJson, Omit<TaskJson, 'modules' | 'finished_at'> {
  readonly modules: Readonly<Record<string, ModuleAnswerJson>>;
}

export interface ExecutionJson {
  readonly execution_id: string;
  readonly module: string;
  /** Of a module with `map`, its number. */
  readonly item: number | null;
  readonly attempt: number;
  readonly node_id: string;
  readonly state: ObservedState;
  /** Recorded ones. */
  readonly outputs: number;
  /** Of streams that its log has in part only: the blobs that have all of each. */
  readonly whole_streams: Readonly<Record<string, BlobRef>>;
  readonly assigned_at: string;
  readonly started_at: string | null;
  readonly accepted_at: string | null;
  readonly finished_at: string | null;
  readonly error: ErrorJson | null;
}

/** A module that waits for a person. */
export interface ApprovalJson {
  readonly task_id: string;
  readonly problem_id: string;
  readonly iteration_id: number;
  readonly module: string;
  readonly graph: string;
  readonly title: string;
  readonly role: ApprovalSpec['role'];
  readonly message: string;
  readonly requested_at: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Inputs that are too large for the list. */
  readonly left_out: readonly string[];
}

/** Where a module of a task stands among those that wait for a slot of its nodes. */
export interface QueuePlaceJson {
  readonly module: string;
  /** Those that get a slot before it. */
  readonly ahead: number;
}
