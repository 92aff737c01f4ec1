/**
 * `npm run soak -- [--minutes N] [--executions N] [--seed S] [--min-successes N]
 * [--slots NAME,…] [--keep]`. Prints what was done and what was counted;
 * exits with 1 when an execution ended otherwise than it should, or something was lost.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { soak } from './soak.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    executions: { type: 'string', default: '20000' },
    seed: { type: 'string' },
    'min-successes': { type: 'string' },
    slots: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

const SHOWN_FAULTS = 50;
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const minutes = Number(values.minutes);
const executions = Number(values.executions);
const minSuccesses = Number(values['min-successes'] ?? Math.floor(executions / 2));
const folder = await mkdtemp(join(tmpdir(), 'tutti-soak-'));
console.log(`soak with seed ${seed} in ${folder}`);
const report = await soak({
  ...{ root: process.cwd(), folder, seed, executions, minSuccesses, ms: minutes * 60_000 },
  ...(values.slots !== undefined && { only: values.slots.split(',') }),
  log: (text) => console.log(text),
});
const { faults, ends, kills, memory, ...figures } = report;
console.log(JSON.stringify(figures, null, 2));
console.log('\nends of executions');
console.table(ends);
console.log('kills');
console.table(kills);
console.log('memory');
console.table(memory);
for (const fault of faults.slice(0, SHOWN_FAULTS)) console.log(`FAULT ${fault}`);
console.log(faults.length === 0 ? '\neverything ended as it should' : `\n${faults.length} faults`);
if (faults.length > 0)
  console.log(
    `again: npm run soak -- --minutes ${minutes} --executions ${executions} --seed ${seed}; logs are in ${folder}`,
  );
else if (!values.keep) await rm(folder, { recursive: true, force: true });
process.exit(faults.length === 0 ? 0 : 1);
