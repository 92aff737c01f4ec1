import { expect, it } from 'vitest';
import { simulateFleet } from './simulate-fleet.js';

/** How many runs; `SEED` asks for that one alone. */
const RUNS = Number(process.env.RUNS ?? 300);
const FIRST_SEED = 1;

const seeds = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index);

it('keeps services and deployments as they are asked for through crashes, lost clusters and restarts, whatever their order', {
  timeout: 60_000 + seeds.length * 600,
}, async () => {
  let crashes = 0;
  let replicas = 0;
  const events = new Map<string, number>();
  for (const seed of seeds) {
    const result = await simulateFleet(seed);
    crashes += result.crashes;
    replicas += result.replicas;
    for (const [type, count] of result.events) events.set(type, (events.get(type) ?? 0) + count);
  }
  if (process.env.VERBOSE) console.log({ crashes, replicas }, Object.fromEntries([...events].sort()));
  if (seeds.length < 100) return;
  expect(crashes).toBeGreaterThan(seeds.length / 4);
  expect(replicas).toBeGreaterThan(seeds.length);
  for (const type of [
    'replica.ready',
    'replica.completed',
    'replica.failed',
    'replica.stopped',
    'replica.lost',
    'service.degraded',
    'service.restored',
    'service.removed',
    'cluster.removed',
    'node.dead',
    'iteration.removed',
    'deployment.succeeded',
    'deployment.failed',
    'module.served',
  ]) {
    expect(events.get(type), `${type} happened`).toBeGreaterThan(seeds.length / 50);
  }
});
