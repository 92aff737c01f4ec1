/** The last hour in figures, from the minutes that the orchestrator tells of. */
import type { ActivityJson, ActivityMinuteJson } from '../../../../src/contract/figures.js';

export interface Minute extends ActivityMinuteJson {
  readonly ended: number;
  /** Tasks that were not over at its end. */
  readonly open: number;
}

export interface Hour {
  readonly minutes: readonly Minute[];
  readonly submitted: number;
  readonly ended: number;
  readonly failed: number;
  readonly mostEnded: number;
  readonly mostOpen: number;
}

/** `open`: how many are not over now. From there the count goes backwards: before a task began there was one less, and before a task ended there was one more. */
export function readHour({ minutes }: ActivityJson, open: number): Hour {
  let left = open;
  const told: Minute[] = [];
  for (const minute of minutes.toReversed()) {
    const ended = minute.succeeded + minute.failed + minute.cancelled + minute.aborted;
    told.unshift({ ...minute, ended, open: Math.max(0, left) });
    left += ended - minute.submitted;
  }
  const sum = (of: (minute: Minute) => number): number => told.reduce((all, minute) => all + of(minute), 0);
  return {
    minutes: told,
    submitted: sum(({ submitted }) => submitted),
    ended: sum(({ ended }) => ended),
    failed: sum(({ failed }) => failed),
    mostEnded: Math.max(0, ...told.map(({ ended }) => ended)),
    mostOpen: Math.max(0, ...told.map((minute) => minute.open)),
  };
}
