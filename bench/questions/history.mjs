/** What does history cost: at the start, at rest, to look at? With stores of growing size beside an empty one. */
import { rmSync } from 'node:fs';
import { Pool } from 'undici';
import { makeHistory } from '../support/history-store.mjs';
import { digits, ratioOf, shown } from '../support/report.mjs';
import { collect, percentile } from '../support/statistics.mjs';
import { freshFolder, Tutti } from '../support/tutti.mjs';

/** @typedef {import('../support/history-store.mjs').Store} Store */
/** @typedef {{ startMs: number, resident: number, anonymous: number, heap: number }} Rest */

/** @type {import('../support/report.mjs').Question} */
export const history = {
  name: 'history',
  async run(context) {
    const sizes = context.quick ? [1000, 10_000] : [10_000, 100_000, 1_000_000];
    const folder = freshFolder(context, 'history');
    /** @type {Store[]} */
    const stores = [];
    for (const iterations of [0, ...sizes]) stores.push(await makeHistory(context, folder, iterations));

    for (const { data } of stores) await startOnce(context, data);
    /** @type {Record<number, Rest[]>} */
    const rests = {};
    for (let round = 0; round < context.rounds; round += 1) {
      for (const { iterations, data } of stores) collect(rests, iterations, await startOnce(context, data));
    }
    /** @type {Record<number, Awaited<ReturnType<typeof look>>>} */
    const looks = {};
    for (const store of stores) {
      if (store.iterations > 0) looks[store.iterations] = await look(context, store);
    }
    rmSync(folder, { recursive: true, force: true });

    /** @param {number} size @param {keyof Rest} field */
    const rest = (size, field) => (rests[size] ?? []).map((one) => one[field]);
    const mib = (/** @type {readonly number[]} */ bytes) => bytes.map((value) => value / 1024 ** 2);
    const [smallest = 0, largest = 0] = [sizes[0], sizes.at(-1)];
    const queries = Object.keys(looks[largest]?.queries ?? {});
    /** The slowest kind of page that has an index. @param {number} size */
    const pageP99 = (size) =>
      Math.max(
        ...Object.entries(looks[size]?.queries ?? {})
          .filter(([query]) => query.startsWith('page of 50') && !query.includes('no index'))
          .map(([, { p99 }]) => p99),
      );
    return {
      tables: [
        {
          title: 'A store with history: start and rest',
          head: [
            'iterations',
            'start ms',
            'resident MiB',
            'of it not files, MiB',
            'heap MiB',
            'store bytes/iteration',
          ],
          rows: stores.map(({ iterations, bytesUsed }) => [
            iterations || 'none',
            shown(rest(iterations, 'startMs')),
            shown(mib(rest(iterations, 'resident'))),
            shown(mib(rest(iterations, 'anonymous'))),
            shown(mib(rest(iterations, 'heap'))),
            iterations ? digits(bytesUsed / iterations) : '–',
          ]),
        },
        {
          title: 'A store with history: questions over HTTP, one after the other, p50 / p99 ms',
          head: ['', ...sizes.map(String)],
          rows: [
            ...queries.map((query) => [
              query,
              ...sizes.map((size) => {
                const { p50 = Number.NaN, p99 = Number.NaN } = looks[size]?.queries[query] ?? {};
                return `${digits(p50)} / ${digits(p99)}`;
              }),
            ]),
            [
              'export of one problem, iterations/s',
              ...sizes.map((size) => digits(looks[size]?.exported.perSecond ?? Number.NaN)),
            ],
            [
              'export, MiB/s',
              ...sizes.map((size) => digits(looks[size]?.exported.mibPerSecond ?? Number.NaN)),
            ],
          ],
        },
      ],
      ratios: [
        {
          name: 'history.start/empty',
          rounds: ratioOf(rest(largest, 'startMs'), rest(0, 'startMs')),
          better: 'lower',
          bar: 1.5,
        },
        {
          name: 'history.memory/empty',
          rounds: ratioOf(rest(largest, 'resident'), rest(0, 'resident')),
          better: 'lower',
          bar: 1.3,
        },
        {
          name: 'history.page.p99/10ms',
          isAbsolute: true,
          rounds: [pageP99(largest) / 10],
          better: 'lower',
          bar: 1,
        },
        { name: `history.page/${smallest}`, rounds: [pageP99(largest) / pageP99(smallest)], better: 'lower' },
      ],
      notMeasured: [
        'a cold disk: the store was just written, and what is read of it may still be in memory',
        'history that real tasks have made: one real task is repeated under new ids, through the store itself',
      ],
      figures: { stores, rests, looks },
    };
  },
};

