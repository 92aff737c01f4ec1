/** What the scheduler of campaigns proposes, cell by cell: where a campaign stands, and what is known. */
import { describe, expect, it } from 'vitest';
import type { Campaign, CampaignError, CampaignStanding, Judgement } from '../../src/model/campaign.js';
import {
  type CampaignQuestion,
  type CampaignView,
  type DeploymentView,
  type Proposed,
  scheduleCampaign,
} from '../../src/scheduling/campaign-scheduler.js';

const NOW = 1000;
const error: CampaignError = { type: 'node_error', scope: 'initializing', context: { message: 'm' } };
const good: Judgement = { state: 'succeeded', holds: false };

interface Given {
  readonly campaign?: Partial<Campaign>;
  readonly rules?: Partial<Campaign['rules']>;
  readonly missing?: readonly string[];
  readonly nodeError?: CampaignError;
  readonly underWay?: readonly number[];
  readonly judged?: Readonly<Record<number, Judgement>>;
  readonly proposed?: (question: CampaignQuestion) => Proposed | undefined;
  readonly isProposing?: boolean;
  readonly room?: number;
  readonly deployment?: DeploymentView;
  readonly canUndeploy?: boolean;
}

function plan(standing: CampaignStanding, given: Given): unknown[] {
  const { missing = [], nodeError, underWay = [], judged = {}, isProposing = false, room = 99 } = given;
  const view: CampaignView = {
    campaign: {
      ...{ id: 'c', name: 'sweep', project: 'default', graph: 'g', graphVersion: 1, standing },
      rules: {
        ...{ mode: 'automated', proposer: 'grid', maxIterations: 9, maxParallel: 2, stopOnFailure: false },
        ...given.rules,
      },
      ...{ isPaused: false, steps: 0, begun: 0, open: new Set<number>(), createdAt: 0, updatedAt: 0 },
      ...given.campaign,
    },
    deployment: given.deployment,
    canUndeploy: () => given.canUndeploy ?? false,
    readiness: () => ({ missing, ...(nodeError && { error: nodeError }) }),
    isUnderWay: (iteration) => underWay.includes(iteration),
    ...{ isProposing, room },
    judgementOf: (iteration) => judged[iteration],
    proposed: given.proposed ?? (() => undefined),
  };
  return scheduleCampaign(view, NOW).steps.map((step) => {
    const { kind, ...rest } = step;
    if ('question' in step) return `${kind} ${step.question.kind} ${Object.values(step.question)[1]}`;
    if ('outcome' in step) return `${kind} ${step.outcome.kind}`;
    return [kind, ...Object.values(rest).filter((value) => typeof value !== 'object')].join(' ');
  });
}

const initializing = (dueMs: number): CampaignStanding => ({
  ...{ kind: 'initializing', until: { at: dueMs, dueMs }, missing: ['a'] },
});
const running: CampaignStanding = { kind: 'running' };
const closing: CampaignStanding = { kind: 'running', stop: 'until' };
const finalizing: CampaignStanding = { kind: 'finalizing', outcome: { kind: 'aborted' } };
const open = (...iterations: number[]): Partial<Campaign> => ({
  ...{ open: new Set(iterations), begun: Math.max(...iterations) },
});
const past = { deadline: { at: 0, dueMs: 0 } };
const input = (): Proposed => ({ kind: 'input' });

const DAILY = { schedule: { cron: '@daily', timeZone: 'UTC' } };
const next = (dueMs: number): Partial<Campaign> => ({ next: { at: dueMs, dueMs } });
const completed: CampaignStanding = { kind: 'finalizing', outcome: { kind: 'completed', by: 'until' } };

/** Its own, unless it says otherwise. */
function has(state: DeploymentView['state'], more: Partial<DeploymentView> = {}): Given {
  return { deployment: { name: 'd', isOwn: true, state, direction: 'up', operationId: 4, ...more } };
}

describe('a campaign with a schedule', () => {
  it.each<[string, Given, string[]]>([
    ['waits for its time', { campaign: next(NOW + 1) }, []],
    ['looks up one point', { campaign: next(NOW) }, ['look up point 1']],
    ['begins one', { campaign: next(NOW), proposed: input }, ['begin point 1']],
    ['waits for those under way', { campaign: { ...open(1, 2), ...next(0) }, underWay: [1, 2] }, []],
    ['is paused', { campaign: { ...next(0), isPaused: true }, proposed: input }, []],
    ['asks nobody before', { campaign: next(NOW + 1), rules: { proposer: 'module' } }, []],
  ])('%s', (_, given, steps) => {
    expect(plan(running, { ...given, rules: { ...DAILY, ...given.rules } })).toEqual(steps);
  });
});

