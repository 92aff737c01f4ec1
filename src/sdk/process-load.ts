import type { ProcessLoad } from './session.js';

/** What this process has used of the processor since it was asked before, in cores, and what it holds of the memory now. */
export function createProcessLoad(): () => ProcessLoad {
  let cpu = process.cpuUsage();
  let at = process.hrtime.bigint();
  return () => {
    const spent = process.cpuUsage(cpu);
    const now = process.hrtime.bigint();
    const elapsedUs = Math.max(1, Number(now - at) / 1_000);
    cpu = process.cpuUsage();
    at = now;
    return { cpu: (spent.user + spent.system) / elapsedUs, memoryBytes: process.memoryUsage.rss() };
  };
}