/** @param {import('../support/tutti.mjs').Context} context @param {string} data @returns {Promise<Rest>} */
async function startOnce(context, data) {
  const tutti = await Tutti.start(context, { data });
  const { heapUsed } = await tutti.orchestrator.ask('memory');
  const { resident, anonymous } = tutti.orchestrator.memory();
  await tutti.end();
  return { startMs: tutti.startMs, resident, anonymous, heap: heapUsed };
}

/** @param {import('../support/tutti.mjs').Context} context @param {Store} store */
async function look(context, { data, longId }) {
  const times = context.quick ? 200 : 1000;
  const tutti = await Tutti.start(context, { data });
  const pool = new Pool(tutti.ready.http, { connections: 1 });
  /** @param {string} path @returns {Promise<any>} */
  const get = async (path) => {
    const response = await pool.request({ path, method: 'GET' });
    const text = await response.body.text();
    if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode} ${text}`);
    return JSON.parse(text);
  };
  /** @param {number} count @param {(index: number) => Promise<void>} once */
  const timed = async (count, once) => {
    /** @type {number[]} */
    const took = [];
    for (let index = 0; index < count + count / 10; index += 1) {
      const before = performance.now();
      await once(index);
      if (index >= count / 10) took.push(performance.now() - before);
    }
    return { n: took.length, p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
  };
  /** Pages one after the other, from the first again after the last. @param {string} query @param {string} [list] */
  const pages = (query, list = '/v1/problems') => {
    let cursor = '';
    return async () => {
      const page = await get(`${list}?limit=50${query}${cursor}`);
      for (const { problem_id } of page.items) ids.push(problem_id);
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    };
  };
  /** @type {string[]} */
  const ids = [];
  /** @type {Record<string, { n: number, p50: number, p99: number }>} */
  const queries = {
    'page of 50, newest': await timed(times, async () => void (await get('/v1/problems?limit=50'))),
    'page of 50, one after the other': await timed(times, pages('')),
    'page of 50 by state (index)': await timed(times, pages('&state=failed')),
    'page of 50 by title that nobody has (no index, so many rows at most)': await timed(
      times / 20,
      async () => void (await get('/v1/problems?limit=50&q=nobody')),
    ),
    'page of 50 by an output, smallest first (index)': await timed(
      times,
      pages('&order_by=third.value&filter=third.value%20%3C%200.5', '/v1/iterations'),
    ),
    'page of 50 by an output that few have (no index, bounded in time)': await timed(
      times / 20,
      async () => void (await get('/v1/iterations?limit=50&filter=second.value%20%3D%20-1')),
    ),
    'one problem': await timed(times, async (index) => void (await get(`/v1/problems/${pick(ids, index)}`))),
    'one task with its outputs': await timed(
      times,
      async (index) => void (await get(`/v1/problems/${pick(ids, index)}/iterations/1`)),
    ),
  };
  const before = performance.now();
  const response = await pool.request({ path: `/v1/problems/${longId}/export`, method: 'GET' });
  let bytes = 0;
  let rows = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    for (const byte of chunk) rows += Number(byte === 0x0a);
  }
  const seconds = (performance.now() - before) / 1000;
  await pool.close();
  await tutti.end();
  return {
    queries,
    exported: { rows, perSecond: rows / seconds, mibPerSecond: bytes / 1024 ** 2 / seconds },
  };
}

/** Far from the one before. @param {readonly string[]} ids @param {number} index */
function pick(ids, index) {
  return ids[(index * 7919) % ids.length];
}
