import type { ProcessLoad } from './session.js';

/** The processor use of this process since the previous call, in cores, and its current memory. */
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
