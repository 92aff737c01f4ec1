/** What each command does in each phase of a campaign, cell by cell; and what is wrong with a campaign that is asked for. */
import { describe, expect, it } from 'vitest';
import type { AskedCampaign, AskedPolicy, AskedSchedule } from '../../src/orchestrator/port.js';
import { type PrepareCampaignRunDeps, prepareCampaignRun } from '../../src/orchestrator/prepare/campaign.js';
import { CampaignStage } from './campaign-stage.js';

type Phase = 'initializing' | 'running' | 'paused' | 'closing' | 'finalizing' | 'aborting' | 'ended';
const COMMANDS = ['pause', 'resume', 'step', 'finish', 'abort'] as const;

/** Interactive, with an iteration under way from `running` on. */
async function at(phase: Phase): Promise<CampaignStage> {
  const stage = await CampaignStage.open();
  if (phase !== 'initializing') await stage.join('work');
  await stage.run({ mode: 'interactive', max_iterations: 3, deadline: phase === 'finalizing' ? '2s' : '1h' });
  if (phase === 'initializing') return stage;
  await stage.command('step');
  if (phase === 'paused') await stage.command('pause');
  if (phase === 'closing') await stage.command('finish');
  if (phase === 'finalizing') await stage.pass(2020);
  if (phase === 'aborting' || phase === 'ended') await stage.command('abort');
  if (phase === 'ended') {
    const [left] = [...stage.open.values()];
    await stage.take(await left!.peer.report(left!.order, 'CANCELLED'));
    await stage.settle();
  }
  return stage;
}

/** The code of the refusal, or what the campaign is afterwards. */
const TABLE: Readonly<Record<Phase, readonly string[]>> = {
  //              pause                  resume                 step                   finish                 abort
  initializing: ['initializing, paused', 'initializing', 'initializing, 1 step', 'completed', 'aborted'],
  running: ['running, paused', 'running', 'running, 1 step', 'running, finish', 'finalizing aborted'],
  paused: ['running, paused', 'running', 'campaign_paused', 'running, paused, finish', 'finalizing aborted'],
  closing: [
    ...['running, paused, finish', 'running, finish', 'no_iterations_left'],
    ...['running, finish', 'finalizing aborted'],
  ],
  finalizing: [
    ...['not_in_this_phase', 'not_in_this_phase', 'not_in_this_phase'],
    ...['finalizing completed', 'finalizing aborted'],
  ],
  aborting: [
    ...['not_in_this_phase', 'not_in_this_phase', 'not_in_this_phase'],
    ...['finalizing aborted', 'finalizing aborted'],
  ],
  ended: COMMANDS.map(() => 'campaign_ended'),
};

function standingOf({ campaign, phase }: CampaignStage): string {
  const { standing, isPaused, steps } = campaign;
  const of = standing.kind === 'finalizing' ? ` ${standing.outcome.kind}` : '';
  const stop = standing.kind === 'running' && standing.stop ? [standing.stop] : [];
  return [phase + of, ...(isPaused ? ['paused'] : []), ...stop, ...(steps > 0 ? [`${steps} step`] : [])].join(
    ', ',
  );
}

describe.each(Object.keys(TABLE) as Phase[])('a campaign that is %s', (phase) => {
  it.each(COMMANDS)('is told to %s', async (command) => {
    const stage = await at(phase);
    const refused = await stage.command(command);
    expect(refused?.code ?? standingOf(stage)).toBe(TABLE[phase][COMMANDS.indexOf(command)]);
    expect(await stage.core.faults()).toEqual([]);
  });
});

it('takes no iteration of a person before it has ended, and then goes on as a problem', async () => {
  const stage = await CampaignStage.open();
  await stage.join('work');
  await stage.run({ max_iterations: 1 });
  const ask = () =>
    stage.core.ask({
      ...{ kind: 'iterate', problemId: stage.id, graphVersion: 1 },
      prepared: { kind: 'inline', bytes: Buffer.from('{}') },
    });
  expect(await ask()).toMatchObject({ ok: false, code: 'campaign_under_way' });
  await stage.play(() => ({}));
  expect(await ask()).toMatchObject({ ok: true });
  expect(await stage.core.faults()).toEqual([]);
});

