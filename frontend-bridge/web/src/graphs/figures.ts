/** How long the modules of a graph took lately, and how often they failed, from the attempts of its newest tasks. */
import type { ExecutionJson } from '../../../../src/contract/iteration.js';

export interface ModuleFigures {
  /** Attempts that succeeded or failed. */
  readonly attempts: number;
  readonly failed: number;
  /** Of those that succeeded, in milliseconds; nothing where none has. */
  readonly median: number | undefined;
  readonly longest: number | undefined;
  /** The newest error. */
  readonly error: string | undefined;
}

export function figuresOf(executions: readonly ExecutionJson[]): ReadonlyMap<string, ModuleFigures> {
  const byModule = new Map<string, ExecutionJson[]>();
  for (const execution of executions)
    byModule.set(execution.module, [...(byModule.get(execution.module) ?? []), execution]);
  return new Map([...byModule].map(([module, own]) => [module, figures(own)]));
}

function figures(executions: readonly ExecutionJson[]): ModuleFigures {
  const failed = executions.filter(({ state }) => state === 'failed' || state === 'lost');
  const succeeded = executions.filter(({ state }) => state === 'succeeded');
  const lengths = succeeded.flatMap((one) => lengthOf(one) ?? []).sort((a, b) => a - b);
  const newest = failed.toSorted((a, b) => a.assigned_at.localeCompare(b.assigned_at)).at(-1);
  return {
    attempts: failed.length + succeeded.length,
    failed: failed.length,
    median: medianOf(lengths),
    longest: lengths.at(-1),
    error: newest?.error?.message,
  };
}

function lengthOf({ started_at, accepted_at, finished_at }: ExecutionJson): number | undefined {
  const start = started_at ?? accepted_at;
  return start === null || finished_at === null ? undefined : Date.parse(finished_at) - Date.parse(start);
}

function medianOf(sorted: readonly number[]): number | undefined {
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 0 && low !== undefined && high !== undefined ? (low + high) / 2 : high;
}
