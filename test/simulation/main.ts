/**
 * `npm run simulate -- [--runs N] [--from SEED] [--services]`: so many simulated runs, of tasks on nodes or of services on clusters, one after the other, each from a seed of its own. A run that
 * breaks a promise is printed with the command that repeats it; the others go on. Exits with 1 when there was one.
 */
import { parseArgs } from 'node:util';
import { simulateFleet } from './fleet/simulate-fleet.js';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    services: { type: 'boolean', default: false },
  },
});
const [runs, from] = [Number(values.runs), Number(values.from)];
const REPORT_EVERY = 1000;
const SHOWN_CHARACTERS = 2000;

const counts: Record<string, number> & { runs: number; failed: number } = { runs: 0, failed: 0 };
const add = (name: string, count: number): void => {
  counts[name] = (counts[name] ?? 0) + count;
};
const began = performance.now();
for (let seed = from; seed < from + runs; seed += 1) {
  counts.runs += 1;
  try {
    const { events, ...result } = await (values.services ? simulateFleet : simulate)(seed);
    for (const [name, count] of Object.entries(result)) add(name, count);
    for (const count of events.values()) add('events', count);
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
