/**
 * How old is a result when a viewer sees it, and is anything lost? From the node's answer to the frame at a WebSocket client, while
 * iterations run at a fixed rate.
 */
import { digits } from '../support/report.mjs';
import { collect } from '../support/statistics.mjs';
import { graphOf, Tutti } from '../support/tutti.mjs';

const PER_SECOND = 500;
/** With the events of an iteration, each viewer sees about a hundred a second. */
const PROBLEMS = 40;
const LAGGING = 10;

/** @typedef {{ name: string, viewers: number, of: 'everything' | 'a problem', lagging?: number }} Audience */

/** @type {readonly Audience[]} */
const AUDIENCES = [
  { name: '1 viewer of everything', viewers: 1, of: 'everything' },
  { name: '1 viewer of a problem', viewers: 1, of: 'a problem' },
  { name: '100 viewers of a problem each', viewers: 100, of: 'a problem' },
  { name: '1,000 viewers of a problem each', viewers: 1000, of: 'a problem' },
  {
    name: `100 viewers, ${LAGGING} of everything that do not read`,
    viewers: 100,
    of: 'a problem',
    lagging: LAGGING,
  },
];

/** @type {import('../support/report.mjs').Question} */
export const viewers = {
  name: 'viewers',
  async run(context) {
    const forMs = context.quick ? 5000 : 30_000;
    const rounds = context.quick ? 1 : context.rounds;
    const tutti = await Tutti.start(context, {
      graphs: [graphOf('stamped', { work: ['problem'] }, 'json')],
      flags: ['--max-viewers', '2000'],
    });
    await tutti.play([{ module: 'work', does: 'stamp' }]);
    const client = await tutti.client();
    const problems = await client.ask('problems', { graph: 'stamped', input: {}, problems: PROBLEMS });
    await client.ask('pace', { problems, perSecond: PER_SECOND, forMs: 2000 });
    /** @type {Record<string, any[]>} */
    const measured = {};
    for (let round = 0; round < rounds; round += 1) {
      for (const audience of AUDIENCES) {
        collect(measured, audience.name, await measure(tutti, client, audience, problems, forMs));
      }
    }
    await tutti.end();
    /** @param {string} name @param {string} field */
    const figures = (name, field) => (measured[name] ?? []).map((one) => Number(one[field]));
    /** @param {string} name @param {string} field */
    const worst = (name, field) => Math.max(...figures(name, field));
    const [everything, , , thousand] = AUDIENCES.map(({ name }) => name);
    return {
      tables: [
        {
          title: `Result → disk → browser at ${PER_SECOND} tasks/s (of several rounds: the worst)`,
          head: [
            ...['', 'tasks/s', 'task p99 ms', 'result p50 ms', 'p99 ms', 'max ms'],
            ...['events each/s', 'lost', 'told as gap', 'out of order', 'memory + MiB'],
          ],
          rows: AUDIENCES.map(({ name }) => [
            name,
            digits(Math.min(...figures(name, 'perSecond'))),
            ...['taskP99', 'p50', 'p99', 'max', 'eachPerSecond'].map((field) => digits(worst(name, field))),
            ...['lost', 'told', 'disorder'].map((field) => worst(name, field)),
            digits(worst(name, 'grownMib')),
          ]),
        },
      ],
      ratios: [
        {
          name: 'viewers.1.p99/15ms',
          isAbsolute: true,
          rounds: figures(String(everything), 'p99').map((ms) => ms / 15),
          better: 'lower',
          bar: 1,
        },
        {
          name: 'viewers.1000.p99/250ms',
          isAbsolute: true,
          rounds: figures(String(thousand), 'p99').map((ms) => ms / 250),
          better: 'lower',
          bar: 1,
        },
        {
          name: 'viewers.1000.rate/500',
          isAbsolute: true,
          rounds: figures(String(thousand), 'perSecond').map((rate) => rate / PER_SECOND),
          better: 'higher',
          bar: 0.8,
        },
        {
          name: 'viewers.lost',
          rounds: [Math.max(...AUDIENCES.map(({ name }) => worst(name, 'lost')))],
          better: 'lower',
          bar: 0,
        },
      ],
      notMeasured: [
        'a browser: the viewers are plain WebSocket clients in one process, on the same processors',
        'drawing: a frame counts when it has arrived, not when it is on a screen',
      ],
      figures: measured,
    };
  },
};

/**
 * @param {Tutti} tutti
 * @param {import('../support/processes.mjs').Process} client
 * @param {Audience} audience
 * @param {readonly string[]} problems
 * @param {number} forMs
 */
async function measure(tutti, client, audience, problems, forMs) {
  const watchers = await tutti.viewers();
  const watched = Array.from({ length: audience.viewers }, (_, index) =>
    audience.of === 'everything' ? null : problems[index % problems.length],
  );
  await watchers.ask('watch', { problems: watched });
  const laggards = await tutti.viewers();
  if (audience.lagging) {
    await laggards.ask('watch', { problems: Array(audience.lagging).fill(null) });
    await laggards.ask('pause', { count: audience.lagging });
  }
  const before = tutti.orchestrator.memory().anonymous;
  await watchers.ask('measure');
  const load = await client.ask('pace', { problems, perSecond: PER_SECOND, forMs });
  const grownMib = (tutti.orchestrator.memory().anonymous - before) / 1024 ** 2;
  const response = await fetch(`${tutti.ready.http}/v1/stats`);
  await response.arrayBuffer();
  const cursor = Number(response.headers.get('tutti-cursor'));
  const seen = await watchers.ask('check', { cursor });
  if (audience.lagging) {
    await laggards.ask('resume');
    const lagged = await laggards.ask('check', { cursor });
    for (const field of ['lost', 'told', 'disorder']) seen[field] += lagged[field];
  }
  await laggards.end();
  await watchers.end();
  return {
    ...seen,
    perSecond: load.perSecond,
    taskP99: load.p99,
    eachPerSecond: seen.seen / audience.viewers / load.seconds,
    grownMib,
  };
}
