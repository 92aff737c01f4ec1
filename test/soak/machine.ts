/** What the machine says of the processes of a run, which carry its mark in their environment: `SOAK_RUN` and `SOAK_SLOT`. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Seen {
  readonly pid: number;
  readonly parent: number;
  /** The place that the run started it or its ancestor for. */
  readonly slot: string;
  readonly command: string;
  /** Of the machine's ticks: with the pid it names a process for good. */
  readonly startedAt: string;
  readonly residentMib: number;
  readonly files: number;
}

/** Every process of the run, also where its parent has changed. */
export function processesOf(run: string): Seen[] {
  return pids().flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (!environment.includes(`SOAK_RUN=${run}`)) return [];
      const slot =
        environment.find((entry) => entry.startsWith('SOAK_SLOT='))?.slice('SOAK_SLOT='.length) ?? '';
      const { parent, startedAt } = statOf(pid);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return [
        {
          ...{ pid, parent, slot, startedAt },
          command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
          // What it maps of files, a store among them, is not its own.
          residentMib: Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024,
          files: readdirSync(`/proc/${pid}/fd`).length,
        },
      ];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** Ended children that a process of these has not waited for, and whose they are. */
export function zombiesOf(parents: readonly Seen[]): string[] {
  const known = new Map(parents.map((seen) => [seen.pid, seen]));
  return pids().flatMap((pid) => {
    try {
      const { parent, state, name } = statOf(pid);
      const of = known.get(parent);
      return state === 'Z' && of !== undefined ? [`${pid} (${name}) of ${of.slot}: ${of.command}`] : [];
    } catch {
      return [];
    }
  });
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function statOf(pid: number): { name: string; state: string; parent: number; startedAt: string } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name stands in parentheses, and may hold any character.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  return { name, state: fields[0]!, parent: Number(fields[1]), startedAt: fields[19]! };
}
