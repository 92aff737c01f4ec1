/** What the machine says of the processes of a trial, which carry its mark in their environment, or its folder in their command. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Seen {
  readonly pid: number;
  /** Of a command that a service runs, and of all that it has started. */
  readonly replica: string | undefined;
  readonly command: string;
}

export function processesOf(mark: string, folder: string): Seen[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (!environment.includes(`FLEET_TRIAL=${mark}`) && !command.includes(folder)) return [];
      const replica = environment.find((one) => one.startsWith('TUTTI_REPLICA='));
      return [{ pid, replica: replica?.slice('TUTTI_REPLICA='.length), command }];
    } catch {
      // It has ended meanwhile, or is another user's.
      return [];
    }
  });
}
