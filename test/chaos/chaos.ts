/** One run: a system under load is attacked for a while, made whole again, left alone until it is quiet, and checked. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missing } from '../python/python.js';
import { Random } from '../support/random.js';
import { Slurm } from '../support/slurm.js';
import { check, type Verdict } from './checker.js';
import { Client, Load } from './clients.js';
import { Nemesis } from './nemesis.js';
import { Stage } from './stage.js';
import type { Subscribers } from './subscribers.js';
import { type NodeKind, prepareTools, System } from './system.js';
import { Watcher } from './watcher.js';

export interface ChaosOptions {
  /** The package's folder; it has been built. */
  readonly root: string;
  /** For data, journals and logs of this run. */
  readonly folder: string;
  readonly seed: number;
  /** How long it is attacked by everything. Nothing where only kills are wanted. */
  readonly attackMs?: number;
  /** So many kills of the orchestrator, and nothing else. */
  readonly kills?: number;
  readonly clients?: number;
  /** Whether nodes, agents and subscribers join with keys, over CURVE. */
  readonly curve: boolean;
  /** Whether commands run in a Slurm, too, whose controller is restarted. @default false */
  readonly slurm?: boolean;
  /** So many times as long between two blows. @default 1 */
  readonly pace?: number;
  /** Whether there are commands and their agents only, and no other nodes. @default false */
  readonly onlyScripts?: boolean;
  readonly minSuccesses: number;
  readonly log: (text: string) => void;
}

export interface ChaosReport extends Verdict {
  readonly attacks: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** By then everything that was accepted has ended: no retries, timeouts, walltimes and graces of the test's graphs take longer. */
const QUIET_WITHIN_MS = 180_000;

export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const { root, folder, seed, log } = options;
  const random = new Random(seed);
  const journals = join(folder, 'journals');
  await mkdir(journals, { recursive: true });
  const tools = await prepareTools(root, folder);
  if (tools.preload.length === 0) log('no C compiler: the clock and the disk are left alone');
  const withoutPython = missing('zmq', 'google.protobuf');
  if (withoutPython !== undefined) log(`no ${withoutPython}: there are no nodes in Python`);
  const stage = new Stage(folder);
  const began = performance.now();
  let watcher: Watcher | undefined;
  let subscribers: Subscribers | undefined;
  try {
    const slurm = options.slurm ? await Slurm.start(stage) : undefined;
    const system = new System({ root, folder, journals, seed, tools, slurm, curve: options.curve });
    stage.atEnd(() => system.stop());
    await system.start();
    for (const [module, kinds] of options.onlyScripts ? [] : Object.entries(FLEET)) {
      for (const [index, kind] of kinds.entries()) {
        const isThere = kind !== 'python' || withoutPython === undefined;
        if (isThere) await system.addSlot(module, `${module}-${index + 1}`, kind);
      }
    }
    const load = new Load();
    watcher = new Watcher(system.http, journals);
    subscribers = await system.subscribers();
    watcher.onEvent((event) => {
      if (event.type === 'node.joined') load.nodes.add(event.node_id!);
      if (/^iteration\.(succeeded|failed|cancelled|aborted)$/.test(event.type))
        load.end(`${event.problem_id}/${event.iteration_id}`);
    });
    const clients = Array.from(
      { length: options.clients ?? 4 },
      (_, index) =>
        new Client(
          {
            ...{ http: system.http, folder: journals, name: String(index), random: random.fork(), limit: 40 },
            ...(options.onlyScripts && { graphs: ['scripts'] as const }),
          },
          load,
        ),
    );
    const atWork = Promise.all(clients.map((client) => client.run()));
    const seconds = () => Math.round((performance.now() - began) / 1000);
    const nemesis = new Nemesis(
      system,
      random.fork(),
      (what) => log(`${seconds()} s: ${what}`),
      options.pace,
    );
    if (options.kills !== undefined) {
      await nemesis.killOnly(options.kills, (count) => {
        if (count % 50 === 0) log(`${seconds()} s: ${count} kills, ${load.accepted} tasks accepted`);
      });
    } else {
      const attack = nemesis.run();
      await delay(options.attackMs ?? 60_000);
      nemesis.stop();
      await attack;
    }
    load.stopping = true;
    await atWork;
    for (const node of load.nodes) await clients[0]!.start(node);
    log(`${seconds()} s: healed; waiting until it is quiet`);
    const faults: string[] = [...system.crashes, ...watcher.faults, ...subscribers.faults];
    if (!(await isQuiet(system.http))) faults.push('it did not become quiet');
    await delay(1500);
    const { http, data } = system;
    const { minSuccesses } = options;
    const verdict = await check({ http, journals, store: { root, data }, minSuccesses });
    const attacks = {
      ...nemesis.counts,
      'orchestrator restarts': system.restarts,
      'connections cut': Object.values(system.networks ?? {}).reduce((sum, { cuts }) => sum + cuts, 0),
      'viewer reconnects': watcher.reconnects,
      'viewer told of a restore': watcher.restores,
    };
    return { attacks, seconds: seconds(), counts: verdict.counts, faults: [...faults, ...verdict.faults] };
  } finally {
    watcher?.close();
    subscribers?.close();
    await stage.end();
  }
}

/** Two nodes of each module or more: one that writes down what it says, most of them. */
const FLEET: Readonly<Record<string, readonly NodeKind[]>> = {
  alpha: ['raw', 'raw', 'python'],
  beta: ['raw', 'sdk'],
  gamma: ['raw', 'raw'],
  delta: ['raw'],
  epsilon: ['raw', 'sdk', 'python'],
};

async function isQuiet(http: string): Promise<boolean> {
  const deadline = performance.now() + QUIET_WITHIN_MS;
  while (performance.now() < deadline) {
    const stats = await fetch(`${http}/v1/stats`)
      .then((response) => response.json() as Promise<{ tasks: number; commands: number }>)
      .catch(() => undefined);
    if (stats?.tasks === 0 && stats.commands === 0) return true;
    await delay(500);
  }
  return false;
}
