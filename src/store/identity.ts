/**
 * The identity file: a note, outside of the store, that there is one. A store that is empty or gone while the note exists is damaged, and
 * never takes the place of the one that was there.
 */
import { TuttiError } from '../base/errors.js';
import { readWhole, writeWhole } from './whole-file.js';

export interface Identity {
  readonly store_id: string;
  /** RFC 3339. */
  readonly created_at: string;
}

/** `unreadable`: there is a note, but a crash or a person has destroyed its content. */
export async function readIdentity(file: string): Promise<Identity | 'unreadable' | undefined> {
  const text = await readWhole(file);
  if (text === undefined) return undefined;
  try {
    const { store_id, created_at } = JSON.parse(text) as Partial<Identity>;
    if (typeof store_id === 'string' && typeof created_at === 'string') return { store_id, created_at };
  } catch {
    // It is not JSON.
  }
  return 'unreadable';
}

/** Whole or not at all, and synced. */
export function writeIdentity(file: string, identity: Identity): Promise<void> {
  return writeWhole(file, `${JSON.stringify(identity)}\n`);
}

export const RESTORE_HINT = 'Restore a backup with `tutti restore`, or put the missing file back.';

/** There is a note of a store, and no store. */
export function storeGone(dir: string, identity: Identity | 'unreadable', what: string): TuttiError {
  const which = identity === 'unreadable' ? '' : ` ${identity.store_id}, made at ${identity.created_at}`;
  return new TuttiError('store_damaged', `${dir} held the store${which}; its file ${what}`, {
    hint: `${RESTORE_HINT} To start with an empty store, move the whole data directory away.`,
  });
}
