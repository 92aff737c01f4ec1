/**
 * Copies of a store: taken while its orchestrator works, and put back under a new identity.
 *
 * 1. A copy holds everything that was acknowledged before it began, and is one moment of the store, however many commits happen meanwhile;
 *    writers are not kept waiting.
 * 2. The log is copied first, and read while it is: what the tables that are copied after it lack is in it.
 * 3. A copy that is put back is another store: its `store_id` is new, so nobody takes up an old cursor in it.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, TuttiError } from '../base/errors.js';
import { type IdSource, systemIds } from '../base/ids.js';
import { openTables } from './lmdb.js';
import { type Environment, lookAt, openDatabase, openEnvironment, storeFile } from './lmdb-environment.js';
import { storeDamaged, storeMissing } from './lmdb-errors.js';
import { HeaderFault } from './lmdb-header.js';
import { type LogState, readLogState, SELF } from './lmdb-tables.js';
import { folderOf, logDir, readLog, segmentName } from './log/folders.js';
import { LogStore } from './log-store.js';
import { makePrivate } from './private.js';
import { syncPath } from './sync.js';

/** A new reign that begins meanwhile makes a new log; the copy is made anew then. */
const TRIES = 10;

/**
 * Copy the store in a directory into another one, where there is none yet. The copy is synced when this resolves.
 * @throws `store_missing`, `store_damaged`, `backup_exists`, `backup_failed`
 */
export async function copyStore(dir: string, target: string): Promise<void> {
  if (!existsSync(storeFile(dir))) throw storeMissing(dir);
  const copy = storeFile(target);
  if (existsSync(copy))
    throw new TuttiError('backup_exists', `${copy} already exists: name a new place for the copy`);
  checkHeader(dir);
  try {
    await mkdir(target, { recursive: true, mode: 0o700 });
    for (let tries = 1; !(await copyOnce(dir, target)); tries += 1) {
      if (tries === TRIES) throw new Error('several orchestrators have taken it over in turn');
      for (const path of [copy, `${copy}-lock`, logDir(target)])
        await rm(path, { recursive: true, force: true });
    }
  } catch (cause) {
    if (cause instanceof TuttiError && cause.code === 'store_damaged') throw cause;
    throw new TuttiError('backup_failed', `the store could not be copied: ${messageOf(cause)}`, { cause });
  }
}

/** Give the store in a directory a new `store_id`, which is returned; its log is in its tables then. Nobody may have it open. */
export async function renewStoreId(dir: string, ids: Pick<IdSource, 'uuid'> = systemIds): Promise<string> {
  checkHeader(dir);
  const { tables } = await openTables({ dir }, false);
  const store = new LogStore(dir, tables);
  try {
    if (tables.logState().needed !== undefined) await store.reign();
    const storeId = ids.uuid();
    await tables.rename(storeId);
    return storeId;
  } finally {
    await store.close();
  }
}

function checkHeader(dir: string): void {
  try {
    if (lookAt(dir).kind !== 'store') throw storeDamaged(dir, 'is empty or not there');
  } catch (error) {
    if (error instanceof HeaderFault) throw storeDamaged(dir, error.message, error);
    throw error;
  }
}

/** Returns whether the log that was copied is the one that the copied tables need. */
async function copyOnce(dir: string, target: string): Promise<boolean> {
  const copy = storeFile(target);
  const { root } = openEnvironment(dir, { readAhead: true, readOnly: true });
  let needed: number | undefined;
  try {
    needed = await copyLog(dir, target, () => logStateOf(root));
    await root.backup(copy, true);
  } finally {
    await root.close();
  }
  makePrivate(copy);
  for (const path of [copy, dirname(copy)]) await syncPath(path);
  return isWhole(target, needed);
}

/** Returns the epoch whose log was copied, if one is needed. */
async function copyLog(dir: string, target: string, state: () => LogState): Promise<number | undefined> {
  for (let tries = 1; ; tries += 1) {
    const { needed, position } = state();
    if (needed === undefined) return undefined;
    try {
      const folder = folderOf(target, needed);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const { header, bytes } of await readLog(dir, needed, position)) {
        await writeWhole(join(folder, segmentName(header.number)), bytes);
      }
      for (const path of [folder, logDir(target), target]) await syncPath(path);
      return needed;
    } catch (error) {
      // It was recycled while it was read: the tables have passed it.
      if (tries === TRIES || state().position === position) throw error;
      await rm(logDir(target), { recursive: true, force: true });
    }
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function isWhole(target: string, copied: number | undefined): Promise<boolean> {
  const { root } = openEnvironment(target, { readOnly: true });
  try {
    const { needed, position } = logStateOf(root);
    if (needed === undefined) return true;
    if (needed !== copied) return false;
    await readLog(target, needed, position);
    return true;
  } finally {
    await root.close();
  }
}

function logStateOf(root: Environment): LogState {
  root.resetReadTxn();
  return readLogState(openDatabase(root, SELF, true), {});
}
