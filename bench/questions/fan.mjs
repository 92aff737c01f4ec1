/** What does a module cost that a hundred others follow, and one that waits for a hundred? */
import { shown } from '../support/report.mjs';
import { collect } from '../support/statistics.mjs';
import { graphOf, Tutti } from '../support/tutti.mjs';

const WIDTH = 100;
const PROCESSES = 4;
const LEVELS = /** @type {const} */ ([1, 16]);

/** @type {import('../support/report.mjs').Question} */
export const fan = {
  name: 'fan',
  async run(context) {
    const times = context.quick ? { warmUpMs: 500, forMs: 2500 } : { warmUpMs: 2000, forMs: 10_000 };
    const leaves = Array.from({ length: WIDTH }, (_, index) => `leaf_${index}`);
    const graph = graphOf('fan', {
      root: ['problem'],
      ...Object.fromEntries(leaves.map((leaf) => [leaf, ['root']])),
      join: leaves,
    });
    const tutti = await Tutti.start(context, { graphs: [graph] });
    const modules = ['root', ...leaves, 'join'];
    await Promise.all(
      Array.from({ length: PROCESSES }, (_, process) =>
        tutti.play(
          modules
            .filter((_, index) => index % PROCESSES === process)
            .map((module) => ({ module, does: /** @type {const} */ ('make') })),
        ),
      ),
    );
    const client = await tutti.client();
    /** @type {Record<number, import('../support/contenders.mjs').Load[]>} */
    const measured = {};
    for (let round = 0; round < context.rounds; round += 1) {
      for (const inFlight of LEVELS) {
        const options = { graph: 'fan', inFlight, countOutputs: modules.length, ...times };
        collect(measured, inFlight, await client.ask('load', options));
      }
    }
    await tutti.end();
    return {
      tables: [
        {
          title: `One module, then ${WIDTH} beside each other, then one that takes all of them`,
          head: ['', 'tasks/s', 'executions/s', 'p50 ms', 'p99 ms'],
          rows: LEVELS.map((level) => {
            const loads = measured[level] ?? [];
            return [
              `${level} in flight`,
              shown(loads.map(({ perSecond }) => perSecond)),
              shown(loads.map(({ perSecond }) => perSecond * modules.length)),
              shown(loads.map(({ p50 }) => p50)),
              shown(loads.map(({ p99 }) => p99)),
            ];
          }),
        },
      ],
      ratios: [],
      notMeasured: [`a process for each node: ${modules.length} nodes share ${PROCESSES} processes`],
      figures: measured,
    };
  },
};
