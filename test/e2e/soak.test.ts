/**
 * A short run of `test/soak`: nodes of both languages whose handlers fork, compute, raise, leak and die, and are killed at random.
 * `SOAK_SEED=7` repeats what is asked for, though not to the millisecond when.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { soak } from '../soak/soak.js';

const SEED = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const MS = 75_000;
const EXECUTIONS = 300;
/** Under heavy load, too: many of the table are meant to fail. */
const MIN_SUCCESSES = 100;

it('ends every execution as it should and loses no slot, process or file, whatever handlers do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-soak-'));
  const report = await soak({
    ...{ root: process.cwd(), folder, seed: SEED, ms: MS, executions: EXECUTIONS },
    ...{ minSuccesses: MIN_SUCCESSES, log: (text) => console.log(text) },
  });
  const told = `${report.faults.join('\n')}\nSOAK_SEED=${SEED}, in ${folder}:\n${JSON.stringify(report, null, 2)}`;
  expect(report.faults, told).toEqual([]);
  await rm(folder, { recursive: true, force: true });
}, 480_000);
