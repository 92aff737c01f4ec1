/** Campaigns: what they begin, when, and how they end, over restarts. Each cell of commands and phases is a case of `campaign-commands.test.ts`. */
import { describe, expect, it } from 'vitest';
import { CampaignStage, FAILS } from './campaign-stage.js';

const staged = async (): Promise<CampaignStage> => {
  const stage = await CampaignStage.open();
  await stage.join('work');
  return stage;
};

describe('a campaign', () => {
  it('waits for a node of each module, runs all its iterations, and ends', async () => {
    const stage = await CampaignStage.open();
    await stage.run({ max_iterations: 3 }, { x: 1 });
    expect([stage.phase, stage.campaign.standing]).toMatchObject(['initializing', { missing: ['work'] }]);
    await stage.join('work');
    expect([stage.phase, stage.working]).toEqual(['running', [1]]);
    await stage.play(() => ({ loss: 1 }));
    expect(stage.campaign.standing).toEqual({
      kind: 'ended',
      outcome: { kind: 'completed', by: 'max_iterations' },
    });
    expect(stage.ran).toEqual([1, 2, 3].map((iteration) => [iteration, { x: 1 }]));
    expect(stage.events.filter((type) => type.startsWith('campaign.'))).toEqual([
      ...['campaign.running', 'campaign.finalizing', 'campaign.completed'],
    ]);
    expect(await stage.core.faults()).toEqual([]);
  });

  it('tries every point of a grid, a few at once, and keeps the best', async () => {
    const stage = await staged();
    await stage.run(
      {
        propose: { grid: { '/a': [1, 2, 3], '/deep/b': ['x', 'y'] } },
        max_parallel: 4,
        objective: { field: 'work.loss', goal: 'min' },
      },
      { fixed: true },
    );
    expect(stage.working).toEqual([1, 2, 3, 4]);
    await stage.play(({ a, deep }) => ({ loss: Number(a) === 2 ? 0 : (deep as { b: string }).b.length }));
    expect(stage.ran.map(([, { a, deep }]) => [a, (deep as { b: string }).b])).toEqual([
      ...[1, 2, 3].flatMap((a) => [
        [a, 'x'],
        [a, 'y'],
      ]),
    ]);
    expect(stage.campaign.best).toEqual({ iterationId: 3, value: 0 });
    expect(stage.campaign.standing).toMatchObject({ outcome: { by: 'max_iterations' } });
  });

  it('begins no further iteration once one is good enough, and lets those under way end', async () => {
    const stage = await staged();
    await stage.run({ max_iterations: 9, max_parallel: 2, until: 'work.loss < 0.5' });
    await stage.gives('work', { loss: 0.1 });
    expect([stage.phase, stage.campaign.standing, stage.working]).toEqual([
      'running',
      { kind: 'running', stop: 'until' },
      [2],
    ]);
    await stage.gives('work', { loss: 3 });
    expect(stage.campaign.standing).toMatchObject({ kind: 'ended', outcome: { by: 'until' } });
    expect(stage.ran).toHaveLength(2);
  });

  it('stops once an iteration improves the best by too little', async () => {
    const stage = await staged();
    const losses = [10, 8, 7.7, 1];
    const objective = { field: 'work.loss', goal: 'min', min_improvement: 0.05 } as const;
    await stage.run({ max_iterations: 9, objective });
    await stage.play((_, iteration) => ({ loss: losses[iteration - 1] }));
    expect([stage.campaign.best, stage.campaign.standing]).toMatchObject([
      { iterationId: 3, value: 7.7 },
      { outcome: { kind: 'completed', by: 'improvement' } },
    ]);
  });

  it('goes on after a failed iteration, and ends with it where it is to', async () => {
    for (const stop_on_failure of [false, true]) {
      const stage = await staged();
      await stage.run({ max_iterations: 3, max_parallel: 2, stop_on_failure });
      await stage.gives('work', FAILS);
      if (!stop_on_failure) {
        await stage.play(() => ({}));
        expect(stage.campaign.standing).toMatchObject({ outcome: { by: 'max_iterations' } });
        continue;
      }
      expect(stage.phase).toBe('finalizing');
      const [left] = [...stage.open.values()];
      await stage.take(await left!.peer.report(left!.order, 'CANCELLED'));
      await stage.settle();
      const context = { iteration_id: 1, message: 'work: it broke' };
      expect(stage.campaign.standing).toEqual({
        kind: 'ended',
        outcome: { kind: 'errored', error: { type: 'iteration_failed', scope: 'iteration', context } },
      });
      expect(stage.ran).toHaveLength(2);
    }
  });

  it('is errored where no node is ready in time, and where one that it needs is in error', async () => {
    const late = await CampaignStage.open();
    await late.run({ max_iterations: 1, initializing_deadline: '2s' });
    await late.pass(1980);
    expect(late.phase).toBe('initializing');
    await late.pass(40);
    expect(late.campaign.standing).toMatchObject({
      outcome: { error: { type: 'initializing_deadline', context: { modules: ['work'] } } },
    });
    const broken = await CampaignStage.open();
    const peer = broken.core.peer('work');
    await peer.join();
    await peer.say({
      kind: 'node_report',
      status: 'ERROR',
      error: { code: 'gpu', message: 'no GPU', retryable: false },
    });
    await broken.run({ max_iterations: 1 });
    expect(broken.campaign.standing).toMatchObject({
      outcome: { error: { type: 'node_error', context: { message: 'work/work-1 is in error: no GPU' } } },
    });
  });

  it('ends at its deadline, and stops what is under way', async () => {
    const stage = await staged();
    await stage.run({ max_iterations: 9, deadline: '5s' });
    const [left] = [...stage.open.values()];
    await stage.core.pass(1000);
    for (let s = 0; s < 5; s += 1) {
      await stage.take(await left!.peer.beat([left!.order.executionId], 'RUNNING'));
      await stage.pass(1000);
    }
    expect(stage.phase).toBe('finalizing');
    await stage.take(await left!.peer.report(left!.order, 'CANCELLED'));
    await stage.settle();
    expect(stage.campaign.standing).toMatchObject({ kind: 'ended', outcome: { by: 'deadline' } });
  });

  it('takes each step when a person asks for it, where it is interactive', async () => {
    const stage = await staged();
    await stage.run({ mode: 'interactive', max_iterations: 2, max_parallel: 2 });
    expect(stage.working).toEqual([]);
    await stage.command('step');
    expect(stage.working).toEqual([1]);
    await stage.command('step');
    expect((await stage.command('step'))?.code).toBe('no_iterations_left');
    await stage.play(() => ({}));
    expect([stage.phase, stage.ran.length]).toEqual(['completed', 2]);
  });

  it('begins one iteration at each time of its schedule, and one for all that were missed', async () => {
    const stage = await CampaignStage.open({ timeoutMs: 3_600_000 });
    await stage.join('work');
    const SECONDS = 1000;
    const passes = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= SECONDS) {
        await stage.beat();
        await stage.pass(Math.min(left, SECONDS));
      }
    };
    await stage.run({ max_iterations: 4 }, {}, { cron: '* * * * *' });
    const first = stage.campaign.next!.at;
    const minutesTo = (next: number): number => (next - first) / (60 * SECONDS);
    await passes(first - stage.core.wallMs - SECONDS);
    expect(stage.working).toEqual([]);
    await passes(2 * SECONDS);
    expect([stage.working, minutesTo(stage.campaign.next!.at)]).toEqual([[1], 1]);
    // It has not ended at the next two times: they count as one.
    const [long] = [...stage.open.values()];
    await stage.take(await long!.peer.report(long!.order, 'RUNNING'));
    await passes(140 * SECONDS);
    expect(stage.working).toEqual([1]);
    await stage.gives('work', {});
    expect([stage.working, minutesTo(stage.campaign.next!.at)]).toEqual([[2], 3]);
    await stage.gives('work', {});
    expect(stage.working).toEqual([]);
    // There is no orchestrator.
    await stage.crash(240 * SECONDS);
    expect([stage.working, minutesTo(stage.campaign.next!.at)]).toEqual([[3], 7]);
    await stage.gives('work', {});
    // A person holds it.
    await stage.command('pause');
    await passes(130 * SECONDS);
    expect(stage.working).toEqual([]);
    await stage.command('resume');
    expect(stage.working).toEqual([4]);
    await stage.gives('work', {});
    expect([stage.phase, stage.ran.length]).toEqual(['completed', 4]);
    expect(await stage.core.faults()).toEqual([]);
  });

  it('asks a module what to try next, with all that has been', async () => {
    const stage = await staged();
    await stage.join('suggest');
    await stage.run({ propose: { module: 'p.suggest' }, max_iterations: 9 });
    const histories: unknown[] = [];
    await stage.play(
      ({ x }) => ({ loss: Number(x) }),
      (given) => {
        const history = (given as { history: { input: { x: number } }[] }).history;
        histories.push(history);
        return history.length < 2 ? { input: { x: history.length } } : { done: true };
      },
    );
    expect(histories.at(-1)).toEqual(
      [0, 1].map((x) => ({
        ...{ iteration_id: x + 1, input: { x }, outputs: { work: { loss: x } }, state: 'succeeded' },
      })),
    );
    expect(stage.ran).toEqual([
      [1, { x: 0 }],
      [2, { x: 1 }],
    ]);
    expect(stage.campaign.standing).toMatchObject({ outcome: { kind: 'completed', by: 'proposals' } });
    expect(await stage.core.faults()).toEqual([]);
  });

  it.each([
    [{ input: { x: 1 }, done: true }, 'bad_proposal'],
    [[1], 'bad_proposal'],
    [{ done: false }, 'bad_proposal'],
    ['nonsense', 'bad_proposal'],
    [FAILS, 'proposer_failed'],
  ])('a proposer that says %j ends it as errored', async (said, type) => {
    const stage = await staged();
    await stage.join('suggest');
    await stage.run({ propose: { module: 'p.suggest' }, max_iterations: 9 });
    await stage.play(
      () => ({}),
      () => said,
    );
    expect(stage.campaign.standing).toMatchObject({ outcome: { kind: 'errored', error: { type } } });
  });

  it('goes on after a restart in every phase, and begins nothing twice', async () => {
    const stage = await CampaignStage.open();
    await stage.run({
      propose: { random: { '/x': { min: 0, max: 1 } }, seed: 7 },
      max_iterations: 6,
      max_parallel: 2,
    });
    await stage.crash();
    expect(stage.phase).toBe('initializing');
    await stage.join('work');
    for (let crashes = 0; !stage.hasEnded; crashes += 1) {
      expect(crashes).toBeLessThan(20);
      await stage.crash();
      if (stage.open.size > 0) await stage.gives('work', {});
    }
    expect(stage.ran.map(([iteration]) => iteration)).toEqual([1, 2, 3, 4, 5, 6]);
    const whole = await staged();
    await whole.run({
      propose: { random: { '/x': { min: 0, max: 1 } }, seed: 7 },
      max_iterations: 6,
      max_parallel: 2,
    });
    await whole.play(() => ({}));
    expect(stage.ran).toEqual(whole.ran);
    expect(await stage.core.faults()).toEqual([]);
  });

  it('leaves nothing of a step or a batch behind, wherever a fact of it throws', async () => {
    const stage = await staged();
    await stage.join('suggest');
    stage.core.isSabotaged = true;
    await stage.run({ propose: { module: 'p.suggest' }, max_iterations: 2 });
    await stage.play(
      () => ({}),
      () => ({ input: {} }),
    );
    expect([stage.phase, stage.ran.length]).toEqual(['completed', 2]);
    expect(stage.core.undoneBatches).toBeGreaterThan(10);
  });
});
