/**
 * Nodes that do next to nothing, several in one process. Started with a JSON of `PlayerOptions` (support/tutti.mjs) as its argument.
 * On stdout: `ready`, and with `move`, `moved <bytes> <ms>` for every payload.
 */
import { randomFillSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { endWithParent } from '../support/processes.mjs';

/** @type {import('../support/tutti.mjs').PlayerOptions} */
const { dist, control, nodes } = JSON.parse(String(process.argv[2]));
const { node } = await import(pathToFileURL(`${dist}/src/sdk/index.js`).href);

const quiet = { debug() {}, info() {}, warn: console.error, error: console.error };
const now = () => process.hrtime.bigint();

/**
 * @param {import('../support/tutti.mjs').Player} player
 * @returns {(task: { inputs: Record<string, any> }) => unknown}
 */
function handlerOf({ does, bytes = 200 }) {
  switch (does) {
    case 'make': {
      // Each different from all others: what is the same is stored once.
      const filling = randomFillSync(Buffer.allocUnsafe(bytes));
      let made = 0;
      return () => {
        const output = Buffer.from(filling);
        made += 1;
        if (bytes >= 24) {
          output.writeBigUInt64LE(now(), 0);
          output.writeUInt32LE(process.pid, 8);
          output.writeUInt32LE(made, 12);
        }
        return output;
      };
    }
    case 'pass':
      return ({ inputs }) => Object.values(inputs)[0];
    case 'move':
      return ({ inputs }) => {
        const input = Buffer.from(Object.values(inputs)[0]);
        const ms = Number(now() - input.readBigUInt64LE(0)) / 1e6;
        console.log(`moved ${input.length} ${ms}`);
        return new Uint8Array(1);
      };
    case 'stamp':
      return () => ({ at: String(now()) });
    default:
      throw new Error(`unknown work ${does}`);
  }
}

await Promise.all(
  nodes.map((player) =>
    node(player.module, handlerOf(player), {
      instance: player.instance ?? player.module,
      capacity: player.capacity ?? 4096,
      control,
      logger: quiet,
      exitOnTerminate: false,
    }).start(),
  ),
);
endWithParent();
console.log('ready');
