/** Does it matter whether a module is played by one node or by a hundred, and in which language? */
import { ratioOf, shown } from '../support/report.mjs';
import { collect } from '../support/statistics.mjs';
import { graphOf, Tutti } from '../support/tutti.mjs';

const ONE = '1 node';
const HUNDRED = '100 nodes';
const PYTHON = '1 Python node';
const PROCESSES = 4;
const IN_FLIGHT = 256;

/** @type {import('../support/report.mjs').Question} */
export const nodes = {
  name: 'nodes',
  async run(context) {
    const times = context.quick ? { warmUpMs: 1000, forMs: 2500 } : { warmUpMs: 2000, forMs: 10_000 };
    const fleets = context.hasPython ? [ONE, HUNDRED, PYTHON] : [ONE, HUNDRED];
    /** @type {Record<string, (import('../support/contenders.mjs').Load & { cpuUs: number })[]>} */
    const measured = {};
    for (let round = 0; round < context.rounds; round += 1) {
      for (const fleet of fleets) {
        const tutti = await Tutti.start(context, { graphs: [graphOf('one', { work: ['problem'] })] });
        if (fleet === PYTHON) await tutti.playPython('work', 2 * IN_FLIGHT);
        else await play(tutti, fleet === ONE ? 1 : 100);
        const client = await tutti.client();
        const before = tutti.orchestrator.cpuMs();
        const load = await client.ask('load', { graph: 'one', inFlight: IN_FLIGHT, ...times });
        const cpuUs = ((tutti.orchestrator.cpuMs() - before) * 1000) / load.ran;
        collect(measured, fleet, { ...load, cpuUs });
        await tutti.end();
      }
    }
    /** @param {string} fleet @param {'perSecond' | 'p50' | 'p99' | 'cpuUs'} field */
    const rounds = (fleet, field) => (measured[fleet] ?? []).map((load) => load[field]);
    /** @param {string} fleet */
    const toOne = (fleet) => ratioOf(rounds(fleet, 'perSecond'), rounds(ONE, 'perSecond'));
    return {
      tables: [
        {
          title: `One module, ${IN_FLIGHT} tasks in flight`,
          head: ['', 'tasks/s', 'p50 ms', 'p99 ms', 'orchestrator CPU µs/task'],
          rows: fleets.map((fleet) => [
            fleet,
            .../** @type {const} */ (['perSecond', 'p50', 'p99', 'cpuUs']).map((field) =>
              shown(rounds(fleet, field)),
            ),
          ]),
        },
      ],
      ratios: [
        { name: 'nodes.100/1', rounds: toOne(HUNDRED), better: 'higher' },
        ...(context.hasPython
          ? [{ name: 'nodes.python/1', rounds: toOne(PYTHON), better: /** @type {const} */ ('higher') }]
          : []),
      ],
      notMeasured: [`more processors than this machine has: 100 nodes share ${PROCESSES} processes`],
      figures: measured,
    };
  },
};

/** @param {Tutti} tutti @param {number} size */
function play(tutti, size) {
  const processes = Math.min(size, PROCESSES);
  return Promise.all(
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
}
