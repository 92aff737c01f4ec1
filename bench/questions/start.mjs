/** How long after a kill -9 is an orchestrator ready again, with many tasks in progress, and with its log at its longest? */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shown } from '../support/report.mjs';
import { freshFolder, graphOf, Tutti } from '../support/tutti.mjs';

/** Nobody plays its module. */
const PARKED = graphOf('parked', { absent: ['problem'] });
/** What may be in the log and not in the tables; see src/store/log-store.ts. */
const LONGEST_BYTES = 16 * 1024 ** 2;
const BAR_MS = 5000;
const WORKER = fileURLToPath(new URL('../workers/longest-log.mjs', import.meta.url));

/** @param {string} dist @param {string} data */
function lengthen(dist, data) {
  const options = {
    dist,
    dir: join(data, 'store'),
    identityFile: join(data, 'store-identity.json'),
    bytes: LONGEST_BYTES,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [WORKER, JSON.stringify(options)]);
  if (status !== 0) throw new Error(`the log could not be made longer: ${stderr}`);
  return JSON.parse(String(stdout));
}

/** @param {Tutti} tutti */
async function kill(tutti) {
  tutti.orchestrator.child.kill('SIGKILL');
  await tutti.orchestrator.exited;
  await tutti.end();
}

/** @type {import('../support/report.mjs').Question} */
export const start = {
  name: 'start',
  async run(context) {
    const tasks = context.quick ? 20_000 : 100_000;
    const data = join(freshFolder(context, 'start'), 'data');
    const first = await Tutti.start(context, { graphs: [PARKED], data });
    await (await first.client()).ask('submit', { graph: 'parked', tasks, inFlight: 256 });
    await kill(first);
    const killed = [];
    const longest = [];
    let log;
    for (let round = 0; round < context.rounds; round += 1) {
      const again = await Tutti.start(context, { data });
      killed.push(again.startMs);
      await kill(again);
      log = lengthen(context.dist, data);
      const behind = await Tutti.start(context, { data });
      longest.push(behind.startMs);
      await kill(behind);
    }
    return {
      tables: [
        {
          title: `Start with ${tasks} tasks in progress, from the start of the process until it takes work`,
          head: ['', 'ms'],
          rows: [
            ['after kill -9', shown(killed)],
            [`after kill -9, with ${LONGEST_BYTES / 1024 ** 2} MiB in the log only`, shown(longest)],
          ],
        },
      ],
      ratios: [
        {
          name: 'start.longest/5s',
          rounds: longest.map((ms) => ms / BAR_MS),
          better: 'lower',
          bar: 1,
          isAbsolute: true,
        },
      ],
      notMeasured: ['a start whose files are not in memory'],
      figures: { tasks, log, killed, longest },
    };
  },
};
