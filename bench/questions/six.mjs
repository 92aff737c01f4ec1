/** How fast are six modules in the shape of the SustainML graph, alone, in a burst, and for long? Every output counted. */
import { bareLoop } from '../support/contenders.mjs';
import { ratioOf, shown } from '../support/report.mjs';
import { graphOf, Tutti } from '../support/tutti.mjs';

const MODULES = {
  ml_model_metadata: ['problem'],
  app_requirements: ['problem'],
  hw_constraints: ['problem'],
  ml_model: ['ml_model_metadata', 'app_requirements', 'hw_constraints'],
  hw_resources: ['app_requirements', 'hw_constraints', 'ml_model'],
  carbon_footprint: ['ml_model', 'hw_resources'],
};
const OUTPUTS = Object.keys(MODULES).length;
const BURST = 400;
const LONG_RUN = 100_000;

/** @type {import('../support/report.mjs').Question} */
export const six = {
  name: 'six',
  async run(context) {
    const times = context.quick ? { warmUpMs: 300, forMs: 2000 } : { warmUpMs: 1000, forMs: 10_000 };
    /** @type {import('../support/contenders.mjs').Load[]} */
    const alone = [];
    /** @type {import('../support/contenders.mjs').Load[]} */
    const bursts = [];
    /** @type {import('../support/contenders.mjs').Load[]} */
    const loops = [];
    /** @type {import('../support/contenders.mjs').Load[]} */
    const loops64 = [];
    /** @type {import('../support/contenders.mjs').Load | undefined} */
    let long;
    for (let round = 0; round < context.rounds; round += 1) {
      const tutti = await startSix(context);
      const client = await tutti.client();
      const load = (/** @type {object} */ options) =>
        client.ask('load', { graph: 'six', countOutputs: OUTPUTS, ...options });
      await load({ inFlight: BURST, tasks: BURST });
      alone.push(await load({ inFlight: 1, ...times }));
      bursts.push(await load({ inFlight: BURST, tasks: BURST }));
      if (!context.quick && round === 0) long = await load({ inFlight: BURST, tasks: LONG_RUN });
      await tutti.end();
      const loop = await bareLoop('single').start(context);
      loops64.push(await loop.load({ inFlight: 64, warmUpMs: 500, forMs: 1000 }));
      loops.push(await loop.load({ inFlight: 1, ...times }));
      await loop.end();
    }
    /** @param {readonly import('../support/contenders.mjs').Load[]} loads @param {'perSecond' | 'p50' | 'p99'} field */
    const rounds = (loads, field) => loads.map((load) => load[field]);
    /** @param {string} name @param {readonly import('../support/contenders.mjs').Load[]} loads */
    const row = (name, loads) => [
      name,
      .../** @type {const} */ (['perSecond', 'p50', 'p99']).map((field) => shown(rounds(loads, field))),
    ];
    return {
      tables: [
        {
          title: 'Six modules in the shape of the SustainML graph; every output exactly once',
          head: ['', 'tasks/s', 'p50 ms', 'p99 ms'],
          rows: [
            row('Tutti, 1 in flight', alone),
            row(`Tutti, a burst of ${BURST}`, bursts),
            ...(long ? [row(`Tutti, ${LONG_RUN} tasks in one run`, [long])] : []),
            row('three-stage loop, one per frame, 1 in flight', loops),
            row('three-stage loop, one per frame, 64 in flight', loops64),
          ],
        },
      ],
      ratios: [
        {
          name: 'six.1.p50/loop',
          rounds: ratioOf(rounds(alone, 'p50'), rounds(loops, 'p50')),
          better: 'lower',
          bar: 2,
        },
        {
          name: 'six.burst.rate/loop64',
          rounds: ratioOf(rounds(bursts, 'perSecond'), rounds(loops64, 'perSecond')),
          better: 'higher',
        },
      ],
      notMeasured: [
        'the modules’ own work: they give 200 bytes each',
        ...(context.quick ? [`${LONG_RUN} tasks in one run (not with --quick)`] : []),
      ],
      figures: { alone, bursts, long, loops, loops64 },
    };
  },
};

/** @param {import('../support/tutti.mjs').Context} context */
async function startSix(context) {
  const tutti = await Tutti.start(context, { graphs: [graphOf('six', MODULES)] });
  await Promise.all(Object.keys(MODULES).map((module) => tutti.play([{ module, does: 'make' }])));
  return tutti;
}
