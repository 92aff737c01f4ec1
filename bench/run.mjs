/**
 * npm run bench -- [--quick] [--check] [--only NAME]… [--rounds N] [--data DIR] [--dist DIR] [--profiles DIR] [--keep-floors]
 *
 * Starts real processes, prints a table for each question, and writes results/<date>.json.
 *
 * --quick        shorter and smaller: minutes instead of hours
 * --check        fails when a ratio is worse than its floor (floors.json) by more than the noise
 * --only NAME    only this question; repeatable
 * --rounds N     interleaved rounds of what is compared; at least 3, of which the median is shown
 * --data DIR     where stores are made: the disk that is measured (default: the system's temporary folder)
 * --dist DIR     another build of the product, to compare two
 * --profiles DIR processor profiles of the coordinator in the first round of the chain (see profile.mjs)
 * --keep-floors  keep what was measured as the new floors
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chain } from './questions/chain.mjs';
import { commands } from './questions/commands.mjs';
import { fan } from './questions/fan.mjs';
import { history } from './questions/history.mjs';
import { neighbours } from './questions/neighbours.mjs';
import { nodes } from './questions/nodes.mjs';
import { payloads } from './questions/payloads.mjs';
import { queue } from './questions/queue.mjs';
import { six } from './questions/six.mjs';
import { start } from './questions/start.mjs';
import { viewers } from './questions/viewers.mjs';
import { belowFloor, keepFloors } from './support/floors.mjs';
import { prepareGround, root } from './support/ground.mjs';
import { describeMachine } from './support/machine.mjs';
import { endAll } from './support/processes.mjs';
import { printTable, ratioTable } from './support/report.mjs';

const QUESTIONS = [chain, six, payloads, fan, nodes, queue, viewers, history, start, neighbours, commands];

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    data: { type: 'string', default: tmpdir() },
    dist: { type: 'string', default: join(root, 'dist') },
    profiles: { type: 'string' },
    'keep-floors': { type: 'boolean', default: false },
  },
});
const unknown = options.only.filter((name) => !QUESTIONS.some((question) => question.name === name));
if (unknown.length > 0) {
  console.error(
    `unknown question ${unknown.join(', ')}: one of ${QUESTIONS.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const dist = resolve(options.dist);
const { hasRedis, hasPython } = prepareGround(dist);
if (!hasRedis) console.log('redis-server is missing and could not be installed: BullMQ is left out');
if (!hasPython) console.log('python3 with pyzmq and protobuf is missing: Python nodes are left out');
if (options.profiles) mkdirSync(options.profiles, { recursive: true });
/** Everything that a run writes, its results apart, is in here. */
const scratch = mkdtempSync(join(resolve(options.data), 'tutti-bench-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
/** @type {import('./support/tutti.mjs').Context} */
const context = {
  dist,
  data: scratch,
  quick: options.quick,
  rounds: Math.max(3, Number(options.rounds ?? (options.quick ? 3 : 5))),
  hasRedis,
  hasPython,
  profiles: options.profiles && resolve(options.profiles),
};
const machine = describeMachine(root, context.data);
console.log(JSON.stringify(machine));

/** Set once the run is to stop: settles when every process has ended. @type {Promise<void> | undefined} */
let stopping;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    stopping ??= endAll().then(() => process.exit(1));
  });
}

/** @type {Record<string, import('./support/report.mjs').Report>} */
const reports = {};
/** @type {string[]} */
const failures = [];
for (const question of QUESTIONS) {
  if (options.only.length > 0 && !options.only.includes(question.name)) continue;
  const before = performance.now();
  try {
    const report = await question.run(context);
    reports[question.name] = report;
    for (const table of report.tables) printTable(table);
    if (report.ratios.length > 0) printTable(ratioTable(report.ratios));
    console.log(`Not measured: ${report.notMeasured.join('; ')}.`);
    console.log(`(${question.name}: ${((performance.now() - before) / 1000).toFixed(0)} s)`);
  } catch (error) {
    await stopping;
    failures.push(`${question.name}: ${error instanceof Error ? error.message : error}`);
    console.error(error);
  } finally {
    await endAll();
  }
}

const results = join(root, 'bench/results');
mkdirSync(results, { recursive: true });
const file = join(results, `${machine.at.replaceAll(':', '-')}.json`);
const { quick, rounds } = context;
writeFileSync(file, `${JSON.stringify({ machine, quick, rounds, failures, reports }, undefined, 2)}\n`);
console.log(`\nWritten to ${file}`);

const ratios = Object.values(reports).flatMap((report) => report.ratios);
if (options['keep-floors']) keepFloors(ratios);
const below = options.check ? belowFloor(ratios) : [];
for (const line of below) console.error(`below its floor: ${line}`);
for (const line of failures) console.error(`failed: ${line}`);
process.exit(below.length > 0 || failures.length > 0 ? 1 : 0);
