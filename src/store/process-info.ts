/**
 * Processes by pid and start time: a pid alone comes again, both together do not.
 *
 * The system offers no way to wait for the end of a process that is not a child, so that is looked at every few milliseconds.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;
/** SIGKILL cannot be refused, but a process in a disk write ends only after it. */
const KILL_WAIT_MS = 10_000;

interface ProcessInfo {
  readonly started: string;
  /** Stopped by a signal or a debugger: it cannot react to SIGTERM. */
  readonly stopped: boolean;
}

/**
 * When a running process began, as a text that no other process of this pid has; `undefined` where none runs. A process that has
 * ended and that its parent has not asked after yet does not run.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  return (await infoOf(pid))?.started;
}

/**
 * End the process that has this pid and start time: SIGTERM, after `graceMs` or at once if it is stopped SIGKILL. Resolves to
 * whether it is gone.
 * @throws the system's error where this user may not signal it.
 */
export async function endProcess(pid: number, started: string, graceMs: number): Promise<boolean> {
  const isStill = async () => (await infoOf(pid))?.started === started;
  if (!(await isStill())) return true;
  signal(pid, 'SIGTERM');
  const deadline = performance.now() + graceMs;
  while (performance.now() < deadline) {
    const info = await infoOf(pid);
    if (info?.started !== started) return true;
    if (info.stopped) break;
    await delay(LOOK_EVERY_MS);
  }
  if (!(await isStill())) return true;
  signal(pid, 'SIGKILL');
  for (const end = performance.now() + KILL_WAIT_MS; performance.now() < end; await delay(LOOK_EVERY_MS)) {
    if (!(await isStill())) return true;
  }
  return false;
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function infoOf(pid: number): Promise<ProcessInfo | undefined> {
  const boot = await readText('/proc/sys/kernel/random/boot_id');
  return boot === undefined ? askPs(pid) : readProc(pid, boot.slice(0, 8));
}

/** `/proc/<pid>/stat`: after the name in parentheses the state, 3rd of all, and the start in ticks since boot, 22nd. */
async function readProc(pid: number, boot: string): Promise<ProcessInfo | undefined> {
  const stat = await readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return infoFrom(fields[0], fields[19] === undefined ? undefined : `${boot}.${fields[19]}`);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // ESRCH: it ended between the opening and the reading.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Where there is no `/proc`: `ps` tells the state and the date of the start, to the second. */
function askPs(pid: number): Promise<ProcessInfo | undefined> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    execFile('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)], { env }, (error, stdout) => {
      const [state, ...start] = stdout.trim().split(/\s+/);
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve(infoFrom(state || undefined, start.join('-').replaceAll(':', '.') || undefined));
    });
  });
}

/** States that `ps` and `/proc` share: Z and X have ended, T and t are stopped. */
function infoFrom(state: string | undefined, started: string | undefined): ProcessInfo | undefined {
  if (state === undefined || started === undefined || /^[ZX]/.test(state)) return undefined;
  return { started, stopped: /^[Tt]/.test(state) };
}
