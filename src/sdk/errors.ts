import { wellFormed } from '../base/cut.js';
import { TuttiError } from '../base/errors.js';
import type { ReportedError } from '../model/protocol.js';
import { attempt, headOf, propertyOf, stackOf, textOf } from './thrown.js';

/**
 * Thrown by a handler: the module fails at once, whatever attempts are left.
 *
 * @example throw new NonRetryableError('no_such_region', 'geo_location_region: no figures for "Atlantis"');
 */
export class NonRetryableError extends TuttiError {
  override readonly name: string = 'NonRetryableError';
}

/**
 * Why a task's signal was aborted.
 *
 * `stopped`, `reset`, `preempted`, `terminated`: a task command. `timeout`: the attempt took longer than the graph allows.
 * `node_reset`, `node_stopping`: a command to the node, or the end of its process. `abandoned`: the orchestrator no longer wants
 * this execution (it has ended or was replaced).
 */
export type AbortCode =
  | 'stopped'
  | 'reset'
  | 'preempted'
  | 'terminated'
  | 'timeout'
  | 'node_reset'
  | 'node_stopping'
  | 'abandoned';

/** The reason of a task's signal: `code` says why, `message` is the reason that was given. */
export class TaskAbortedError extends TuttiError {
  override readonly name: string = 'TaskAbortedError';
  declare readonly code: AbortCode;
  /** How long the work may take to end, in ms, before the execution counts as ended. */
  readonly graceMs: number;

  constructor(code: AbortCode, message: string, graceMs = 0) {
    super(code, message);
    this.graceMs = graceMs;
  }
}

/** Long enough for a stack's first lines, short enough for an event. */
const MAX_MESSAGE_CHARS = 4096;
const SNAKE_CASE = /^[a-z][a-z0-9_]{0,62}$/;

/** `text`, cut where it is longer than a report may carry. */
export function bounded(text: string, maxChars: number = MAX_MESSAGE_CHARS): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;
}

/**
 * The report of any thrown value. Never throws, whatever the value does when it is examined.
 *
 * `code`: the error's own where that is snake_case, else `fallback`. `message`: of an error with a code of its own, the text as it is;
 * of every other one its class and its text (`TypeError: x is not a function`), without the class where that is a plain `Error`.
 * `stack`: where it was thrown, and its causes. Only a `NonRetryableError` is not retryable.
 */
export function reportedError(thrown: unknown, fallback: string): ReportedError {
  const code = propertyOf(thrown, 'code');
  const ownCode = typeof code === 'string' && SNAKE_CASE.test(code) ? code : undefined;
  const text = textOf(thrown);
  const message = ownCode !== undefined && text !== '' ? text : headOf(thrown);
  const stack = stackOf(thrown);
  return {
    code: ownCode ?? fallback,
    message: wellFormed(bounded(message)),
    retryable: !attempt(() => thrown instanceof NonRetryableError, false),
    ...(stack !== '' && { stack }),
  };
}
