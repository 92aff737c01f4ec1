import type { LogLevel } from '../model/protocol.js';

/** One line of a task's own log. `fields` are kept as texts: others are written as JSON. */
export type TaskLogLine = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The argument of a handler: one execution of the module for one task. */
export interface Task<Inputs, Output, Previous> {
  /** The task_id: `<problem_id>/<iteration_id>`. */
  readonly id: string;
  readonly module: string;
  /** Numbers every execution of the module in this task, from 1. */
  readonly attempt: number;
  /** Of a module in a loop (`loops:` in the graph file): the pass that it is in, from 1. Elsewhere 1. */
  readonly pass: number;
  /** Of a module with `map` in the graph file: the number of the item that it is for, from 0. Absent elsewhere. */
  readonly item?: number;
  readonly executionId: string;
  /**
   * W3C Trace Context of this execution, for spans of the node's own: `00-<trace id>-<parent id>-<flags>`. Absent where neither the
   * orchestrator nor the client that submitted the task traces.
   */
  readonly traceparent?: string;
  /**
   * Whether this execution was begun by an earlier process of this node; only where the node has a `stateDir`. Its partial outputs and
   * what it gives are numbered from the start again: give the same ones.
   */
  readonly isResumed: boolean;
  /**
   * Decoded, by the name of the source or module. One whose module failed is absent where the graph says `on_error: ignore`.
   */
  readonly inputs: Inputs;
  /** The outputs of the named modules in the parent iteration; absent if there are none. */
  readonly previous: Partial<Previous>;
  /**
   * Aborted when the work is no longer wanted; its reason is a `TaskAbortedError`. Hand it on to whatever takes long. What the
   * handler gives or throws after that is dropped, and its slot is free once it has come back.
   */
  readonly signal: AbortSignal;
  /** How far it is, from 0 to 1, for people to see. At most ten a second are passed on, the newest. */
  progress(fraction: number, message?: string): void;
  /**
   * Publishes a partial output, before the one that the handler returns. Settles when there was room for it in the output window:
   * awaiting it keeps memory bounded. Rejects with `bad_output` when the type cannot carry it, or with the signal's reason. Of a module
   * with named outputs, use `output`.
   */
  publish(partial: Output): Promise<void>;
  /**
   * Gives one of the module's named outputs (`outputs:` in the graph file) before the handler returns, which then leaves it out. Each is
   * given once. It settles as `publish` does; the output that completes them leaves when the handler has returned. Rejects, and
   * fails the execution, with `unknown_output` for a name that the graph does not declare, `duplicate_output`, or `bad_output`.
   */
  output<Name extends keyof Output & string>(name: Name, value: Output[Name]): Promise<void>;
  /**
   * Numbers of a step: `task.metrics(epoch, { loss: 0.1, accuracy: 0.93 })`. People see each name as a curve over the steps, while it
   * grows and beside those of other iterations; `NaN` and the infinities are kept. They are lines of the log, and count as such: one
   * call is one line, and an execution has room for 100,000. Throws `TypeError` for a value that is not a number, `RangeError` for the names `step` and
   * `stream`, and for no or more than 60 numbers.
   */
  metrics(step: number, values: Readonly<Record<string, number>>): void;
  /** Structured lines that go to the task's history. */
  readonly log: Readonly<Record<LogLevel, TaskLogLine>>;
}

/** The work of a module: gives the output, or an object with its named ones, or throws. `NonRetryableError` fails the module at once. */
export type Handler<Inputs, Output, Previous> = (
  task: Task<Inputs, Output, Previous>,
) => Output | Promise<Output>;
