/**
 * The demonstration: an orchestrator on a fresh data directory, the six SustainML nodes as separate processes, the sample problem
 * solved and iterated on once, a table of the results, and the live view until Ctrl-C. With `--once` it ends after the table: with 0
 * when both iterations succeeded. With `--sustainml [PORT]` the front ends of the SustainML framework are served, too.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../base/errors.js';
import { follow } from '../../client/follow.js';
import { type Client, createClient } from '../client.js';
import { type Started, start } from './processes.js';
import { footprints, resultTable, type SolvedIteration } from './results.js';

const MODULES = [
  'ml_model_metadata',
  'app_requirements',
  'hw_constraints',
  'ml_model',
  'hw_resources',
  'carbon_footprint',
];
const HTTP_PORT = 7480;
/** A node that has not registered by then will not. */
const NODES_WITHIN_MS = 60_000;

const compiled = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const [once, front, unknown] = readArguments(process.argv.slice(2));
const data = mkdtempSync(join(tmpdir(), 'tutti-demo-'));
const processes: Started[] = [];
const stop = new AbortController();
let failure: unknown;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));
const fail = (error: unknown): void => {
  failure ??= error;
  stop.abort(error);
};

try {
  if (unknown !== undefined)
    throw new Error(`unknown option ${unknown}: expected --once or --sustainml [PORT]`);
  process.exitCode = await run();
} catch (thrown) {
  if (failure !== undefined || !stop.signal.aborted) {
    process.stderr.write(`error: ${messageOf(failure ?? thrown)}\n`);
    process.exitCode = 1;
  }
} finally {
  for (const started of processes.reverse()) await started.end();
  rmSync(data, { recursive: true, force: true });
}

/** Whether to end after the table, the options of the orchestrator for the facade, and the first argument that is neither. */
function readArguments(
  args: readonly string[],
): [once: boolean, front: string[], unknown: string | undefined] {
  let isOnce = false;
  const options: string[] = [];
  for (const [at, argument] of args.entries()) {
    if (argument === '--once') isOnce = true;
    else if (argument === '--sustainml' || (args[at - 1] === '--sustainml' && /^\d+$/.test(argument)))
      options.push(argument);
    else return [isOnce, options, argument];
  }
  return [isOnce, options, undefined];
}

async function run(): Promise<number> {
  const graph = compiled('nodes/sustainml/graph.yaml');
  say('Starting an orchestrator and six module nodes …');
  const up = start(
    'the orchestrator',
    compiled('src/cli/main.js'),
    [
      'up',
      '--data',
      data,
      '--graph',
      graph,
      '--http-port',
      String(await portToUse()),
      ...anyPort('control', 'outputs', 'events'),
      ...front,
    ],
    { TUTTI_LOG_LEVEL: 'warn' },
    fail,
  );
  processes.push(up);
  const ready = JSON.parse(await up.line('ready ')) as {
    http: string;
    control: string;
    sustainml?: string;
  };
  for (const module of MODULES) {
    const env = { TUTTI_CONTROL: ready.control, TUTTI_INSTANCE: `${module}-1` };
    processes.push(start(module, compiled(`nodes/sustainml/${module}/node.js`), [], env, fail));
  }
  const client = createClient({ url: ready.http, signal: stop.signal });
  await nodesIdle(client);

  const sample = compiled('nodes/sustainml/samples/steel-defects.json');
  const input = JSON.parse(readFileSync(sample, 'utf8')) as Record<string, unknown>;
  const title = String(input.problem_short_description);
  say(`\nProblem: ${title}\n`);
  const { problem_id } = (await client.post('/v1/problems', { graph: 'sustainml', title, input })) as {
    problem_id: string;
  };
  const first = await solved(client, problem_id, 1);
  const iterations = [first];
  if (first.state === 'succeeded') {
    const greener = { ...input, optimize_carbon_footprint_manual: true, previous_iteration: 1 };
    await client.post(`/v1/problems/${problem_id}/iterations`, { parent_iteration_id: 1, input: greener });
    iterations.push(await solved(client, problem_id, 2));
  }
  say(resultTable(iterations));
  const [before, after] = footprints(iterations);
  if (before !== undefined && after !== undefined) {
    say(
      `\nThe second iteration asked for a lower footprint and got ${Math.round((1 - after / before) * 100)} % less.`,
    );
  }
  say(`\nLive view: ${ready.http}/`);
  if (ready.sustainml !== undefined)
    say(`The front ends of SustainML find their back end at ${ready.sustainml}`);
  const allSolved = iterations.length === 2 && iterations.every(({ state }) => state === 'succeeded');
  if (once) return allSolved ? 0 : 1;
  say('Ctrl-C ends everything that this command started.');
  await new Promise<void>((resolve) =>
    stop.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  if (failure !== undefined) throw failure;
  return allSolved ? 0 : 1;
}

/** The usual port, where it is free: then the address is the one in the documentation. */
function portToUse(): Promise<number> {
  return new Promise((resolve) => {
    const probe = connect(HTTP_PORT, '127.0.0.1');
    probe.once('connect', () => {
      probe.destroy();
      resolve(0);
    });
    probe.once('error', () => resolve(HTTP_PORT));
  });
}

function anyPort(...names: string[]): string[] {
  return names.flatMap((name) => [`--${name}-port`, '0']);
}

/** Until every module has a node that takes work. */
async function nodesIdle(client: Client): Promise<void> {
  const limit = AbortSignal.any([stop.signal, AbortSignal.timeout(NODES_WITHIN_MS)]);
  const idle = async (): Promise<{ all: boolean; cursor: number }> => {
    const { value, cursor } = await client.get<{ items: { module: string; status: string }[] }>('/v1/nodes');
    const there = new Set(value.items.filter(({ status }) => status === 'IDLE').map(({ module }) => module));
    return { all: MODULES.every((module) => there.has(module)), cursor };
  };
  const now = await idle();
  if (now.all) return;
  for await (const _ of follow(client, { cursor: now.cursor, signal: limit })) if ((await idle()).all) return;
  stop.signal.throwIfAborted();
  throw new Error(`the nodes did not all register within ${NODES_WITHIN_MS / 1000} s`);
}

/** The iteration once it has ended. */
async function solved(client: Client, problemId: string, iterationId: number): Promise<SolvedIteration> {
  const path = `/v1/problems/${problemId}/iterations/${iterationId}`;
  const { value, cursor } = await client.get<SolvedIteration>(path);
  if (!['waiting', 'running', 'suspended'].includes(value.state)) return value;
  for await (const followed of follow(client, { cursor, problemId, signal: stop.signal })) {
    const ended =
      followed.kind === 'gap' ||
      followed.events.some(
        ({ type, iteration_id }) =>
          iteration_id === iterationId && /^iteration\.(succeeded|failed|cancelled|aborted)$/.test(type),
      );
    if (!ended) continue;
    const now = (await client.get<SolvedIteration>(path)).value;
    if (!['waiting', 'running', 'suspended'].includes(now.state)) return now;
  }
  throw new Error('interrupted');
}
