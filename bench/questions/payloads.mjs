/** What do larger results cost? Up to 64 KiB they go inline, above as blobs over HTTP. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  copyFileSync,
  createReadStream,
  fsyncSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, get } from 'node:http';
import { join } from 'node:path';
import { digits, ratioOf, shown } from '../support/report.mjs';
import { collect } from '../support/statistics.mjs';
import { CHAIN, freshFolder, graphOf, playChain, Tutti } from '../support/tutti.mjs';

const KIB = 1024;
const MIB = 1024 ** 2;
/** Sizes of a chain's results, and how many tasks are in flight. */
const CHAINS = /** @type {const} */ ([
  { bytes: 200, inFlight: 64, name: '200 B' },
  { bytes: 16 * KIB, inFlight: 64, name: '16 KiB' },
  { bytes: MIB, inFlight: 16, name: '1 MiB (blob)' },
]);
const MOVED = /** @type {const} */ ([MIB, 64 * MIB]);

/** @type {import('../support/report.mjs').Question} */
export const payloads = {
  name: 'payloads',
  async run(context) {
    const times = context.quick ? { warmUpMs: 500, forMs: 2000 } : { warmUpMs: 2000, forMs: 10_000 };
    /** @type {Record<string, import('../support/contenders.mjs').Load[]>} */
    const chains = {};
    /** @type {Record<number, { moveMs: number[], baseMs: number[], grownMib: number[] }>} */
    const moves = {};
    for (let round = 0; round < context.rounds; round += 1) {
      for (const { bytes, inFlight, name } of CHAINS) {
        const tutti = await Tutti.start(context, { graphs: [CHAIN] });
        await playChain(tutti, bytes);
        const client = await tutti.client();
        collect(chains, name, await client.ask('load', { graph: 'chain', inFlight, ...times }));
        await tutti.end();
      }
      for (const bytes of MOVED) {
        const all = moves[bytes] ?? { moveMs: [], baseMs: [], grownMib: [] };
        moves[bytes] = all;
        const { moveMs, grownMib } = await move(context, bytes, context.quick ? 3 : 10);
        all.moveMs.push(moveMs);
        all.grownMib.push(grownMib);
        all.baseMs.push(await copyAndTransfer(context, bytes));
      }
    }
    const large = moves[64 * MIB] ?? { moveMs: [], baseMs: [], grownMib: [] };
    return {
      tables: [
        {
          title: 'Chain of three modules by the size of the results',
          head: ['', 'in flight', 'tasks/s', 'MiB/s stored', 'p50 ms', 'p99 ms'],
          rows: CHAINS.map(({ name, bytes, inFlight }) => {
            const loads = chains[name] ?? [];
            return [
              name,
              inFlight,
              shown(loads.map(({ perSecond }) => perSecond)),
              shown(loads.map(({ perSecond }) => (perSecond * 3 * bytes) / MIB)),
              shown(loads.map(({ p50 }) => p50)),
              shown(loads.map(({ p99 }) => p99)),
            ];
          }),
        },
        {
          title: 'One output, node → next node, one at a time',
          head: ['', 'ms', 'MiB/s', 'synced copy + HTTP, ms', 'orchestrator memory + MiB'],
          rows: MOVED.map((bytes) => {
            const { moveMs, baseMs, grownMib } = moves[bytes] ?? large;
            return [
              `${bytes / MIB} MiB`,
              shown(moveMs),
              shown(moveMs.map((ms) => bytes / MIB / (ms / 1000))),
              shown(baseMs),
              digits(Math.max(...grownMib)),
            ];
          }),
        },
      ],
      ratios: [
        {
          name: 'payloads.16KiB.rate/200B',
          rounds: ratioOf(rates(chains['16 KiB']), rates(chains['200 B'])),
          better: 'higher',
        },
        {
          name: 'payloads.64MiB.rate/copy',
          rounds: ratioOf(large.baseMs, large.moveMs),
          better: 'higher',
          bar: 0.5,
        },
        {
          name: 'payloads.64MiB.memory/32MiB',
          rounds: large.grownMib.map((mib) => mib / 32),
          better: 'lower',
          bar: 1,
        },
      ],
      notMeasured: [
        'a cold disk: what was just written is read back from memory',
        'results that repeat: each differs from all others; one that is there already is stored once',
      ],
      figures: { chains, moves },
    };
  },
};

/** @param {readonly import('../support/contenders.mjs').Load[]} [loads] */
function rates(loads = []) {
  return loads.map(({ perSecond }) => perSecond);
}

/**
 * @param {import('../support/tutti.mjs').Context} context
 * @param {number} bytes
 * @param {number} tasks
 */
async function move(context, bytes, tasks) {
  const tutti = await Tutti.start(context, {
    graphs: [graphOf('pair', { make: ['problem'], take: ['make'] })],
  });
  await tutti.play([{ module: 'make', does: 'make', bytes, capacity: 1 }]);
  const taker = await tutti.play([{ module: 'take', does: 'move', capacity: 1 }]);
  /** @type {number[]} */
  const took = [];
  taker.lines.on('line', (line) => {
    const [, , ms] = line.split(' ');
    if (line.startsWith('moved ')) took.push(Number(ms));
  });
  const client = await tutti.client();
  await client.ask('load', { graph: 'pair', inFlight: 1, tasks: 1 });
  const before = tutti.orchestrator.memory().anonymous;
  let most = before;
  const sampling = setInterval(() => {
    most = Math.max(most, tutti.orchestrator.memory().anonymous);
  }, 20);
  await client.ask('load', { graph: 'pair', inFlight: 1, tasks });
  clearInterval(sampling);
  await tutti.end();
  took.sort((a, b) => a - b);
  return { moveMs: Number(took[took.length >> 1]), grownMib: (most - before) / MIB };
}

/**
 * The least that a large output could cost: its bytes copied to a synced file and read over HTTP. Nothing is hashed.
 * @param {import('../support/tutti.mjs').Context} context
 * @param {number} bytes
 */
async function copyAndTransfer(context, bytes) {
  const folder = freshFolder(context, 'copy');
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  writeFileSync(from, randomBytes(bytes));
  const server = createServer((_, response) => createReadStream(to).pipe(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const before = performance.now();
  copyFileSync(from, to);
  const file = openSync(to, 'r+');
  fsyncSync(file);
  closeSync(file);
  const [response] = await once(get({ host: '127.0.0.1', port }), 'response');
  for await (const _ of response);
  const ms = performance.now() - before;
  server.close();
  rmSync(folder, { recursive: true });
  return ms;
}
