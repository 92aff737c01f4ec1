/**
 * How fast is a chain of three modules, beside the least that could do it and beside what a person would use instead?
 * 200-byte results, each durable before the next stage starts and before the task counts as done.
 */
import { join } from 'node:path';
import { bareLoop, bullmq, tuttiChain } from '../support/contenders.mjs';
import { writtenBytes } from '../support/machine.mjs';
import { ratioOf, shown } from '../support/report.mjs';
import { collect } from '../support/statistics.mjs';

const LEVELS = /** @type {const} */ ([1, 64, 1024]);

/** @typedef {import('../support/contenders.mjs').Load & { cpuUs: number, allCpuUs: number, writtenKib: number }} Measured */

/** @param {import('../support/contenders.mjs').Started} started @param {string} folder */
function spentBy({ coordinator, others }, folder) {
  const own = coordinator.cpuMs();
  return {
    coordinatorMs: own,
    allMs: others.reduce((sum, process) => sum + process.cpuMs(), own),
    written: writtenBytes(folder),
  };
}

/** @param {import('../support/tutti.mjs').Context} context @param {number} inFlight */
function timesOf({ quick }, inFlight) {
  if (!quick) return { warmUpMs: 2000, forMs: 10_000 };
  return inFlight < 1000 ? { warmUpMs: 300, forMs: 2000 } : { warmUpMs: 1000, forMs: 5000 };
}

/** @type {import('../support/report.mjs').Question} */
export const chain = {
  name: 'chain',
  async run(context) {
    const contenders = [tuttiChain, bareLoop('single'), bareLoop('batched')];
    if (context.hasRedis) contenders.push(bullmq('always'), bullmq('everysec'));
    /** @type {Record<string, Record<number, Measured[]>>} */
    const measured = {};
    for (let round = 0; round < context.rounds; round += 1) {
      for (const contender of contenders) {
        const started = await contender.start(context);
        // Nobody is measured before the compiler has seen the code.
        await started.load({ inFlight: 64, warmUpMs: 0, forMs: context.quick ? 1500 : 5000 });
        for (const inFlight of LEVELS) {
          const profile = context.profiles && contender === tuttiChain && round === 0;
          if (profile) await started.coordinator.ask('profile start');
          const before = spentBy(started, context.data);
          const load = await started.load({ inFlight, ...timesOf(context, inFlight) });
          const after = spentBy(started, context.data);
          if (profile) {
            const path = join(String(context.profiles), `chain-${inFlight}.cpuprofile`);
            await started.coordinator.ask('profile stop', { path });
          }
          const levels = measured[contender.name] ?? {};
          measured[contender.name] = levels;
          collect(levels, inFlight, {
            ...load,
            cpuUs: ((after.coordinatorMs - before.coordinatorMs) * 1000) / load.ran,
            allCpuUs: ((after.allMs - before.allMs) * 1000) / load.ran,
            writtenKib: (after.written - before.written) / 1024 / load.ran,
          });
        }
        await started.end();
      }
    }
    /** @param {string} name @param {number} level @param {keyof Measured} field */
    const rounds = (name, level, field) =>
      (measured[name]?.[level] ?? []).map((load) => Number(load[field] ?? Number.NaN));
    const tables = LEVELS.map((level) => ({
      title: `Chain of three modules, ${level} in flight`,
      head: [
        ...['', 'tasks/s', 'p50 ms', 'p99 ms', 'submit p50 ms', 'submit p99 ms'],
        ...['coordinator CPU µs/task', 'of all processes', 'written KiB/task'],
      ],
      rows: contenders.map(({ name }) => [
        name,
        ...['perSecond', 'p50', 'p99', 'submitP50', 'submitP99', 'cpuUs', 'allCpuUs', 'writtenKib'].map(
          (field) =>
            shown(rounds(name, level, /** @type {keyof Measured} */ (field)).filter(Number.isFinite)),
        ),
      ]),
    }));
    /** @param {string} peer @param {number} level @param {keyof Measured} field */
    const to = (peer, level, field) => ratioOf(rounds('Tutti', level, field), rounds(peer, level, field));
    const single = 'loop, one per frame';
    /** @type {import('../support/report.mjs').Ratio[]} */
    const ratios = [
      { name: 'chain.1.p50/loop', rounds: to(single, 1, 'p50'), better: 'lower', bar: 1.5 },
      { name: 'chain.64.rate/loop', rounds: to(single, 64, 'perSecond'), better: 'higher', bar: 0.9 },
      { name: 'chain.1024.rate/loop', rounds: to(single, 1024, 'perSecond'), better: 'higher' },
      { name: 'chain.64.rate/batched', rounds: to('loop, batched', 64, 'perSecond'), better: 'higher' },
      {
        name: 'chain.1024.rate/batched',
        rounds: to('loop, batched', 1024, 'perSecond'),
        better: 'higher',
        bar: 0.25,
      },
    ];
    for (const level of LEVELS) {
      ratios.push(
        { name: `chain.${level}.cpu/loop`, rounds: to(single, level, 'allCpuUs'), better: 'lower' },
        { name: `chain.${level}.written/loop`, rounds: to(single, level, 'writtenKib'), better: 'lower' },
      );
    }
    if (context.hasRedis) {
      const durable = 'BullMQ, fsync always';
      const lossy = 'BullMQ, fsync everysec';
      ratios.push(
        { name: 'chain.1.p50/bullmq', rounds: to(durable, 1, 'p50'), better: 'lower' },
        { name: 'chain.64.rate/bullmq', rounds: to(durable, 64, 'perSecond'), better: 'higher', bar: 12 },
        { name: 'chain.1024.rate/bullmq', rounds: to(durable, 1024, 'perSecond'), better: 'higher', bar: 10 },
        { name: 'chain.64.rate/bullmq_everysec', rounds: to(lossy, 64, 'perSecond'), better: 'higher' },
        { name: 'chain.1024.rate/bullmq_everysec', rounds: to(lossy, 1024, 'perSecond'), better: 'higher' },
      );
    }
    return {
      tables,
      ratios,
      notMeasured: [
        'a network: everything is on the loopback of one machine',
        'work: the nodes do nothing, so this is the cost of coordination alone',
        'the loops have no submission and no viewer: their tasks begin and end inside the coordinating process',
        'BullMQ keeps results and job states, no events by task, no leases, and its client hears of the ends only',
        'power loss: a sync is as good as the disk beneath says it is',
      ],
      figures: measured,
    };
  },
};
