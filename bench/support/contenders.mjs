/**
 * Everything that can do the work of the three-stage chain: Tutti, the bare loops, BullMQ. Each is started afresh, loaded, ended.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, Process, startNode } from './processes.mjs';
import { CHAIN, freshFolder, playChain, Tutti } from './tutti.mjs';

/** @typedef {import('./tutti.mjs').Context} Context */

/**
 * @typedef {object} Load
 * @property {number} done in the window
 * @property {number} ran in all
 * @property {number} perSecond
 * @property {number} p50 of a task, in ms
 * @property {number} p99
 * @property {number} [submitP50] of its submission alone
 * @property {number} [submitP99]
 */

/**
 * @typedef {object} Started
 * @property {(options: { inFlight: number, warmUpMs: number, forMs: number }) => Promise<Load>} load
 * @property {Process} coordinator what keeps the state: its processor time is shown
 * @property {readonly Process[]} others nodes and client, on the same processors
 * @property {() => Promise<void>} end
 */

/** @typedef {{ name: string, start: (context: Context) => Promise<Started> }} Contender */

const worker = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../workers/${name}.mjs`, import.meta.url));

/** @type {Contender} */
export const tuttiChain = {
  name: 'Tutti',
  async start(context) {
    const tutti = await Tutti.start(context, { graphs: [CHAIN] });
    const nodes = await playChain(tutti);
    const client = await tutti.client();
    return {
      load: (options) => client.ask('load', { graph: 'chain', ...options }),
      coordinator: tutti.orchestrator,
      others: [...nodes, client],
      end: () => tutti.end(),
    };
  },
};

/** @param {'single' | 'batched'} kind @returns {Contender} */
export function bareLoop(kind) {
  return {
    name: kind === 'single' ? 'loop, one per frame' : 'loop, batched',
    async start(context) {
      const folder = freshFolder(context, 'loop');
      const loop = startNode('the loop', [worker('loop'), join(folder, 'store.mdb'), kind], { ipc: true });
      const endpoint = await loop.line('ready ');
      const stages = [0, 1, 2].map((stage) =>
        startNode(`stage ${stage}`, [worker('loop-node'), endpoint, String(stage)], { ipc: true }),
      );
      await Promise.all(stages.map((stage) => stage.line('ready')));
      return {
        load: (options) => loop.ask('load', options),
        coordinator: loop,
        others: stages,
        async end() {
          for (const part of [...stages, loop]) await part.end();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

/** @param {'always' | 'everysec'} sync @returns {Contender} */
export function bullmq(sync) {
  return {
    name: `BullMQ, fsync ${sync}`,
    async start(context) {
      const folder = freshFolder(context, 'redis');
      const port = String(await freePort());
      const redis = new Process('Redis', 'redis-server', [
        ...['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', sync, '--maxmemory-policy', 'noeviction'],
      ]);
      await ready(redis);
      const stages = [0, 1, 2].map((stage) =>
        startNode(`BullMQ stage ${stage}`, [worker('bullmq-stage'), port, String(stage)], { ipc: true }),
      );
      const client = startNode('the BullMQ client', [worker('bullmq-client'), port], { ipc: true });
      await Promise.all([...stages, client].map((part) => part.line('ready')));
      return {
        load: (options) => client.ask('load', options),
        coordinator: redis,
        others: [...stages, client],
        async end() {
          for (const part of [client, ...stages, redis]) await part.end();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

/** @param {Process} redis @returns {Promise<void>} */
function ready(redis) {
  return new Promise((resolve, reject) => {
    redis.lines.on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve();
    });
    void redis.exited.then(() => reject(new Error('Redis did not start')));
  });
}
