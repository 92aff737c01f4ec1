import { expect, it } from 'vitest';
import { simulate } from './simulate.js';

/** How many runs; `SEED` asks for that one alone. */
const RUNS = Number(process.env.RUNS ?? 1000);
const FIRST_SEED = 1;
/** Of all tasks, chaos, stops and failures included. Fewer would prove little. */
const LEAST_SUCCEEDED = 0.4;

const seeds = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index);

it('keeps every promise through crashes, losses, repeats and restarts, whatever their order', {
  timeout: 60_000 + seeds.length * 600,
}, async () => {
  let tasks = 0;
  let succeeded = 0;
  let crashes = 0;
  let removed = 0;
  const events = new Map<string, number>();
  for (const seed of seeds) {
    const result = await simulate(seed);
    tasks += result.tasks;
    succeeded += result.succeeded;
    crashes += result.crashes;
    removed += result.removed;
    for (const [type, count] of result.events) events.set(type, (events.get(type) ?? 0) + count);
  }
  if (process.env.VERBOSE)
    console.log({ tasks, succeeded, crashes, removed }, Object.fromEntries([...events].sort()));
  expect(succeeded / tasks).toBeGreaterThan(LEAST_SUCCEEDED);
  if (seeds.length < 100) return;
  expect(crashes).toBeGreaterThan(seeds.length / 4);
  expect(removed).toBeGreaterThan(seeds.length / 4);
  for (const type of [
    'node.dead',
    'execution.lost',
    'execution.preempted',
    'output.refused',
    'module.skipped',
    'module.reused',
    'approval.decided',
    'loop.passed',
    'loop.ended',
    'iteration.suspended',
    'taken',
    'map.started',
    'item.waiting',
    'item.succeeded',
    'item.reused',
    'module.mapped',
  ]) {
    expect(events.get(type), `${type} happened`).toBeGreaterThan(seeds.length / 50);
  }
});
