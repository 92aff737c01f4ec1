/**
 * The schema version of a store, and the migration of an older store to the current one.
 *
 * 1. A store of a newer schema is refused and left as it is.
 * 2. A migration makes a whole store of the next version, or nothing (`migrate.ts`).
 *
 * | version | what is new in it |
 * |---|---|
 * | 2 | a checksum behind every stored value (`lmdb-table.ts`) |
 */
import { TuttiError } from '../base/errors.js';
import type { Key, Table } from './store.js';

export interface StoredRow {
  readonly table: Table;
  readonly key: Key;
  readonly value: Uint8Array;
}

/** The rows that replace a row in the next version. */
export type Migration = (row: StoredRow) => readonly StoredRow[];

/** The first leads from version 1 to 2, the second from 2 to 3. The current version is one past the last. */
export const MIGRATIONS: readonly Migration[] = [(row) => [row]];

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
