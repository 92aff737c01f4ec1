/** Memory and open files of the processes of a run over time, and whether they stay flat. */
import type { Seen } from './machine.js';

interface Sample {
  readonly atMs: number;
  readonly residentMib: number;
  readonly files: number;
}

export interface Figure {
  readonly process: string;
  readonly samples: number;
  readonly firstMib: number;
  readonly medianMib: number;
  readonly lastMib: number;
  readonly slopeMibPerHour: number;
  readonly files: readonly [first: number, last: number];
}

export interface FlatnessBounds {
  /** Between the medians of the first and the last third of a process's samples, after its start. */
  readonly growthMib: number;
  readonly files: number;
}

/** With fewer, a process has not lived for long enough to tell. */
const LEAST_SAMPLES = 6;
/** A process of its first moments still loads and compiles. */
const WARM_UP = 2;

export class Samples {
  readonly #of = new Map<string, { readonly what: string; readonly samples: Sample[] }>();

  /** Children that a handler has started are its own affair. */
  take(atMs: number, processes: readonly Seen[]): void {
    const own = new Set(processes.filter(isOwn).map(({ pid }) => pid));
    for (const seen of processes) {
      if (!own.has(seen.pid)) continue;
      const key = `${seen.pid} ${seen.startedAt}`;
      const entry = this.#of.get(key) ?? { what: `${seen.slot} ${roleOf(seen)}`, samples: [] };
      entry.samples.push({ atMs, residentMib: seen.residentMib, files: seen.files });
      this.#of.set(key, entry);
    }
  }

  /** Of each role the process that lived for the longest time. */
  figures(): Figure[] {
    const longest = new Map<string, readonly Sample[]>();
    for (const { what, samples } of this.#of.values())
      if (samples.length >= Math.max(LEAST_SAMPLES, longest.get(what)?.length ?? 0))
        longest.set(what, samples);
    return [...longest].map(([what, samples]) => {
      const settled = samples.slice(WARM_UP);
      const memory = settled.map(({ residentMib }) => residentMib);
      return {
        process: what,
        samples: samples.length,
        firstMib: round(memory[0]!),
        medianMib: round(median(memory)),
        lastMib: round(memory.at(-1)!),
        slopeMibPerHour: round(slope(settled) * 3_600_000),
        files: [settled[0]!.files, settled.at(-1)!.files] as const,
      };
    });
  }

  /** The processes that grew by more than the bounds. */
  faults({ growthMib, files }: FlatnessBounds): string[] {
    const faults: string[] = [];
    for (const { what, samples } of this.#of.values()) {
      if (samples.length < LEAST_SAMPLES) continue;
      const settled = samples.slice(WARM_UP);
      const third = Math.ceil(settled.length / 3);
      const grown = (of: (sample: Sample) => number) =>
        median(settled.slice(-third).map(of)) - median(settled.slice(0, third).map(of));
      const memory = grown(({ residentMib }) => residentMib);
      if (memory > growthMib) faults.push(`${what} grew by ${round(memory)} MiB`);
      const opened = grown((sample) => sample.files);
      if (opened > files) faults.push(`${what} has ${opened} open files more`);
    }
    return faults;
  }
}

/** Not a child of a handler. */
export function isOwn({ slot, command }: Seen): boolean {
  return slot === 'orchestrator' || /soak\/node\.(py|mjs)|tutti\.network|-m tutti/.test(command);
}

/**
 * CPython's helper that unlinks what processes share by name. A Python process takes the end of its helper in only when it next needs one,
 * so a killed one may stay unwaited for: that says nothing about a node.
 */
export function isResourceTracker({ command }: Seen): boolean {
  return command.includes('multiprocessing.resource_tracker');
}

export function roleOf({ slot, command }: Seen): string {
  if (slot === 'orchestrator') return 'process';
  return /tutti\.network|network\.main/.test(command) ? 'network process' : 'node process';
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** By least squares, per millisecond. */
function slope(samples: readonly Sample[]): number {
  const meanAt = samples.reduce((sum, { atMs }) => sum + atMs, 0) / samples.length;
  const mean = samples.reduce((sum, { residentMib }) => sum + residentMib, 0) / samples.length;
  let product = 0;
  let square = 0;
  for (const { atMs, residentMib } of samples) {
    product += (atMs - meanAt) * (residentMib - mean);
    square += (atMs - meanAt) ** 2;
  }
  return square === 0 ? 0 : product / square;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
