/**
 * Copies of a store: taken while its orchestrator works, and put back under a new identity.
 *
 * 1. A copy is one moment of the store, however many commits happen meanwhile; whoever writes is not kept waiting.
 * 2. A copy that is put back is another store: its `store_id` is new, so nobody takes up an old cursor in it.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, TuttiError } from '../base/errors.js';
import { type IdSource, systemIds } from '../base/ids.js';
import {
  type EnvironmentOptions,
  lookAt,
  type Opened,
  openDatabase,
  openEnvironment,
  storeFile,
} from './lmdb-environment.js';
import { storeDamaged, storeMissing } from './lmdb-errors.js';
import { HeaderFault } from './lmdb-header.js';
import { IDENTITY, SELF } from './lmdb-store.js';
import { makePrivate } from './private.js';
import { syncPath } from './sync.js';

/**
 * Copy the store in a directory into another one, where there is none yet. The copy is synced when this resolves.
 * @throws `store_missing`, `backup_exists`, `backup_failed`
 */
export async function copyStore(dir: string, target: string): Promise<void> {
  if (!existsSync(storeFile(dir))) throw storeMissing(dir);
  const copy = storeFile(target);
  if (existsSync(copy)) throw new TuttiError('backup_exists', `${copy} exists: a copy goes to a new place`);
  const { root } = openExisting(dir, { readAhead: true, readOnly: true });
  try {
    await mkdir(target, { recursive: true, mode: 0o700 });
    await root.backup(copy, true);
    makePrivate(copy);
    for (const path of [copy, dirname(copy)]) await syncPath(path);
  } catch (cause) {
    throw new TuttiError('backup_failed', `the store could not be copied: ${messageOf(cause)}`, { cause });
  } finally {
    await root.close();
  }
}

/** Give the store in a directory a new `store_id`, which is returned. Nobody may have it open. */
export async function renewStoreId(dir: string, ids: Pick<IdSource, 'uuid'> = systemIds): Promise<string> {
  const { root } = openExisting(dir);
  try {
    const self = openDatabase(root, SELF, true);
    const identity = self.getEntry(IDENTITY);
    if (!identity) throw new TuttiError('store_missing', `${dir} holds no store of Tutti`);
    const storeId = ids.uuid();
    await self.put(IDENTITY, Buffer.from(JSON.stringify({ store_id: storeId })), identity.version ?? 1);
    await root.flushed;
    return storeId;
  } finally {
    await root.close();
  }
}

function openExisting(dir: string, options: EnvironmentOptions = {}): Opened {
  try {
    if (lookAt(dir).kind !== 'store') throw storeDamaged(dir, 'is empty or not there');
    return openEnvironment(dir, options);
  } catch (error) {
    if (error instanceof HeaderFault) throw storeDamaged(dir, error.message, error);
    throw error;
  }
}
