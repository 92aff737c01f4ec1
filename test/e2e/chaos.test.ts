/**
 * A short run of `test/chaos`: real processes under everything that the nemesis can think of, then the checker. `CHAOS_SEED=7` repeats
 * what is done to them, though not to the millisecond when. Everybody joins with a key, over CURVE, with every other seed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chaos } from '../chaos/chaos.js';

const SEED = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const WITH_CURVE = SEED % 2 === 1;
const ATTACK_MS = 120_000;
/** A small part of what a machine under heavy load brings about: a run in which nothing succeeds proves nothing. */
const MIN_SUCCESSES = 20;

it('breaks no promise while processes are killed and stopped, clocks step, connections fail and the disk is full', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-chaos-'));
  const attacks: string[] = [];
  const report = await chaos({
    ...{
      root: process.cwd(),
      folder,
      seed: SEED,
      attackMs: ATTACK_MS,
      minSuccesses: MIN_SUCCESSES,
      curve: WITH_CURVE,
    },
    log: (text) => attacks.push(text),
  });
  const told = `CHAOS_SEED=${SEED}${WITH_CURVE ? ' (with CURVE)' : ''}, in ${folder}:\n${attacks.join('\n')}\n${JSON.stringify(report, null, 2)}`;
  expect(report.faults, told).toEqual([]);
  await rm(folder, { recursive: true, force: true });
}, 360_000);
