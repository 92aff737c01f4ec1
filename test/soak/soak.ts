/**
 * One run: nodes of each language, whose handlers do by their input what authors do, under an orchestrator; storms, in which processes are
 * killed at random, take turns with calms, in which their memory can be told. At the end no slot, process or file may be lost.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Watcher } from '../chaos/watcher.js';
import { missing } from '../python/python.js';
import { Random } from '../support/random.js';
import { type Case, PLAIN } from './cases.js';
import { Load } from './load.js';
import { processesOf, zombiesOf } from './machine.js';
import { type Figure, isOwn, isResourceTracker, roleOf, Samples } from './samples.js';
import { type Slot, type SlotSpec, System } from './system.js';

export interface SoakOptions {
  /** The package's folder; it has been built. */
  readonly root: string;
  /** For data and logs of this run. */
  readonly folder: string;
  readonly seed: number;
  readonly ms: number;
  readonly executions: number;
  /** Tasks that succeed at least: a run in which nothing does proves nothing. */
  readonly minSuccesses: number;
  /** Of the slots. @default all */
  readonly only?: readonly string[];
  readonly log: (text: string) => void;
}

export interface SoakReport {
  readonly seconds: number;
  readonly executions: number;
  readonly perSecond: number;
  readonly successes: number;
  readonly excused: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly kills: Readonly<Record<string, number>>;
  readonly starts: Readonly<Record<string, number>>;
  readonly plainMs: { readonly n: number; readonly p50: number; readonly p99: number };
  readonly memory: readonly Figure[];
  readonly faults: readonly string[];
}

const SLOTS: readonly SlotSpec[] = [
  { name: 'threads', language: 'python', env: {} },
  { name: 'many', language: 'python', env: { TUTTI_PROCESSES: '2' } },
  { name: 'script', language: 'typescript', env: {} },
];
const PHASES = 6;
/** A node that is killed again before it is up proves nothing. */
const LEAST_KILL_MS = 3_000;
const SAMPLE_MS = 30_000;
const LEAST_SAMPLES_OF_A_RUN = 40;
/** What a handler may keep by the table, the heap's own play, and the event loop's buffers. */
const BOUNDS = { growthMib: 48, files: 70 };
const SETTLE_MS = 60_000;
const HOLD_S = 1.5;
const HOLD: Case = {
  ...{ do: 'hold', languages: [], weight: 0, asked: { seconds: HOLD_S } },
  ends: { state: 'succeeded', output: { held: true } },
};

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { root, folder, seed, ms, executions, log } = options;
  const random = new Random(seed);
  const hasPython = missing('zmq', 'google.protobuf') === undefined;
  if (!hasPython) log('no Python with pyzmq and protobuf: there are no nodes in Python');
  const slots = SLOTS.filter(
    ({ name, language }) =>
      (hasPython || language !== 'python') && (options.only === undefined || options.only.includes(name)),
  );
  const system = new System(root, folder, `${seed}-${process.pid}`, slots);
  const samples = new Samples();
  const kills: Record<string, number> = {};
  const journals = join(folder, 'journals');
  await mkdir(journals, { recursive: true });
  let watcher: Watcher | undefined;
  try {
    await system.start();
    const load = new Load(system, random.fork());
    watcher = new Watcher(system.http, journals);
    watcher.onEvent(load.onEvent);
    await allAlive(system);
    const began = performance.now();
    const done = new AbortController();
    const beside = [
      killing({ system, load, random: random.fork(), ms, kills, signal: done.signal }),
      sampling(system, samples, Math.min(SAMPLE_MS, ms / LEAST_SAMPLES_OF_A_RUN), done.signal),
      telling(load, began, log, done.signal),
    ];
    await load.run(executions, ms);
    done.abort();
    await Promise.all(beside);
    const seconds = (performance.now() - began) / 1000;
    load.deadly = false;
    const faults = [...(await afterwards(system, load)), ...load.faults];
    faults.push(...samples.faults(BOUNDS));
    if (load.successes < options.minSuccesses)
      faults.push(`only ${load.successes} tasks succeeded, of ${options.minSuccesses} at least`);
    if (seconds * 1000 > ms * 1.5 + SETTLE_MS) faults.push(`it took ${Math.round(seconds)} s`);
    await system.end();
    faults.push(...system.faults, ...watcher.faults);
    const plain = load.plainMs.sort((a, b) => a - b);
    const at = (part: number) => Math.round(plain[Math.floor(plain.length * part)] ?? 0);
    return {
      ...{ seconds: Math.round(seconds), executions: load.executions, successes: load.successes },
      ...{ perSecond: Math.round((load.executions / seconds) * 10) / 10, excused: load.excused },
      ...{ ends: load.ends, kills, faults, memory: samples.figures() },
      starts: Object.fromEntries(system.slots.map(({ name, starts }) => [name, starts])),
      plainMs: { n: plain.length, p50: at(0.5), p99: at(0.99) },
    };
  } finally {
    watcher?.close();
    system.killAll();
  }
}

