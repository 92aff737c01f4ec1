/**
 * The demonstration: an orchestrator on a fresh data directory, the six SustainML nodes as its services at a pace that can be
 * followed, the sample problem solved and iterated on, a table of the results, a chart of the footprint in other places, and the live view
 * until Ctrl-C. With `--once` nothing is paced and it ends after the table: with 0 when both iterations succeeded. With `--sustainml
 * [PORT]` the front ends of the SustainML framework are served, too.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../base/errors.js';
import { createClient } from '../client.js';
import { terminalOf } from '../watch/live.js';
import { footprintChart } from './chart.js';
import { type Started, startOrchestrator } from './orchestrator.js';
import { footprints, resultTable } from './results.js';
import { removeAll, untilReady } from './services.js';
import { elsewhere, solveAndImprove, type UserInput } from './solve.js';

const HTTP_PORT = 7480;
/** Of each module, where somebody watches: enough to open the page while the first iteration runs. */
const PACE_MS = 2500;
const NODES = 6;

const compiled = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const [once, front, unknown] = readArguments(process.argv.slice(2));
const data = mkdtempSync(join(tmpdir(), 'tutti-demo-'));
let orchestrator: Started | undefined;
const stop = new AbortController();
const environment = {
  TUTTI_LOG_LEVEL: 'warn',
  SUSTAINML_NODES: compiled('nodes/sustainml'),
  ...(!once && { SUSTAINML_PACE_MS: String(PACE_MS) }),
};
const failures: unknown[] = [];
// Never removed: the drawing of a task would take a signal that nobody handles for the end of the process, with its parts still running.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(signal));
const fail = (error: unknown): void => {
  failures.push(error);
  stop.abort(error);
};

try {
  if (unknown !== undefined)
    throw new Error(`unknown option ${unknown}: expected --once or --sustainml [PORT]`);
  process.exitCode = await run();
} catch (thrown) {
  if (!stop.signal.aborted) fail(thrown);
} finally {
  // An orchestrator that has ended shows first as one that does not answer.
  if (orchestrator) await takeDown(orchestrator);
  for (const told of failures) process.stderr.write(`error: ${messageOf(told)}\n`);
  if (failures.length > 0) process.exitCode = 1;
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
  say('Starting an orchestrator and six module nodes …');
  orchestrator = startOrchestrator(await optionsOfUp(), environment, fail);
  const ready = await orchestrator.ready;
  const client = createClient({ url: ready.http, signal: stop.signal });
  await untilReady(client, stop.signal);
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

/** The nodes take a slot and a core each, idle as they are: what the machine has is for those who try a job meanwhile. */
async function optionsOfUp(): Promise<string[]> {
  const room = NODES + availableParallelism();
  const local = { name: 'local', type: 'local', workdir: join(data, 'work') };
  const config = join(data, 'demo.yaml');
  writeFileSync(config, JSON.stringify({ clusters: [{ ...local, slots: room, resources: { cpus: room } }] }));
  return [
    ...['--data', data, '--config', config, '--http-port', String(await portToUse())],
    ...['--graph', compiled('nodes/sustainml/graph.yaml')],
    ...['--service', compiled('nodes/sustainml/services.yaml')],
    ...anyPort('control', 'outputs', 'events'),
    ...front,
  ];
}

/** Nodes outlive an orchestrator: where it has ended by itself, another one is started to stop them. */
async function takeDown(started: Started): Promise<void> {
  const wasReady = await started.ready.then(
    () => true,
    () => false,
  );
  if (!wasReady) return await started.end();
  if ((await stopNodes(started)) === undefined) return;
  const left = await stopNodes(startOrchestrator(await optionsOfUp(), environment, () => {}));
  if (left !== undefined) fail(new Error(`some of the six nodes may still run: ${messageOf(left)}`));
}

/** The error that prevented it, if any; it has ended in any case. */
async function stopNodes(started: Started): Promise<unknown> {
  try {
    const { http } = await started.ready;
    await removeAll(createClient({ url: http, signal: new AbortController().signal }));
    return undefined;
  } catch (thrown) {
    return thrown;
  } finally {
    await started.end();
  }
}

function anyPort(...names: string[]): string[] {
  return names.flatMap((name) => [`--${name}-port`, '0']);
}