describe('a campaign that is asked for', () => {
  it.each<[Partial<AskedPolicy>, string, string]>([
    [{}, '/policy/max_iterations', 'needed'],
    [{ max_iterations: 0 }, '/policy/max_iterations', 'out_of_range'],
    [{ max_iterations: 1, max_parallel: 1001 }, '/policy/max_parallel', 'out_of_range'],
    [{ max_iterations: 1, until: 'other.loss < 1' }, '/policy/until', 'unknown_field'],
    [{ max_iterations: 1, until: 'work.loss <' }, '/policy/until', 'bad_expression'],
    [
      { max_iterations: 1, objective: { field: 'loss', goal: 'min' } },
      '/policy/objective/field',
      'unknown_field',
    ],
    [
      { max_iterations: 1, objective: { field: 'work.loss', goal: 'min', min_improvement: 5 } },
      ...(['/policy/objective/min_improvement', 'out_of_range'] as const),
    ],
    [{ max_iterations: 1, deadline: 'soon' }, '/policy/deadline', 'bad_deadline'],
    [{ max_iterations: 1, deadline: '2020-01-01T00:00:00Z' }, '/policy/deadline', 'bad_deadline'],
    [{ max_iterations: 1, initializing_deadline: '5' }, '/policy/initializing_deadline', 'bad_duration'],
    [{ max_iterations: 1, propose: {} }, '/policy/propose', 'bad_proposals'],
    [{ max_iterations: 1, propose: { repeat: true, grid: {} } }, '/policy/propose', 'bad_proposals'],
    [{ max_iterations: 1, propose: { repeat: true, seed: 1 } }, '/policy/propose/seed', 'not_random'],
    [{ propose: { grid: {} } }, '/policy/propose/grid', 'out_of_range'],
    [{ propose: { grid: { x: [1] } } }, '/policy/propose/grid/x', 'bad_pointer'],
    [{ propose: { grid: { '/x': [] } } }, '/policy/propose/grid/~1x', 'out_of_range'],
    [
      { propose: { grid: { '/a': Array(400).fill(0), '/b': Array(400).fill(0) } } },
      ...(['/policy/propose/grid', 'grid_too_large'] as const),
    ],
    [{ propose: { grid: { '/plain/deep': [1] } } }, '/input', 'bad_pointer'],
    [
      { max_iterations: 1, propose: { random: { '/x': { min: 0, max: 1, log: true } } } },
      ...(['/policy/propose/random/~1x', 'out_of_range'] as const),
    ],
    [
      { max_iterations: 1, propose: { random: { '/x': { min: 2, max: 1 } } } },
      ...(['/policy/propose/random/~1x', 'out_of_range'] as const),
    ],
    [{ max_iterations: 1, propose: { module: 'q.suggest' } }, '/policy/propose/module', 'unknown_graph'],
    [{ max_iterations: 1, propose: { module: 'p.other' } }, '/policy/propose/module', 'unknown_module'],
  ])('is refused with the path of its fault: %j', async (policy, path, code) => {
    const stage = await CampaignStage.open();
    expect(stage.asks(policy, { plain: 1 })).toMatchObject({
      ok: false,
      kind: 'invalid',
      details: [{ path, code }],
    });
  });

  it.each<[Partial<AskedPolicy>, AskedSchedule, string, string]>([
    [{}, { cron: 'daily' }, '/schedule/cron', 'bad_cron'],
    [{}, { cron: '0 0 30 2 *' }, '/schedule/cron', 'bad_cron'],
    [{}, { cron: '@daily', time_zone: 'Mars/Base' }, '/schedule/time_zone', 'bad_time_zone'],
    [{ mode: 'interactive' }, { cron: '@daily' }, '/schedule', 'not_automated'],
  ])('is refused with the path of the fault of its schedule: %j %j', async (policy, schedule, path, code) => {
    const stage = await CampaignStage.open();
    expect(stage.asks({ max_iterations: 1, ...policy }, {}, schedule)).toMatchObject({
      ok: false,
      details: [{ path, code }],
    });
  });

  it.each(['author', 'viewer'] as const)('brings up no deployment for the role %s', async (role) => {
    const { core } = await CampaignStage.open();
    const nothing = (): never => {
      throw new Error('it is not asked');
    };
    const deps = {
      ...{
        state: core.state,
        bound: '*',
        types: undefined,
        wallMs: () => core.wallMs,
        ids: { uuid: nothing },
      },
      ...{ readBlueprint: nothing, sees: nothing, inlineMaxBytes: 0, blobs: { put: nothing, open: nothing } },
    } as unknown as PrepareCampaignRunDeps;
    const asked = (deployment: AskedCampaign['deployment']) =>
      prepareCampaignRun(deps, {
        ...{ kind: 'run_campaign', name: 'sweep', graph: 'g', input: {}, role, deployment: deployment! },
        policy: { mode: 'automated', propose: { repeat: true }, max_iterations: 1 },
      });
    for (const blueprint of ['blueprint: b\ncomponents: {}\n', { blueprint: 'x' }, { csar: 'x' }])
      expect(await asked(blueprint)).toMatchObject({ kind: 'forbidden', code: 'operator_needed' });
    expect(await asked('nobody')).toMatchObject({
      ...{ kind: 'not_found', code: 'unknown_deployment', details: [{ path: '/deployment' }] },
    });
  });
});
