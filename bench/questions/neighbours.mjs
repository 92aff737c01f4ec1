/**
 * What do those who ask cost those who work? A chain of three modules on a store with history, alone and beside four clients with one
 * connection each: an export, a filter without an index, long pages, a search for a text. And how soon is seen what was just submitted?
 */
import { rmSync } from 'node:fs';
import { makeHistory, playHistory } from '../support/history-store.mjs';
import { ratioOf, shown } from '../support/report.mjs';
import { collect } from '../support/statistics.mjs';
import { freshFolder, Tutti } from '../support/tutti.mjs';

const IN_FLIGHT = 64;

/** @typedef {import('../support/contenders.mjs').Load & { answers: number, lookP50: number, lookP99: number }} Measured */

/** @type {import('../support/report.mjs').Question} */
export const neighbours = {
  name: 'neighbours',
  async run(context) {
    const folder = freshFolder(context, 'neighbours');
    const store = await makeHistory(context, folder, context.quick ? 20_000 : 100_000);
    const tutti = await Tutti.start(context, { data: store.data });
    await playHistory(tutti);
    const client = await tutti.client();
    const others = await tutti.neighbours();
    const paths = [
      `/v1/problems/${store.longId}/export`,
      `/v1/iterations?${new URLSearchParams({ filter: 'second.value > 2' })}`,
      '/v1/iterations?limit=1000',
      '/v1/problems?q=nobody',
    ];
    const warmUpMs = context.quick ? 500 : 2000;
    const forMs = context.quick ? 4000 : 10_000;
    /** @param {readonly string[]} asked @returns {Promise<Measured>} */
    const measure = async (asked) => {
      const load = { graph: 'history', input: { value: 0.5 }, inFlight: IN_FLIGHT, warmUpMs, forMs };
      const [work, looks] = await Promise.all([
        client.ask('load', load),
        others.ask('ask', { paths: asked, graph: 'history', forMs: warmUpMs + forMs }),
      ]);
      const answers = looks.answers.reduce(
        (/** @type {number} */ sum, /** @type {number} */ one) => sum + one,
        0,
      );
      return { ...work, answers, lookP50: looks.p50, lookP99: looks.p99 };
    };
    // Nobody is measured before the compiler has seen the code.
    await measure(paths);
    /** @type {Record<string, Measured[]>} */
    const measured = {};
    for (let round = 0; round < context.rounds; round += 1) {
      collect(measured, 'alone', await measure([]));
      collect(measured, 'beside', await measure(paths));
    }
    await tutti.end();
    rmSync(folder, { recursive: true, force: true });

    /** @param {'alone' | 'beside'} name @param {keyof Measured} field */
    const rounds = (name, field) => (measured[name] ?? []).map((one) => Number(one[field]));
    /** @param {keyof Measured} field */
    const beside = (field) => ratioOf(rounds('beside', field), rounds('alone', field));
    const fields = /** @type {const} */ (['perSecond', 'p50', 'p99', 'lookP50', 'lookP99', 'answers']);
    return {
      tables: [
        {
          title: `Chain of three modules, ${IN_FLIGHT} in flight, ${store.iterations.toLocaleString('en')} iterations in the store`,
          head: [
            '',
            'tasks/s',
            'p50 ms',
            'p99 ms',
            'GET after its POST p50 ms',
            'p99 ms',
            'answers to the four',
          ],
          rows: /** @type {const} */ (['alone', 'beside']).map((name) => [
            name === 'alone' ? 'alone' : 'beside four clients',
            ...fields.map((field) => shown(rounds(name, field))),
          ]),
        },
      ],
      ratios: [
        { name: 'neighbours.rate/alone', rounds: beside('perSecond'), better: 'higher', bar: 0.5 },
        { name: 'neighbours.p99/alone', rounds: beside('p99'), better: 'lower', bar: 3 },
        { name: 'neighbours.look.p99/alone', rounds: beside('lookP99'), better: 'lower' },
      ],
      notMeasured: [
        'readers on processors of their own: two cores carry the work, those who ask, and those who answer',
        'a cold disk: the store was just written, and what is read of it may still be in memory',
      ],
      figures: measured,
    };
  },
};
