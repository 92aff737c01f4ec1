/**
 * The demonstration: an orchestrator on a fresh data directory, the six SustainML nodes as separate processes at a pace that can be
 * followed, the sample problem solved and iterated on, a table of the results, a chart of the footprint in other places, and the live view
 * until Ctrl-C. With `--once` nothing is paced and it ends after the table: with 0 when both iterations succeeded. With `--sustainml
 * [PORT]` the front ends of the SustainML framework are served, too.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../base/errors.js';
import { follow } from '../../client/follow.js';
import { type Client, createClient } from '../client.js';
import { terminalOf } from '../watch/live.js';
import { footprintChart } from './chart.js';
import { type Started, start } from './processes.js';
import { footprints, resultTable } from './results.js';
import { elsewhere, solveAndImprove, type UserInput } from './solve.js';

const MODULES = [
  'ml_model_metadata',
  'app_requirements',
  'hw_constraints',
  'ml_model',
  'hw_resources',
  'carbon_footprint',
];
const HTTP_PORT = 7480;
/** Of each module, where somebody watches: enough to open the page while the first iteration runs. */
const PACE_MS = 2500;
/** A node that has not registered by then will not. */
const NODES_WITHIN_MS = 60_000;

const compiled = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const [once, front, unknown] = readArguments(process.argv.slice(2));
const data = mkdtempSync(join(tmpdir(), 'tutti-demo-'));
const processes: Started[] = [];
const stop = new AbortController();
let failure: unknown;
// Never removed: the drawing of a task would take a signal that nobody handles for the end of the process, with its parts still running.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(signal));
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
    const env = {
      ...{ TUTTI_CONTROL: ready.control, TUTTI_INSTANCE: `${module}-1` },
      ...(!once && { SUSTAINML_PACE_MS: String(PACE_MS) }),
    };
    processes.push(start(module, compiled(`nodes/sustainml/${module}/node.js`), [], env, fail));
  }
  const client = createClient({ url: ready.http, signal: stop.signal });
  await nodesIdle(client);
  if (!once) say(`Watch it live: ${ready.http}/`);

  const sample = compiled('nodes/sustainml/samples/steel-defects.json');
  const input = JSON.parse(readFileSync(sample, 'utf8')) as UserInput;
  const io = { stdout: process.stdout, env: process.env, signal: stop.signal };
  const show = { client, terminal: terminalOf(io), io, say };
  const { problemId, iterations } = await solveAndImprove(show, input);
  say(resultTable(iterations));
  const [before, after] = footprints(iterations);
  if (before !== undefined && after !== undefined) {
    say(
      `\nThe second iteration asked for a lower footprint and got ${Math.round((1 - after / before) * 100)} % less.`,
    );
  }
  const allSolved = iterations.length === 2 && iterations.every(({ state }) => state === 'succeeded');
  if (!once && allSolved) {
    say('\nThe same model elsewhere: only the footprint is computed again, with all other outputs reused.\n');
    say(footprintChart(await elsewhere(show, problemId, input, iterations)));
  }
  say(`\nLive view: ${ready.http}/`);
  if (!once) say(`The same chart there: ${ready.http}/?page=iterations&problem=${problemId}&view=charts`);
  if (ready.sustainml !== undefined)
    say(`The front ends of SustainML find their back end at ${ready.sustainml}`);
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
