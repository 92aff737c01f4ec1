/** What PostgreSQL's errors mean for a store: whether a statement took effect, and the coded error for a person. */
import { DatabaseError } from 'pg';
import { messageOf, TuttiError } from '../../base/errors.js';

/**
 * Whether the server has said that a statement took no effect. Otherwise its answer was lost, and it may take effect even later:
 * a server that ends a session (`FATAL`) can have committed before.
 */
export function isRefused(error: unknown): boolean {
  return error instanceof DatabaseError && error.severity === 'ERROR';
}

/** The server is a standby now: another one takes the writes. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '25006';
}

/** Whether a server could be reached and refuses this user or this database, which waiting does not mend. */
export function isMisconfigured(error: unknown): boolean {
  // 28: the password or the user; 3D: no such database; 42501: a right is missing.
  return error instanceof DatabaseError && /^(28|3D|42501)/.test(error.code ?? '');
}

/** The database cannot be reached, or cannot do what it was asked at the moment. */
export function storeUnavailable(shown: string, cause: unknown): TuttiError {
  return new TuttiError('store_unavailable', `the store at ${shown} cannot be reached: ${reasonOf(cause)}`, {
    hint: 'Start the database or restore the connection to it: Tutti continues by itself.',
    cause,
  });
}

/** What is thrown where a server, or the way to it, has failed. */
export function asStoreError(shown: string, error: unknown): TuttiError {
  if (error instanceof TuttiError) return error;
  return isMisconfigured(error) ? storeRefused(shown, error) : storeUnavailable(shown, error);
}

export function storeRefused(shown: string, cause: unknown): TuttiError {
  return new TuttiError('store_unusable', `the store at ${shown} cannot be used: ${reasonOf(cause)}`, {
    hint: 'Compare user, password, database and rights with "PostgreSQL" in docs/operations.md.',
    cause,
  });
}

/**
 * The database has another newest commit than this process: mostly an older one, since an asynchronous standby was promoted, or a backup was
 * put in its place.
 */
export function storeWentBack(shown: string, known: number, found: number): TuttiError {
  return new TuttiError(
    'store_failed',
    `the newest commit of the store at ${shown} is ${found}, and ${known} was acknowledged last: the database was replaced by another state of it`,
    {
      hint: 'Start again to continue from the state of the database; "PostgreSQL" in docs/operations.md says how to replicate without a loss.',
    },
  );
}

export function storeMissing(shown: string): TuttiError {
  return new TuttiError('store_missing', `${shown} holds no store`, {
    hint: 'Give the database of an orchestrator.',
  });
}

/** Node.js puts the errors of several addresses of a host into one without a message. */
export function reasonOf(cause: unknown): string {
  return cause instanceof AggregateError ? cause.errors.map(messageOf).join('; ') : messageOf(cause);
}