interface Killing {
  readonly system: System;
  readonly load: Load;
  readonly random: Random;
  readonly ms: number;
  readonly kills: Record<string, number>;
  readonly signal: AbortSignal;
}

/** Every other phase is a storm. */
async function killing({ system, load, random, ms, kills, signal }: Killing): Promise<void> {
  const phaseMs = ms / PHASES;
  const began = performance.now();
  while (!signal.aborted) {
    const isStorm = Math.floor((performance.now() - began) / phaseMs) % 2 === 0;
    load.deadly = isStorm;
    await until(random.between(1, 2) * Math.max(LEAST_KILL_MS, Math.min(phaseMs / 8, 10_000)), signal);
    if (!isStorm || signal.aborted) continue;
    const slot = random.pick(system.slots);
    const seen = system.processes(slot).filter((one) => !isResourceTracker(one));
    if (seen.length === 0) continue;
    const victim = random.pick(seen);
    const what = isOwn(victim)
      ? victim.pid === slot.process?.pid
        ? 'first process killed'
        : `${roleOf(victim)} killed`
      : 'child killed';
    kills[`${slot.name}: ${what}`] = (kills[`${slot.name}: ${what}`] ?? 0) + 1;
    system.kill(slot, victim, what);
  }
}

async function sampling(
  system: System,
  samples: Samples,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    samples.take(performance.now(), processesOf(system.run));
    await until(everyMs, signal);
  }
}

async function telling(
  load: Load,
  began: number,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await until(60_000, signal);
    const seconds = Math.round((performance.now() - began) / 1000);
    log(`${seconds} s: ${load.executions} executions, ${load.faults.length} faults`);
  }
}

/** Nothing is under way, all slots are free at the same time, and no parent waits for a child that has ended. */
async function afterwards(system: System, load: Load): Promise<string[]> {
  const faults: string[] = [];
  if (!(await within(async () => (await stats(system)).tasks === 0)))
    faults.push(`unfinished tasks are left: ${JSON.stringify(await stats(system))}`);
  await allAlive(system);
  if (!(await within(async () => (await nodes(system)).every(isIdle))))
    faults.push(`executions are left: ${JSON.stringify(await nodes(system))}`);
  for (const slot of system.slots) {
    const own = (await nodes(system)).filter((node) => node.module === slot.name);
    const capacity = own.reduce((sum, node) => sum + node.capacity, 0);
    faults.push(...(await lastWave(load, slot, capacity)));
  }
  for (const slot of system.slots) await load.ask(slot, PLAIN);
  const zombies = () => zombiesOf(processesOf(system.run));
  if (!(await within(async () => zombies().length === 0)))
    faults.push(`children that have ended are not waited for: ${zombies().join('; ')}`);
  return faults;
}

/** As many tasks as there are slots, each of which lasts: all of them have to be at work at one moment. */
async function lastWave(load: Load, slot: Slot, capacity: number): Promise<string[]> {
  const told = await Promise.all(Array.from({ length: capacity }, () => load.ask(slot, HOLD)));
  const last = told.map((executions) => executions.at(-1));
  const latestStart = Math.max(...last.map((each) => Date.parse(each?.assigned_at ?? '')));
  const firstEnd = Math.min(...last.map((each) => Date.parse(each?.finished_at ?? '')));
  return latestStart < firstEnd ? [] : [`${slot.name} has lost a slot of ${capacity}`];
}

interface NodeView {
  readonly module: string;
  readonly liveness: string;
  readonly capacity: number;
  readonly running: readonly unknown[];
  /** Those that a node still works on although they have ended for the orchestrator. */
  readonly stopping: readonly unknown[];
}

function isIdle({ running, stopping }: NodeView): boolean {
  return running.length === 0 && stopping.length === 0;
}

async function nodes(system: System): Promise<readonly NodeView[]> {
  const answer = (await (await fetch(`${system.http}/v1/nodes?limit=1000`)).json()) as { items: NodeView[] };
  return answer.items.filter(({ liveness }) => liveness !== 'dead');
}

async function stats(system: System): Promise<{ tasks: number }> {
  return (await fetch(`${system.http}/v1/stats`)).json() as Promise<{ tasks: number }>;
}

async function allAlive(system: System): Promise<void> {
  const isAlive = await within(async () => {
    const there = (await nodes(system)).filter(({ liveness }) => liveness === 'alive');
    return system.slots.every(({ name, env }) => {
      const wanted = Number(env.TUTTI_PROCESSES ?? 1);
      return there.filter(({ module }) => module === name).length >= wanted;
    });
  });
  if (!isAlive) throw new Error(`nodes are missing: ${JSON.stringify(await nodes(system))}`);
}

async function within(isSo: () => Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + SETTLE_MS; performance.now() < end; ) {
    if (await isSo()) return true;
    await delay(200);
  }
  return isSo();
}

/** For so long, or until it is over. */
async function until(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
