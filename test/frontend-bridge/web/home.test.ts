import { describe, expect, it } from 'vitest';
import { figuresOf } from '../../../frontend-bridge/web/src/graphs/figures.js';
import { readHour } from '../../../frontend-bridge/web/src/home/hour.js';
import type { ExecutionJson } from '../../../src/contract/iteration.js';

describe('the last hour', () => {
  it('counts back from the tasks that are open now', () => {
    const minute = (
      submitted: number,
      succeeded: number,
      failed: number,
      cancelled: number,
      aborted: number,
    ) => ({
      ...{ at: '2026-01-01T00:00:00Z', submitted, succeeded, failed, cancelled, aborted },
    });
    const minutes = [minute(5, 0, 0, 0, 0), minute(0, 1, 1, 0, 0), minute(2, 0, 0, 1, 1)];
    const hour = readHour({ since: '2026-01-01T00:00:00Z', minutes }, 3);
    expect(hour.minutes.map(({ open, ended }) => [open, ended])).toEqual([
      [5, 0],
      [3, 2],
      [3, 2],
    ]);
    expect(hour).toMatchObject({ submitted: 7, ended: 4, failed: 1, mostEnded: 2, mostOpen: 5 });
  });
});

describe('the figures of a graph', () => {
  const execution = (
    module: string,
    state: string,
    from: number,
    to: number,
    message?: string,
  ): ExecutionJson =>
    ({
      ...{ module, state, attempt: 1, accepted_at: null, error: message ? { code: 'x', message } : null },
      assigned_at: new Date(from).toISOString(),
      started_at: new Date(from).toISOString(),
      finished_at: new Date(to).toISOString(),
    }) as ExecutionJson;

  it('are the lengths of what succeeded and the number of what failed, module by module', () => {
    const figures = figuresOf([
      execution('a', 'succeeded', 0, 10),
      execution('a', 'succeeded', 0, 40),
      execution('a', 'succeeded', 0, 20),
      execution('a', 'failed', 30, 5000, 'the newer'),
      execution('a', 'lost', 10, 9000, 'the older'),
      execution('b', 'cancelled', 0, 5),
      execution('c', 'succeeded', 0, 10),
      execution('c', 'succeeded', 0, 20),
    ]);
    expect(figures.get('a')).toEqual({ attempts: 5, failed: 2, median: 20, longest: 40, error: 'the newer' });
    expect(figures.get('b')).toEqual({
      ...{ attempts: 0, failed: 0, median: undefined, longest: undefined, error: undefined },
    });
    expect(figures.get('c')).toMatchObject({ median: 15, longest: 20 });
  });
});
