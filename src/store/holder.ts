/**
 * One orchestrator per data directory.
 *
 * 1. A process that wants the directory first announces itself by a *claim*, a file with a unique name, and then looks at the
 *    other claims. Of two processes that claim at once, at least one sees the other; one that sees a live claim withdraws.
 * 2. A claim that has found itself alone is marked as *held* and stays until its release. Starters that only met each other's
 *    claims try again after a random wait.
 * 3. A claim names its process by pid and start time. The claim of a process that is gone is removed by the first process that
 *    sees it; since names are never reused, a live claim cannot be removed by mistake.
 *
 * A process that another kernel or container runs on the same directory cannot be seen from here; its claim counts as gone, and
 * the store's epoch fences it off.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, TuttiError } from '../base/errors.js';
import { endProcess, startOf } from './process-info.js';

export interface AcquireOptions {
  /** End the process that holds the directory, then take it. @default false */
  readonly takeover?: boolean;
  /** How long that process has between SIGTERM and SIGKILL, in milliseconds; an orchestrator needs at most 5 s. @default 6000 */
  readonly graceMs?: number;
}

/** Give the directory back. Idempotent. */
export type Release = () => Promise<void>;

/** A process that announced itself. */
export interface Holder {
  readonly pid: number;
  /** As `startOf` gave it. */
  readonly started: string;
}

interface Claim extends Holder {
  readonly name: string;
  readonly held: boolean;
}

/** Where the claims are, below the data directory: files named by pid, start time and a random number. */
const CLAIMS = 'holder';
const CLAIM = /^(\d+)_([^_]+)_[0-9a-f]+\.claim$/;

/** Starters that meet each other are done within a few of these; somebody that is still there then holds on. */
const TRIES = 40;
const LONGEST_WAIT_MS = 50;

/**
 * Become the one orchestrator of a data directory, which is made where it is missing.
 * @throws `data_dir_held`, naming the pid; `data_dir_unusable`.
 */
export async function acquireDataDir(dir: string, options: AcquireOptions = {}): Promise<Release> {
  const claims = join(dir, CLAIMS);
  try {
    await mkdir(claims, { recursive: true, mode: 0o700 });
    for (let tries = 1; ; tries += 1) {
      const own = await announce(claims);
      const other = await liveOther(claims, own);
      if (other === undefined) {
        await writeFile(join(claims, heldName(own)), '');
        return () => withdraw(claims, own);
      }
      await withdraw(claims, own);
      if (other.held || tries === TRIES) {
        if (options.takeover !== true || other.pid === process.pid) throw heldBy(dir, other);
        await endHolder(dir, other, options.graceMs ?? 6000);
      } else {
        await delay(Math.random() * LONGEST_WAIT_MS);
      }
    }
  } catch (error) {
    if (error instanceof TuttiError) throw error;
    throw new TuttiError(
      'data_dir_unusable',
      `${dir} cannot be used as a data directory: ${messageOf(error)}`,
      {
        hint: 'Name a directory that this user may write to.',
        cause: error,
      },
    );
  }
}

/** The process that holds a data directory, if one does. */
export async function holderOf(dir: string): Promise<Holder | undefined> {
  const holder = (await liveClaims(join(dir, CLAIMS))).find((claim) => claim.held);
  return holder === undefined ? undefined : { pid: holder.pid, started: holder.started };
}

async function announce(claims: string): Promise<string> {
  const started = await startOf(process.pid);
  if (started === undefined) throw new Error('this process is not in the process list');
  const name = `${process.pid}_${started}_${randomBytes(8).toString('hex')}.claim`;
  await writeFile(join(claims, name), '', { flag: 'wx' });
  return name;
}

async function withdraw(claims: string, name: string): Promise<void> {
  // The claim goes last: without it the mark says nothing.
  await rm(join(claims, heldName(name)), { force: true });
  await rm(join(claims, name), { force: true });
}

async function liveOther(claims: string, own: string): Promise<Claim | undefined> {
  const others = (await liveClaims(claims)).filter((claim) => claim.name !== own);
  return others.find((claim) => claim.held) ?? others[0];
}

/** All claims of processes that run; the others' are removed on the way. */
async function liveClaims(claims: string): Promise<Claim[]> {
  const names = await readdir(claims).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const live: Claim[] = [];
  for (const name of names) {
    const [, pid, started] = CLAIM.exec(name) ?? [];
    if (pid === undefined || started === undefined) continue;
    if ((await startOf(Number(pid))) === started) {
      live.push({ name, pid: Number(pid), started, held: names.includes(heldName(name)) });
    } else {
      await withdraw(claims, name);
    }
  }
  return live;
}

const heldName = (claim: string): string => claim.replace(/\.claim$/, '.held');

async function endHolder(dir: string, holder: Holder, graceMs: number): Promise<void> {
  try {
    if (await endProcess(holder.pid, holder.started, graceMs)) return;
  } catch (error) {
    throw heldBy(dir, holder, error);
  }
  throw heldBy(dir, holder);
}

function heldBy(dir: string, holder: Holder, cause?: unknown): TuttiError {
  const why = cause === undefined ? '' : `, which could not be ended: ${messageOf(cause)}`;
  return new TuttiError('data_dir_held', `${dir} is held by the orchestrator with pid ${holder.pid}${why}`, {
    hint: 'Stop that process, use --takeover to end it, or use another data directory.',
    cause,
  });
}
