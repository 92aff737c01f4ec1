import { describe, expect, it } from 'vitest';
import { wishesFor } from '../../../frontend-bridge/web/src/campaigns/campaign-buttons.js';
import { progressOf } from '../../../frontend-bridge/web/src/campaigns/progress.js';
import { nextOf, reasonOf, standingOf } from '../../../frontend-bridge/web/src/campaigns/standing.js';
import type { IterationRow } from '../../../frontend-bridge/web/src/iterations/use-rows.js';
import { reduce } from '../../../frontend-bridge/web/src/state/reducer.js';
import type { ListedCampaignJson } from '../../../src/contract/campaign.js';

const AT = '2026-01-01T00:00:00.000Z';
const RUNNING: ListedCampaignJson = {
  ...{ campaign_id: 'c', problem_id: 'c', name: 'sweep', project: 'default', graph: 'g', graph_version: 1 },
  ...{ phase: 'running', mode: 'automated', paused: false, deployment: null, iterations: 2, steps: 0 },
  ...{ max_iterations: 9, running: [2], waits_for: [], best: null, ended_by: null, error: null },
  ...{ deadline: null, next_at: null, created_at: AT, updated_at: AT, ended_at: null },
};
const error = { type: 'node_error', scope: 'initializing', context: { message: 'no GPU' } } as const;
const deployment = { deployment_id: 'd', name: 'trainers', own: true };

describe('a campaign in words', () => {
  it.each<[Partial<ListedCampaignJson>, string, string | undefined, string | undefined]>([
    [{}, 'running', undefined, 'iteration 2 runs; iteration 3 is next'],
    [{ running: [] }, 'running', undefined, 'iteration 3 is next'],
    [{ running: [1, 2] }, 'running', undefined, '2 iterations run; iteration 3 is next'],
    [
      { paused: true },
      'running, paused',
      undefined,
      'iteration 2 runs; no iteration begins until it is resumed',
    ],
    [{ mode: 'interactive', running: [] }, 'running', undefined, 'iteration 3 waits for a step'],
    [{ mode: 'interactive', running: [], steps: 2 }, 'running', undefined, '2 asked for'],
    [
      { next_at: '2999-01-01T00:00:00.000Z', running: [] },
      ...(['running', undefined, 'iteration 3 begins at its time'] as const),
    ],
    [{ iterations: 9 }, 'running', undefined, 'iteration 2 runs, then it ends'],
    [
      { ended_by: 'until' },
      ...(['running', 'an iteration is good enough', 'iteration 2 runs, then it ends'] as const),
    ],
    [
      { phase: 'initializing', waits_for: ['a', 'b'] },
      ...(['initializing', 'waits for a ready node of a, b', undefined] as const),
    ],
    [
      { phase: 'initializing', deployment },
      ...(['initializing', 'waits for deployment trainers', undefined] as const),
    ],
    [{ phase: 'errored', error }, 'errored', 'no GPU', undefined],
    [{ phase: 'completed', ended_by: 'finish' }, 'completed', 'a person has finished it', undefined],
    [{ phase: 'aborted' }, 'aborted', undefined, undefined],
  ])('%j', (more, standing, reason, next) => {
    const campaign = { ...RUNNING, ...more };
    expect([standingOf(campaign), reasonOf(campaign), nextOf(campaign)]).toEqual([standing, reason, next]);
  });
});

describe('the commands of a campaign', () => {
  it.each<[Partial<ListedCampaignJson>, string[]]>([
    [{}, ['Pause', 'Finish', 'Abort']],
    [{ phase: 'initializing' }, ['Pause', 'Finish', 'Abort']],
    [{ paused: true }, ['Resume', 'Finish', 'Abort']],
    [{ mode: 'interactive' }, ['Step', 'Pause', 'Finish', 'Abort']],
    [{ mode: 'interactive', paused: true }, ['Resume', 'Finish', 'Abort']],
    [{ mode: 'interactive', steps: 7 }, ['Pause', 'Finish', 'Abort']],
    [{ ended_by: 'until' }, ['Abort']],
    [{ phase: 'finalizing', ended_by: 'until' }, ['Abort']],
    [{ phase: 'finalizing' }, []],
    [{ phase: 'completed', ended_by: 'until' }, []],
    [{ phase: 'errored', error }, []],
  ])('%j', (more, labels) => {
    expect(wishesFor({ ...RUNNING, ...more }).map(({ label }) => label)).toEqual(labels);
  });
});

it('the best so far goes on over iterations without a value', () => {
  const rows = [4, null, 6, 2, 3].map((value, at) => ({ iteration_id: at + 1, values: { 'm.loss': value } }));
  const bests = (goal: 'min' | 'max') => progressOf(rows as unknown as IterationRow[], 'm.loss', goal)[1]!.y;
  expect([bests('min'), bests('max')]).toEqual([
    [4, 4, 4, 2, 2],
    [4, 4, 6, 6, 6],
  ]);
});

describe('the views of campaigns', () => {
  const list = (...items: ListedCampaignJson[]) => ({ kind: 'campaigns', items }) as const;
  const one = (more: Partial<ListedCampaignJson> = {}) =>
    ({ kind: 'campaign', campaign: { ...RUNNING, ...more, input: {}, policy: {} } }) as never;
  const event = (type: string, problem_id = 'c') => ({ seq: 9, at: AT, type, problem_id }) as never;
  const isCurrent = (view: never, of: never): boolean => reduce(view, of).complete;
  it('are read again where an event concerns them, and only then', () => {
    const waiting = { phase: 'initializing' } as const;
    expect(isCurrent(list() as never, event('campaign.initializing', 'new'))).toBe(false);
    expect(isCurrent(list(RUNNING) as never, event('iteration.succeeded'))).toBe(false);
    expect(isCurrent(list(RUNNING) as never, event('iteration.succeeded', 'other'))).toBe(true);
    expect(isCurrent(list(RUNNING) as never, event('node.status', 'none'))).toBe(true);
    expect(isCurrent(list({ ...RUNNING, ...waiting }) as never, event('node.status', 'none'))).toBe(false);
    expect(isCurrent(one(), event('iteration.submitted'))).toBe(false);
    expect(isCurrent(one(), event('execution.running'))).toBe(true);
    expect(isCurrent(one(), event('campaign.paused', 'other'))).toBe(true);
    expect(isCurrent(one(waiting), event('node.status', 'none'))).toBe(false);
  });
});
