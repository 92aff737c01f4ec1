/** `FUZZ_SEED=7` repeats a run, `FUZZ_SECONDS=600` makes it longer; `npm run fuzz` goes on for as long as it is told, and over more targets. */
import { expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { framesTarget } from './frames.js';
import { fuzzGuided } from './guided.js';

const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 8);

it(
  'breaks nothing by frames that reach where no frame has been, and harms no honest node',
  async () => {
    console.log(`FUZZ_SEED=${SEED}`);
    const target = await framesTarget(/\/src\//);
    const report = await fuzzGuided({ random: new Random(SEED), target, ms: SECONDS * 1000 });
    console.log(JSON.stringify(report));
    expect(report.inputs).toBeGreaterThan(target.corpus.length * 2);
    expect(report.blocks[1]).toBeGreaterThan(report.blocks[0]);
    await target.conclude();
  },
  60_000 + SECONDS * 1000,
);
