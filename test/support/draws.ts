/**
 * What the property tests draw: the same in every run of `npm test`, so that a failure is a change's and can be repeated.
 * `npm run draws` draws anew, and more of it where a test does not state its own number: that is where new cases are looked for.
 */
import fc from 'fast-check';

/** Any number will do; another one draws other cases. */
const SEED = 20_261_202;

const runs = process.env.TUTTI_DRAWS;

fc.configureGlobal(runs === undefined ? { seed: SEED } : { numRuns: Number(runs) });
