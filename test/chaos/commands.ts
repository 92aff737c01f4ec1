/** The commands of run modules: their graph, the clusters that they run on, and those that run at this moment. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** An agent of `far` dials in from outside; that of `local` is the orchestrator's own, and so is that of `batch`. */
export const REMOTE_CLUSTER = 'far';
export const MANAGED_CLUSTERS = ['local', 'batch'] as const;
const SLOTS = 4;

export interface CommandFiles {
  readonly graph: string;
  readonly config: string;
  /** What every command writes to; in its environment as JOURNAL. */
  readonly journal: string;
}

/** Puts the graph and the options with the clusters into the run's folder. */
export function prepareCommands(
  root: string,
  folder: string,
  journals: string,
  withSlurm: boolean,
): CommandFiles {
  const journal = join(journals, 'commands.jsonl');
  writeFileSync(journal, '');
  const source = (name: string) => readFileSync(join(root, 'test/chaos/graphs', name), 'utf8');
  const graph = join(folder, 'scripts.yaml');
  writeFileSync(graph, source('scripts.yaml').replaceAll('JOURNAL_PATH', JSON.stringify(journal)));
  writeFileSync(join(folder, 'command.sh'), source('command.sh'), { mode: 0o755 });
  const cluster = (name: string, more: object) => ({
    name,
    slots: SLOTS,
    workdir: join(folder, name),
    ...more,
  });
  const clusters = [
    cluster(REMOTE_CLUSTER, { type: 'local', agent: 'remote' }),
    ...(withSlurm ? [cluster('batch', { type: 'slurm' })] : []),
  ];
  const config = join(folder, 'options.yaml');
  writeFileSync(config, stringify({ clusters }));
  return { graph, config, journal };
}

export interface LiveProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly execution: string;
}

/** The living processes of all commands that write to this journal. */
export function liveProcesses(journal: string): LiveProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
        const id = environment.find((pair) => pair.startsWith('TUTTI_EXECUTION_ID='));
        if (id === undefined || !environment.includes(`JOURNAL=${journal}`)) return [];
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z' || state === 'X') return [];
        const execution = id.slice(id.indexOf('=') + 1);
        return [{ pid: Number(name), parent: Number(parent), group: Number(group), execution }];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}

/** Sends a signal to a process, or with a negative number to a process group, that may be gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
