/**
 * What a store says of itself, and how an older one becomes a current one.
 *
 * 1. A store of a newer schema is refused and left as it is.
 * 2. A migration's writes and the version that they lead to are one transaction: a crash leaves the old or the new.
 */
import { TuttiError } from '../base/errors.js';
import type { Reader, Write } from './store.js';

/** The writes that turn a store of one version into one of the next. */
export type Migration = (reader: Reader) => Promise<readonly Write[]>;

/** The first leads from version 1 to 2, the second from 2 to 3. The current version is one past the last. */
export const MIGRATIONS: readonly Migration[] = [];

/** The version that a list of migrations ends at. */
export function schemaVersion(migrations: readonly Migration[]): number {
  return migrations.length + 1;
}

export function olderSchema(dir: string, found: number, known: number): TuttiError {
  return new TuttiError(
    'store_schema_older',
    `${dir} holds a store of schema version ${found}; this version of Tutti reads ${known}`,
    { hint: 'Start an orchestrator of this version on it once, which brings it up to date.' },
  );
}

export function newerSchema(dir: string, found: number, known: number): TuttiError {
  return new TuttiError(
    'store_schema_newer',
    `${dir} holds a store of schema version ${found}; this version of Tutti knows up to ${known}`,
    { hint: 'Start the version of Tutti that wrote it, or a newer one, or use another data directory.' },
  );
}
