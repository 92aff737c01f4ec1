/** Does it matter whether a module is played by one node or by a hundred? */
import { ratioOf, shown } from '../support/report.mjs';
import { collect } from '../support/statistics.mjs';
import { graphOf, Tutti } from '../support/tutti.mjs';

const FLEETS = /** @type {const} */ ([1, 100]);
const PROCESSES = 4;
const IN_FLIGHT = 256;

/** @type {import('../support/report.mjs').Question} */
export const nodes = {
  name: 'nodes',
  async run(context) {
    const times = context.quick ? { warmUpMs: 1000, forMs: 2500 } : { warmUpMs: 2000, forMs: 10_000 };
    /** @type {Record<number, (import('../support/contenders.mjs').Load & { cpuUs: number })[]>} */
    const measured = {};
    for (let round = 0; round < context.rounds; round += 1) {
      for (const size of FLEETS) {
        const tutti = await Tutti.start(context, { graphs: [graphOf('one', { work: ['problem'] })] });
        const processes = Math.min(size, PROCESSES);
        await Promise.all(
          Array.from({ length: processes }, (_, process) =>
            tutti.play(
              Array.from({ length: size / processes }, (_, node) => ({
                module: 'work',
                does: /** @type {const} */ ('make'),
                instance: `${process}-${node}`,
                capacity: Math.ceil((2 * IN_FLIGHT) / size),
              })),
            ),
          ),
        );
        const client = await tutti.client();
        const before = tutti.orchestrator.cpuMs();
        const load = await client.ask('load', { graph: 'one', inFlight: IN_FLIGHT, ...times });
        const cpuUs = ((tutti.orchestrator.cpuMs() - before) * 1000) / load.ran;
        collect(measured, size, { ...load, cpuUs });
        await tutti.end();
      }
    }
    /** @param {number} size @param {'perSecond' | 'p50' | 'p99' | 'cpuUs'} field */
    const rounds = (size, field) => (measured[size] ?? []).map((load) => load[field]);
    return {
      tables: [
        {
          title: `One module, ${IN_FLIGHT} tasks in flight`,
          head: ['', 'tasks/s', 'p50 ms', 'p99 ms', 'orchestrator CPU µs/task'],
          rows: FLEETS.map((size) => [
            size === 1 ? '1 node' : `${size} nodes`,
            .../** @type {const} */ (['perSecond', 'p50', 'p99', 'cpuUs']).map((field) =>
              shown(rounds(size, field)),
            ),
          ]),
        },
      ],
      ratios: [
        {
          name: 'nodes.100/1',
          rounds: ratioOf(rounds(100, 'perSecond'), rounds(1, 'perSecond')),
          better: 'higher',
        },
      ],
      notMeasured: [`more processors than this machine has: 100 nodes share ${PROCESSES} processes`],
      figures: measured,
    };
  },
};
