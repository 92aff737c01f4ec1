/**
 * `npm run fleet -- [--replicas N] [--agents N] [--lost N] [--trials N]`: replicas of a service on agents, as real processes on this machine: how long it
 * takes to bring them up, to replace those of agents that are killed, to stop the surplus once these are back, and to stop all. Exits with 1 when a phase
 * does not come to its end, or a process is left. It does not measure networks or batch systems: all clusters are this machine.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figures, Trial } from './trial.js';

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: '200' },
    agents: { type: 'string', default: '20' },
    lost: { type: 'string', default: '5' },
    trials: { type: 'string', default: '3' },
  },
});
const [replicas, agents, lost] = [Number(values.replicas), Number(values.agents), Number(values.lost)];

const PHASES = {
  bringUp: 'bring-up',
  loss: 'replacement of what is lost',
  surplus: 'stop of the surplus',
  stop: 'full stop',
} as const;
const phases = Object.keys(PHASES) as (keyof Figures)[];

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
const load = (): string => loadavg()[0]!.toFixed(1);

console.log(`${replicas} replicas on ${agents} agents, ${lost} of which fall silent`);
console.log(`Node.js ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), load ${load()}`);
const all: Figures[] = [];
let left = 0;
for (let trial = 1; trial <= Number(values.trials); trial += 1) {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-fleet-'));
  const one = new Trial({ root: process.cwd(), folder, replicas, agents, lost });
  try {
    const figures = await one.run();
    all.push(figures);
    const said = phases.map((phase) => `${PHASES[phase]} ${seconds(figures[phase])} s`);
    const after = one.left();
    left += after.length;
    console.log(`${trial}: ${said.join(', ')}; load ${load()}; ${after.length} processes are left`);
    for (const { pid, command } of after) console.log(`   ${pid} ${command}`);
  } finally {
    one.killAll();
    await rm(folder, { recursive: true, force: true });
  }
}
for (const phase of phases) {
  const sorted = all.map((figures) => figures[phase]).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  console.log(
    `${PHASES[phase]}: n = ${sorted.length}, median ${seconds(median)} s, ${seconds(sorted[0]!)} to ${seconds(sorted.at(-1)!)} s`,
  );
}
process.exit(left === 0 ? 0 : 1);
