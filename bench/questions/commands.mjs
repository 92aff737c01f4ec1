/** What does a short command cost as a run module on this machine, beside a shell that runs the same command in a loop? */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ratioOf, shown } from '../support/report.mjs';
import { Tutti } from '../support/tutti.mjs';

const COMMANDS = 1000;
const GRAPH = `name: commands
source: { name: problem, type: json }
modules:
  work: { inputs: [problem], output: json, run: { command: [/bin/true], result: none } }
`;
const LOOP = 'i=0; while [ "$i" -lt "$1" ]; do /bin/true; i=$((i + 1)); done';

/** @type {import('../support/report.mjs').Question} */
export const commands = {
  name: 'commands',
  async run(context) {
    const tasks = context.quick ? COMMANDS / 10 : COMMANDS;
    const tutti = await Tutti.start(context, { graphs: [GRAPH] });
    const client = await tutti.client();
    /** @param {number} inFlight @param {number} count */
    const load = (inFlight, count) =>
      client.ask('load', { graph: 'commands', input: {}, inFlight, tasks: count, countOutputs: 1 });
    // The agent of this machine is started by the first one.
    await load(1, 1);
    /** @type {number[]} */
    const loops = [];
    /** @type {number[]} */
    const together = [];
    /** @type {number[]} */
    const alone = [];
    for (let round = 0; round < context.rounds; round += 1) {
      loops.push((await secondsOf(tasks)) / tasks);
      together.push(1 / (await load(tasks, tasks)).perSecond);
      alone.push((await load(1, Math.ceil(tasks / 10))).p50 / 1000);
    }
    await tutti.end();
    const ms = (/** @type {readonly number[]} */ rounds) => shown(rounds.map((seconds) => seconds * 1000));
    const rate = (/** @type {readonly number[]} */ rounds) => shown(rounds.map((seconds) => 1 / seconds));
    return {
      tables: [
        {
          title: `${tasks} times /bin/true on this machine`,
          head: ['', 'ms per command', 'commands/s'],
          rows: [
            ['a shell loop', ms(loops), rate(loops)],
            [`run modules, ${tasks} submitted at once`, ms(together), rate(together)],
            ['a run module, one after the other (p50)', ms(alone), rate(alone)],
          ],
        },
      ],
      ratios: [
        { name: 'commands.together/loop', rounds: ratioOf(together, loops), better: 'lower' },
        { name: 'commands.alone/loop', rounds: ratioOf(alone, loops), better: 'lower' },
      ],
      notMeasured: [
        'the work of a command: it ends at once',
        'clusters that are reached over ssh, and batch systems',
      ],
      figures: { tasks, loops, together, alone },
    };
  },
};

/** @param {number} count */
async function secondsOf(count) {
  const before = performance.now();
  await promisify(execFile)('/bin/sh', ['-c', LOOP, 'sh', String(count)]);
  return (performance.now() - before) / 1000;
}
