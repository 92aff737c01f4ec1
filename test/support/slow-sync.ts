/** The shim of `test/store/slow-sync.c`, which makes a child's syncs slow, writes them down, and fills its disk. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SOURCE = join(import.meta.dirname, '../store/slow-sync.c');

/**
 * Compile the shim. `LD_PRELOAD` is its path; the child's environment sets `TUTTI_SLOW_SYNC_MS`, `TUTTI_STUCK_WHILE`,
 * `TUTTI_SYNC_LOG`, `TUTTI_DISK_FULL`.
 * @returns The path of the shared library in a directory of its own, or `undefined` where there is no compiler or no preloading.
 */
export async function buildSlowSync(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const dir = await mkdtemp(join(tmpdir(), 'tutti-slow-sync-'));
  const building = join(dir, 'building.so');
  try {
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', building, SOURCE, '-ldl']);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const library = join(dir, 'slow-sync.so');
  await rename(building, library);
  return library;
}

export interface LoggedSync {
  /** `fdatasync`, `fsync`, `msync`, or the name of a write through a descriptor that syncs itself. */
  readonly what: string;
  /** The file's name, without its folders. */
  readonly file: string;
  /** On the clock of `process.hrtime.bigint()`, in nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
}

/** What a child wrote to its `TUTTI_SYNC_LOG`, in the order of the ends; empty where it synced nothing yet. */
export async function readSyncLog(path: string): Promise<LoggedSync[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [what = '', file = '', start = '0', end = '0'] = line.split(' ');
      return { what, file, start: BigInt(start), end: BigInt(end) };
    });
}
