/**
 * What somebody else asks of the same orchestrator: four clients with a connection each, which ask again as soon as they are answered, and
 * one who looks at what it has just submitted.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { answer } from '../support/processes.mjs';
import { percentile } from '../support/statistics.mjs';

const base = String(process.argv[2]);
/** The one who looks does so this often. */
const LOOK_EVERY_MS = 50;

/** The answers of one connection, until the signal aborts. @param {string} path @param {AbortSignal} signal */
async function askAgain(path, signal) {
  const pool = new Pool(base, { connections: 1 });
  let answers = 0;
  try {
    while (!signal.aborted) {
      const { statusCode, body } = await pool.request({ path, method: 'GET', signal });
      for await (const _ of body);
      if (statusCode !== 200) throw new Error(`HTTP ${statusCode} to ${path}`);
      answers += 1;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await pool.destroy();
  }
  return answers;
}

/** Milliseconds from the answer to a POST to that of the GET behind it. @param {string} graph @param {AbortSignal} signal */
async function lookBehind(graph, signal) {
  const pool = new Pool(base, { connections: 1 });
  /** @type {number[]} */
  const took = [];
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ graph, input: { value: 0.5 } });
  while (!signal.aborted) {
    const posted = await pool.request({ path: '/v1/problems', method: 'POST', headers, body });
    const { problem_id } = /** @type {any} */ (await posted.body.json());
    const before = performance.now();
    const got = await pool.request({ path: `/v1/problems/${problem_id}`, method: 'GET' });
    const problem = /** @type {any} */ (await got.body.json());
    took.push(performance.now() - before);
    if (problem.problem_id !== problem_id)
      throw new Error(`a GET right after its POST saw ${JSON.stringify(problem)}`);
    await pause(LOOK_EVERY_MS);
  }
  await pool.close();
  return took;
}

answer({
  /** @param {{ paths: readonly string[], graph: string, forMs: number }} options */
  async ask({ paths, graph, forMs }) {
    const signal = AbortSignal.timeout(forMs);
    const asking = paths.map((path) => askAgain(path, signal));
    const took = await lookBehind(graph, signal);
    return {
      answers: await Promise.all(asking),
      p50: percentile(took, 0.5),
      p99: percentile(took, 0.99),
      n: took.length,
    };
  },
});
console.log('ready');
