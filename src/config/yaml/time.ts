/**
 * How long a YAML text may be read. The time of a processor counts, so that a busy machine refuses no text that an idle one takes.
 *
 * Node.js 20 tells the processor time of the process, not of a thread. It is at least that of the reader, whose share of it is large enough
 * even where the process is busy otherwise, and an idle process uses nothing beside its reader.
 */

/** The largest texts take some 0.3 s. They may always take as long as that by the clock, too. */
export const READ_CPU_MS = 5_000;
/** By the clock: on a machine with two hundred times the work that it can do, the largest texts are read within this. */
export const READ_WALL_MS = 60_000;

/** Nobody looks more often. */
const LOOK_MS = 100;

/** The milliseconds after which it is to be looked at again whether a text takes too long; 0 where it does. */
export function whatIsLeft({ cpuMs, wallMs }: { readonly cpuMs: number; readonly wallMs: number }): number {
  if (wallMs >= READ_WALL_MS || (wallMs >= READ_CPU_MS && cpuMs >= READ_CPU_MS)) return 0;
  // One thread uses no more processor time than passes by the clock.
  const soonest = Math.max(READ_CPU_MS - wallMs, READ_CPU_MS - cpuMs, LOOK_MS);
  return Math.min(soonest, READ_WALL_MS - wallMs);
}
