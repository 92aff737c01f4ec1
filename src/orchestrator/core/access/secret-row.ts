/** Secrets as they are stored. */
import type { Secret } from '../../../model/secret.js';
import type { SecretRow } from '../../tables/records.js';

export function secretToRow({ name, sealed, createdAt, updatedAt }: Secret): SecretRow {
  return { name, sealed, created_at: createdAt, updated_at: updatedAt };
}

export function secretFromRow({ name, sealed, created_at, updated_at }: SecretRow): Secret {
  return { name, sealed, createdAt: created_at, updatedAt: updated_at };
}