describe('a campaign with a deployment', () => {
  it.each<[string, CampaignStanding, Given, string[]]>([
    ['waits for it', initializing(2000), { ...has('deploying'), missing: ['a'] }, []],
    [
      ...(['waits for an update of it', initializing(2000)] as const),
      { ...has('updating', { isOwn: false }), missing: ['a'] },
      [],
    ],
    ['waits no longer than its deadline', initializing(1000), has('deploying'), ['finalize errored']],
    ['runs on it', initializing(2000), has('deployed'), ['run']],
    ['waits for its nodes', initializing(2000), { ...has('deployed'), missing: ['a', 'b'] }, ['miss']],
    [
      ...(['lets nodes be in error on their way', initializing(2000)] as const),
      { ...has('deploying'), missing: ['a'], nodeError: error },
      [],
    ],
    ['is errored where it has failed', initializing(2000), has('failed'), ['finalize errored']],
    ['is errored where it is gone', initializing(2000), has('gone', { isOwn: false }), ['finalize errored']],
    ['is errored where it is not up', initializing(2000), has('undeployed'), ['finalize errored']],
    ['leaves one that is not its own', finalizing, has('deployed', { isOwn: false }), ['end aborted']],
    ['cancels what brings it up', finalizing, has('deploying'), ['cancel deployment']],
    ['looks up how to take it down', finalizing, has('deployed'), ['look up undeploy 4']],
    ['takes it down', finalizing, { ...has('deployed'), canUndeploy: true }, ['undeploy undeploy 4']],
    [
      'takes down what has failed',
      finalizing,
      { ...has('failed'), canUndeploy: true },
      ['undeploy undeploy 4'],
    ],
    ['stops its tasks first', finalizing, { ...has('deployed'), campaign: open(1), underWay: [1] }, ['stop']],
    ['waits until it is down', finalizing, has('undeploying', { direction: 'down' }), []],
    ['ends once it is down', completed, has('undeployed', { direction: 'down' }), ['end completed']],
    ['ends where it is gone', completed, has('gone', { direction: 'down' }), ['end completed']],
    ['says that it is not down', completed, has('failed', { direction: 'down' }), ['finalize errored']],
    ['has said so', finalizing, has('failed', { direction: 'down' }), ['end aborted']],
  ])('%s', (_, standing, given, steps) => {
    expect(plan(standing, given)).toEqual(steps);
  });
});

describe('a campaign', () => {
  it.each<[string, CampaignStanding, Given, string[]]>([
    ['runs once all nodes are ready', initializing(2000), {}, ['run']],
    ['says what is missing', initializing(2000), { missing: ['a', 'b'] }, ['miss']],
    ['says it once', initializing(2000), { missing: ['a'] }, []],
    ['waits no longer than its deadline', initializing(1000), { missing: ['a'] }, ['finalize errored']],
    ['fails by a node', initializing(2000), { missing: ['a'], nodeError: error }, ['finalize errored']],
    ['has passed its deadline', initializing(2000), { campaign: past }, ['finalize completed']],
    ['looks up as many points as may begin', running, {}, ['look up point 1', 'look up point 2']],
    ['begins them', running, { proposed: input }, ['begin point 1', 'begin point 2']],
    ['begins no more than memory has room for', running, { proposed: input, room: 1 }, ['begin point 1']],
    ['waits for room', running, { proposed: input, room: 0 }, []],
    ['is paused', running, { proposed: input, campaign: { isPaused: true } }, []],
    ['waits for a step', running, { proposed: input, rules: { mode: 'interactive' } }, []],
    [
      ...(['takes a step', running] as const),
      { proposed: input, rules: { mode: 'interactive' }, campaign: { steps: 1 } },
      ['begin point 1'],
    ],
    ['is full', running, { campaign: open(1, 2), underWay: [1, 2] }, []],
    ['has tried all', running, { campaign: { begun: 9 } }, ['close max_iterations']],
    ['has no more points', running, { proposed: () => ({ kind: 'none' }) }, ['close proposals']],
    ['has a bad point', running, { proposed: () => ({ kind: 'bad', error }) }, ['finalize errored']],
    ['looks up an end', running, { campaign: open(1) }, ['look up judge 1']],
    ['judges an end', running, { campaign: open(1), judged: { 1: good } }, ['judge 1']],
    [
      ...(['has found what is good enough', running] as const),
      { campaign: open(1), judged: { 1: { ...good, holds: true } } },
      ['judge 1', 'close until'],
    ],
    [
      ...(['has improved too little', running] as const),
      {
        rules: { goal: 'min', minImprovement: 0.05 },
        campaign: { ...open(2), best: { iterationId: 1, value: 10 } },
        judged: { 2: { ...good, value: 9.9 } },
      },
      ['judge 2', 'close improvement'],
    ],
    [
      ...(['fails with an iteration', running] as const),
      { rules: { stopOnFailure: true }, campaign: open(1), judged: { 1: { state: 'failed', holds: true } } },
      ['judge 1', 'finalize errored'],
    ],
    [
      'has passed its deadline while it runs',
      running,
      { campaign: { ...open(1), ...past } },
      ['finalize completed'],
    ],
    ['waits for those under way', closing, { campaign: open(1), underWay: [1], proposed: input }, []],
    ['has nothing under way', closing, { proposed: input }, ['finalize completed']],
    ['asks for a history', running, { rules: { proposer: 'module' } }, ['look up history 1']],
    ['asks its proposer', running, { rules: { proposer: 'module' }, proposed: input }, ['ask history 1']],
    ['waits for its proposer', running, { rules: { proposer: 'module' }, isProposing: true }, []],
    [
      ...(['reads what its proposer has said', running] as const),
      { rules: { proposer: 'module' }, campaign: { proposal: { taskKey: 'q/1', isAsked: true } } },
      ['look up proposed 1'],
    ],
    [
      ...(['begins with it', running] as const),
      {
        rules: { proposer: 'module' },
        campaign: { proposal: { taskKey: 'q/1', isAsked: true } },
        proposed: input,
      },
      ['begin proposed 1'],
    ],
    ['stops what is under way', finalizing, { campaign: open(1), underWay: [1] }, ['stop']],
    ['stops its proposer', finalizing, { isProposing: true }, ['stop']],
    ['judges what it has stopped', finalizing, { campaign: open(1), judged: { 1: good } }, ['judge 1']],
    ['ends', finalizing, {}, ['end aborted']],
    ['has ended', { kind: 'ended', outcome: { kind: 'aborted' } }, { proposed: input }, []],
  ])('%s', (_, standing, given, steps) => {
    expect(plan(standing, given)).toEqual(steps);
  });
});
