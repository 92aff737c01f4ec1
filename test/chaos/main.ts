/**
 * `npm run chaos -- [--minutes N] [--kills N] [--seed S] [--min-successes N] [--scripts] [--curve] [--pace N] [--keep]`, or `--check URL JOURNALS [DATA]` for the checker alone.
 * With `--scripts` there are commands and their agents only; with `--curve` everybody joins with a key; `--pace 5` leaves five times as long between two blows. Where there is Slurm, commands run in it, too.
 * Prints what was done and what was counted; exits with 1 when a promise was broken.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hasSlurm } from '../support/slurm.js';
import { chaos } from './chaos.js';
import { check } from './checker.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string' },
    kills: { type: 'string' },
    seed: { type: 'string' },
    'min-successes': { type: 'string' },
    check: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    scripts: { type: 'boolean', default: false },
    curve: { type: 'boolean', default: false },
    pace: { type: 'string', default: '1' },
  },
});

/** Where nothing else is said: a fraction of what a run brings that is attacked all the time. */
const SUCCESSES_PER_MINUTE = 40;
const SHOWN_FAULTS = 50;

function print(what: string, figures: Readonly<Record<string, number>>): void {
  console.log(`\n${what}`);
  for (const [name, count] of Object.entries(figures)) console.log(`  ${String(count).padStart(8)}  ${name}`);
}

function conclude(faults: readonly string[]): void {
  for (const fault of faults.slice(0, SHOWN_FAULTS)) console.log(`FAULT ${fault}`);
  console.log(faults.length === 0 ? '\nno promise was broken' : `\n${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

if (values.check) {
  const [http = '', journals = '', data] = positionals;
  const { counts, faults } = await check({
    http,
    journals,
    ...(data !== undefined && { store: { root: process.cwd(), data } }),
    minSuccesses: Number(values['min-successes'] ?? 1),
  });
  print('counted', counts);
  conclude(faults);
} else {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const minutes = Number(values.minutes ?? 2);
  const kills = values.kills === undefined ? undefined : Number(values.kills);
  const minSuccesses = Number(values['min-successes'] ?? kills ?? Math.floor(minutes * SUCCESSES_PER_MINUTE));
  const folder = await mkdtemp(join(tmpdir(), 'tutti-chaos-'));
  console.log(`chaos with seed ${seed} in ${folder}`);
  const report = await chaos({
    ...{
      root: process.cwd(),
      folder,
      seed,
      minSuccesses,
      slurm: hasSlurm,
      onlyScripts: values.scripts,
      curve: values.curve,
      pace: Number(values.pace),
      log: (text) => console.log(text),
    },
    ...(kills === undefined ? { attackMs: minutes * 60_000 } : { kills }),
  });
  print(`done to it in ${report.seconds} s`, report.attacks);
  print('counted', report.counts);
  conclude(report.faults);
  if (report.faults.length > 0) {
    const wanted = kills === undefined ? `--minutes ${minutes}` : `--kills ${kills}`;
    const more = values.curve ? ' --curve' : '';
    console.log(
      `again: npm run chaos -- ${wanted}${more} --seed ${seed}; data and journals are in ${folder}`,
    );
  } else if (!values.keep) await rm(folder, { recursive: true, force: true });
}
process.exit();
