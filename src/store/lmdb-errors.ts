/** Maps LMDB's failures to the store's coded errors. */
import { messageOf, TuttiError } from '../base/errors.js';
import { RESTORE_HINT } from './identity.js';

/** ENOSPC, EFBIG, EDQUOT and MDB_MAP_FULL: there is no room, and there may be some later. */
const NO_ROOM: ReadonlySet<unknown> = new Set([28, 27, 122, -30792, 'ENOSPC', 'EFBIG', 'EDQUOT']);

/**
 * The outcome of a write that the binding rejected: there was no room, or LMDB is in a state in which it must not write again.
 * The binding rejects with an error whose `commitError` is a promise that rejects with LMDB's own.
 */
export async function failureOf(
  error: unknown,
): Promise<{ readonly full: boolean; readonly cause: unknown }> {
  let cause = error;
  if (error instanceof Error && 'commitError' in error) {
    cause = await Promise.resolve(error.commitError).catch((reason: unknown) => reason);
  }
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return { full: NO_ROOM.has(code), cause };
}

export function storeUnusable(dir: string, cause: unknown): TuttiError {
  return new TuttiError('store_unusable', `the store in ${dir} cannot be opened: ${messageOf(cause)}`, {
    hint: 'Name a directory that this user may write to, and that is empty or contains a store of Tutti.',
    cause,
  });
}

export function storeMissing(dir: string): TuttiError {
  return new TuttiError('store_missing', `${dir} holds no store`, {
    hint: 'Give the data directory of an orchestrator.',
  });
}

export function storeDamaged(dir: string, what: string, cause?: unknown): TuttiError {
  return new TuttiError('store_damaged', `the store in ${dir} is damaged: its file ${what}`, {
    hint: RESTORE_HINT,
    cause,
  });
}

/** It was removed, moved or replaced while it was in use. */
export function storeOutOfPlace(what: string): TuttiError {
  return new TuttiError('store_gone', `the store's ${what}: nothing more can be stored`, {
    hint: 'Put the data directory back, or stop the orchestrator and restore a backup.',
  });
}

export function storeFull(cause: unknown): TuttiError {
  return new TuttiError('store_full', `the store has no room: ${messageOf(cause)}`, {
    hint: 'Free disk space and try again.',
    cause,
  });
}

export function storeFailed(cause: unknown): TuttiError {
  return new TuttiError('store_failed', `the store can no longer write: ${messageOf(cause)}`, {
    hint: 'Repair the disk, then start again: everything that was committed is still there.',
    cause,
  });
}
