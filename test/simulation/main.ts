/**
 * `npm run simulate -- [--runs N] [--from SEED]`: so many simulated runs, one after the other, each from a seed of its own. A run that
 * breaks a promise is printed with the command that repeats it; the others go on. Exits with 1 when there was one.
 */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10000' }, from: { type: 'string', default: '1' } },
});
const [runs, from] = [Number(values.runs), Number(values.from)];
const REPORT_EVERY = 1000;
const SHOWN_CHARACTERS = 2000;

const counts = { runs: 0, failed: 0, tasks: 0, succeeded: 0, crashes: 0, removed: 0, events: 0 };
const began = performance.now();
for (let seed = from; seed < from + runs; seed += 1) {
  counts.runs += 1;
  try {
    const { tasks, succeeded, crashes, removed, events } = await simulate(seed);
    counts.tasks += tasks;
    counts.succeeded += succeeded;
    counts.crashes += crashes;
    counts.removed += removed;
    for (const count of events.values()) counts.events += count;
  } catch (thrown) {
    counts.failed += 1;
    console.log(`FAULT ${String(thrown).slice(0, SHOWN_CHARACTERS)}`);
  }
  if (counts.runs % REPORT_EVERY === 0 || counts.runs === runs) {
    console.log(`${((performance.now() - began) / 1000).toFixed(0)} s`, JSON.stringify(counts));
  }
}
console.log(counts.failed === 0 ? 'no promise was broken' : `${counts.failed} runs broke a promise`);
process.exit(counts.failed === 0 ? 0 : 1);
