/** One target in a process of its own, under a watchdog. Prints what it found, a JSON object a line; the last one is its report. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Random } from '../support/random.js';
import { bodiesTarget } from './bodies.js';
import { framesTarget } from './frames.js';
import { graphsTarget } from './graphs.js';
import { type FuzzTarget, fuzzGuided } from './guided.js';

/** Of one input; the machine may be busy with other things. */
const DEADLINE_MS = 10_000;
const GROWTH_MIB = 384;
/** What may be held after so many inputs, beyond what the first ones left. */
const HELD_MIB = 128;
const SETTLED_INPUTS = 3_000;
const MOST_FINDINGS = 10;

export interface ChildOptions {
  readonly root: string;
  readonly target: 'frames' | 'graph' | 'bodies';
  readonly seed: number;
  readonly ms: number;
  /** Where the watchdog writes an input that this process does not survive. */
  readonly lastWords: string;
}

export async function child({ root, target: name, seed, ms, lastWords }: ChildOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-fuzz-data-'));
  const told = new Set<string>();
  const tell = (what: string, input?: Buffer): void => {
    const kind = what.slice(0, 60);
    if (told.has(kind) || told.size === MOST_FINDINGS) return;
    told.add(kind);
    console.log(JSON.stringify({ what, ...(input !== undefined && { input: input.toString('base64') }) }));
  };
  let target: FuzzTarget;
  switch (name) {
    case 'frames':
      target = await framesTarget(/program\.mjs/);
      break;
    case 'graph':
      target = await graphsTarget(root);
      break;
    case 'bodies':
      target = await bodiesTarget(root, folder);
  }
  const watched = watch(root, lastWords, target.maxBytes);
  let settledMib: number | undefined;
  process.on('uncaughtException', (error) => tell(`uncaught: ${error.stack}`, watched.input()));
  process.on('unhandledRejection', (error) => tell(`unhandled: ${(error as Error)?.stack}`, watched.input()));
  const report = await fuzzGuided({
    ...{ random: new Random(seed), target, ms },
    onInput: watched.begin,
    onDone: (inputs) => {
      watched.end();
      if (inputs === SETTLED_INPUTS) settledMib = heldMib();
    },
    onBroken: (input, thrown) => tell(String((thrown as Error)?.stack ?? thrown), input),
  });
  await target.conclude().catch((error: unknown) => tell(`afterwards: ${(error as Error).stack}`));
  await delay(100);
  const held = heldMib();
  if (settledMib !== undefined && held - settledMib > HELD_MIB)
    tell(`memory: ${Math.round(held - settledMib)} MiB more are held than after ${SETTLED_INPUTS} inputs`);
  const memory = { heldMib: Math.round(held), residentMib: Math.round(process.memoryUsage.rss() / 2 ** 20) };
  await rm(folder, { recursive: true, force: true });
  console.log(JSON.stringify({ report: { ...report, ...memory } }));
}

/** In use, without what is only not collected yet. */
function heldMib(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

interface Watched {
  begin(input: Buffer): void;
  end(): void;
  /** The one that is tried, or was last. */
  input(): Buffer;
}

function watch(root: string, file: string, maxBytes: number): Watched {
  const state = new Int32Array(new SharedArrayBuffer(12));
  const input = new Uint8Array(new SharedArrayBuffer(maxBytes));
  const workerData = { state, input, deadlineMs: DEADLINE_MS, growthMib: GROWTH_MIB, file };
  new Worker(join(root, 'test/fuzz/watchdog.mjs'), { workerData, execArgv: [] }).unref();
  return {
    begin: (bytes) => {
      input.set(bytes.subarray(0, maxBytes));
      Atomics.store(state, 2, Math.min(bytes.length, maxBytes));
      Atomics.add(state, 0, 1);
    },
    end: () => void Atomics.store(state, 1, Atomics.load(state, 0)),
    input: () => Buffer.from(input.slice(0, Atomics.load(state, 2))),
  };
}
