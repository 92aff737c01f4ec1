/** What does a task cost that only waits, and does it slow down those that run? */
import { ratioOf, shown } from '../support/report.mjs';
import { collect } from '../support/statistics.mjs';
import { CHAIN, graphOf, playChain, Tutti } from '../support/tutti.mjs';

const IN_FLIGHT = 64;
/** Nobody plays its module. */
const PARKED = graphOf('parked', { absent: ['problem'] });

/** @type {import('../support/report.mjs').Question} */
export const queue = {
  name: 'queue',
  async run(context) {
    const tasks = context.quick ? 20_000 : 100_000;
    const times = context.quick ? { warmUpMs: 500, forMs: 3000 } : { warmUpMs: 2000, forMs: 10_000 };
    const start = async () => {
      const tutti = await Tutti.start(context, { graphs: [CHAIN, PARKED] });
      await playChain(tutti);
      return { tutti, client: await tutti.client() };
    };
    const empty = await start();
    const full = await start();
    const contenders = [
      { name: 'empty queue', ...empty },
      { name: `${tasks} queued`, ...full },
    ];
    for (const { client } of contenders) {
      await client.ask('load', { graph: 'chain', inFlight: IN_FLIGHT, forMs: 2000 });
    }
    const { orchestrator } = full.tutti;
    const before = { ...(await orchestrator.ask('memory')), ...orchestrator.memory() };
    const submitted = await full.client.ask('submit', { graph: 'parked', tasks, inFlight: 256 });
    const after = { ...(await orchestrator.ask('memory')), ...orchestrator.memory() };
    /** @param {(memory: { heapUsed: number, external: number, anonymous: number }) => number} bytes */
    const each = (bytes) => (bytes(after) - bytes(before)) / tasks;
    const heap = each(({ heapUsed, external }) => heapUsed + external);

    /** @type {Record<string, number[]>} */
    const rates = {};
    for (let round = 0; round < context.rounds; round += 1) {
      for (const { name, client } of contenders) {
        const load = await client.ask('load', { graph: 'chain', inFlight: IN_FLIGHT, ...times });
        collect(rates, name, load.perSecond);
      }
    }
    await empty.tutti.end();
    await full.tutti.end();
    const [without = [], beside = []] = contenders.map(({ name }) => rates[name]);
    return {
      tables: [
        {
          title: `${tasks} tasks queued for a module without a node`,
          head: ['', 'value'],
          rows: [
            ['submitted, tasks/s', shown([submitted.perSecond])],
            ['heap and buffers, bytes/queued task', shown([heap])],
            ['resident memory (no files), bytes/queued task', shown([each(({ anonymous }) => anonymous)])],
            [`running tasks/s (chain, ${IN_FLIGHT} in flight), empty queue`, shown(without)],
            [`running tasks/s, ${tasks} queued`, shown(beside)],
          ],
        },
      ],
      ratios: [
        { name: 'queue.bytes/2KiB', rounds: [heap / 2048], better: 'lower', bar: 1 },
        { name: 'queue.full/empty', rounds: ratioOf(beside, without), better: 'higher', bar: 0.8 },
      ],
      notMeasured: ['queued tasks of the modules that run: these would take their slots in turn'],
      figures: { tasks, submitted, before, after, rates },
    };
  },
};
