/** Secrets as they are stored. */

import type { Secret } from '../../model/secret.js';

export interface SecretRow {
  readonly name: string;
  readonly sealed: string;
  readonly created_at: number;
  readonly updated_at: number;
}

export function secretToRow({ name, sealed, createdAt, updatedAt }: Secret): SecretRow {
  return { name, sealed, created_at: createdAt, updated_at: updatedAt };
}

export function secretFromRow({ name, sealed, created_at, updated_at }: SecretRow): Secret {
  return { name, sealed, createdAt: created_at, updatedAt: updated_at };
}
