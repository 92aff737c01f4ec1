/** Data directories with history: one real finished task of a chain, repeated through the product's own store. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNode } from './processes.mjs';
import { graphOf, Tutti } from './tutti.mjs';

const MAKER = fileURLToPath(new URL('../workers/make-history.mjs', import.meta.url));

/** The chain with values that can be asked for: each module passes on what it got, and the last one's is indexed. */
const GRAPH = `${graphOf('history', { first: ['problem'], second: ['first'], third: ['second'] }, 'json')}index: [third.value]\n`;

/** @typedef {{ iterations: number, data: string, longId: string, bytesUsed: number }} Store */

/** The nodes of its graph, `history`, a process each. @param {Tutti} tutti */
export function playHistory(tutti) {
  return Promise.all(['first', 'second', 'third'].map((module) => tutti.play([{ module, does: 'pass' }])));
}

/**
 * With so many iterations; up to 10,000 of them are of one problem, `longId`.
 * @param {import('./tutti.mjs').Context} context @param {string} folder @param {number} iterations
 * @returns {Promise<Store>}
 */
export async function makeHistory(context, folder, iterations) {
  const data = join(folder, `of-${iterations}`);
  const tutti = await Tutti.start(context, { graphs: [GRAPH], data });
  await playHistory(tutti);
  const client = await tutti.client();
  await client.ask('load', { graph: 'history', input: { value: 0.5 }, inFlight: 1, tasks: 1 });
  await tutti.end();
  if (iterations === 0) return { iterations, data, longId: '', bytesUsed: 0 };
  const options = {
    dist: context.dist,
    dir: join(data, 'store'),
    iterations,
    longest: Math.min(10_000, iterations / 10),
  };
  const maker = startNode('the history', [MAKER, JSON.stringify(options)]);
  const made = JSON.parse(await maker.line('made ', 3_600_000));
  await maker.end();
  return { iterations, data, ...made };
}
