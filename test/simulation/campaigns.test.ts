/**
 * Campaigns under crashes: a seed draws a policy, the order of arrivals, failures, commands and crashes. Whatever happens, each iteration begins once, in
 * order and with the input of a plain reading of the policy, no more are under way than may be, and the campaign ends.
 */
import { expect, it } from 'vitest';
import type { Propose } from '../../src/model/campaign.js';
import { pointAt, withPoint } from '../../src/model/campaign-points.js';
import { CampaignStage, FAILS } from '../orchestrator/campaign-stage.js';
import { Random } from '../support/random.js';

const SEEDS = 60;
const INPUT = { fixed: 1 };

interface Drawn {
  readonly propose: { readonly repeat: true } | { readonly grid: Record<string, unknown[]> } | Drawing;
  readonly maxIterations: number;
  readonly maxParallel: number;
}
type Drawing = { readonly random: Record<string, { min: number; max: number }>; readonly seed: number };

function draw(random: Random, seed: number): Drawn {
  const size = 2 + Math.floor(random.next() * 3);
  return {
    propose: random.pick([
      { repeat: true },
      { grid: { '/a': Array.from({ length: size }, (_, a) => a), '/b': ['x', 'y'] } },
      { random: { '/a': { min: 0, max: 1 } }, seed },
    ]),
    maxIterations: 2 + Math.floor(random.next() * 8),
    maxParallel: 1 + Math.floor(random.next() * 3),
  };
}

/** What a plain reading of the policy gives to an iteration. */
function plainInput({ propose }: Drawn, number: number): unknown {
  if ('repeat' in propose) return INPUT;
  const values = (list: readonly unknown[]) => list.map((value) => JSON.stringify(value));
  const spec: Exclude<Propose, { kind: 'module' }> =
    'grid' in propose
      ? {
          kind: 'grid',
          axes: Object.entries(propose.grid).map(([at, list]) => ({ at, values: values(list) })),
        }
      : {
          ...{ kind: 'random', seed: propose.seed },
          axes: Object.entries(propose.random).map(([at, range]) => ({
            ...{ at, ...range, log: false, integer: false },
          })),
        };
  return withPoint(INPUT, pointAt(spec, number)!);
}

async function simulate(seed: number): Promise<{ readonly ended: string; readonly crashes: number }> {
  const random = new Random(seed);
  const drawn = draw(random, seed);
  const stage = await CampaignStage.open();
  if (random.chance(0.7)) await stage.join('work');
  await stage.run(
    {
      ...{ propose: drawn.propose, max_iterations: drawn.maxIterations, max_parallel: drawn.maxParallel },
      ...(random.chance(0.3) && { until: 'work.loss < 0.05' }),
      ...(random.chance(0.2) && { stop_on_failure: true }),
    },
    INPUT,
  );
  let crashes = 0;
  for (let turns = 0; !stage.hasEnded; turns += 1) {
    if (turns > 500) throw new Error(`seed ${seed}: it has no end`);
    if (stage.peers.length === 0) await stage.join('work');
    if (random.chance(0.25)) {
      crashes += 1;
      await stage.crash();
    }
    if (random.chance(0.1)) await stage.command(random.pick(['pause', 'resume', 'finish', 'abort']));
    if (stage.campaign.isPaused) await stage.command('resume');
    const ordered = [...stage.open.values()];
    if (stage.hasEnded || ordered.length === 0) continue;
    const { order, peer } = random.pick(ordered);
    const { desired } = stage.core.state.executions.get(order.executionId) ?? {};
    if (desired === 'stopped') {
      stage.open.delete(order.executionId);
      await stage.take(await peer.report(order, 'CANCELLED'));
      await stage.settle();
    } else {
      const value = random.chance(0.2) ? FAILS : { loss: random.next() };
      await stage.take(await stage.core.turn(stage.answers({ order, peer, input: {} }, value)));
      await stage.settle();
    }
    expect(stage.campaign.open.size).toBeLessThanOrEqual(drawn.maxParallel);
    expect(await stage.core.faults()).toEqual([]);
  }
  const { begun, open } = stage.campaign;
  expect(stage.ran).toEqual(
    Array.from({ length: begun }, (_, index) => [index + 1, plainInput(drawn, index + 1)]),
  );
  expect(open.size).toBe(0);
  return { ended: stage.phase, crashes };
}

it('begins each iteration once, with the input that it is to have, over all crashes', async () => {
  const ends = new Map<string, number>();
  let crashed = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { ended, crashes } = await simulate(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed}`, { cause });
    });
    ends.set(ended, (ends.get(ended) ?? 0) + 1);
    crashed += crashes;
  }
  // A run in which everything ended alike would prove little.
  expect(ends.get('completed')).toBeGreaterThan(SEEDS / 3);
  expect(ends.get('aborted')).toBeGreaterThan(2);
  expect(ends.get('errored')).toBeGreaterThan(1);
  expect(crashed).toBeGreaterThan(SEEDS / 2);
}, 60_000);
