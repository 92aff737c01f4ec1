/** The end of a command as the end of its execution. */
import type { RunError } from 'tutti/sdk';
import type { Observed } from './engine.js';

export type Ended = Extract<Observed, { state: 'ended' }>;

/** "Try again later", of sysexits.h: whatever the graph says about other codes. */
const EX_TEMPFAIL = 75;

export interface Terms {
  /** Exit codes after which another attempt may succeed; absent: all of them. */
  readonly retryExitCodes: readonly number[] | undefined;
  readonly walltimeMs: number | undefined;
}

/** Why the execution fails; nothing where the command has ended well. `stderr`: its last lines. */
export function failureOf(ended: Ended, terms: Terms, stderr: string): RunError | undefined {
  const { reason, exitCode, signal } = ended;
  switch (reason) {
    case 'walltime':
      return {
        code: 'walltime',
        message: `the command was stopped: it took longer than its walltime of ${durationOf(terms)}`,
        retryable: true,
        ...(stderr !== '' && { details: { stderr } }),
      };
    case 'cancelled_outside':
      return {
        code: 'cancelled_outside',
        message: `${jobOf(ended)} was cancelled on the cluster, not by Tutti`,
        retryable: false,
      };
    case 'lost':
      return {
        code: 'engine_failed',
        message: `${jobOf(ended)} is gone, and the cluster does not know how it ended`,
        retryable: true,
      };
    case 'stopped':
      return { code: 'engine_failed', message: `${jobOf(ended)} was stopped`, retryable: true };
    case undefined:
      break;
    default:
      return reason satisfies never;
  }
  if (exitCode === 0) return undefined;
  if (exitCode === undefined)
    return { code: 'engine_failed', message: `${jobOf(ended)} ended without an exit code`, retryable: true };
  return {
    code: 'exit_code',
    message:
      signal === undefined
        ? `the command ended with exit code ${exitCode}${meaningOf(exitCode)}`
        : `the command was ended by ${signal}`,
    retryable: isRetryable(exitCode, terms),
    details: {
      exit_code: String(exitCode),
      ...(signal !== undefined && { signal }),
      ...(stderr !== '' && { stderr }),
    },
  };
}

function isRetryable(exitCode: number, { retryExitCodes }: Terms): boolean {
  return exitCode === EX_TEMPFAIL || (retryExitCodes?.includes(exitCode) ?? true);
}

/** What a shell means by it. */
function meaningOf(exitCode: number): string {
  if (exitCode === 126) return ': it cannot be executed';
  return exitCode === 127 ? ': there is no such program' : '';
}

function jobOf({ engineId }: Ended): string {
  return engineId === '' ? 'the command' : `the command (${engineId})`;
}

function durationOf({ walltimeMs }: Terms): string {
  return walltimeMs === undefined ? 'the cluster' : `${walltimeMs / 1_000} s`;
}

/** The output of a module with `result: none`. */
export function summaryOf({ exitCode, signal, startedAt, endedAt, host }: Ended): Record<string, unknown> {
  const took = startedAt === undefined || endedAt === undefined ? null : (endedAt - startedAt) / 1_000;
  return {
    exit_code: exitCode ?? null,
    signal: signal ?? null,
    seconds: took,
    host: host ?? null,
  };
}
