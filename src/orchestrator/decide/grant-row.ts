/** Grants as they are stored. */
import type { Grant } from '../../model/access.js';
import type { GrantRow } from '../records.js';

export function grantToRow({ id, name, role, hash, createdAt, expiresAt }: Grant): GrantRow {
  return { access_id: id, name, role, hash, created_at: createdAt, expires_at: expiresAt };
}

export function grantFromRow({ access_id, name, role, hash, created_at, expires_at }: GrantRow): Grant {
  return { id: access_id, name, role, hash, createdAt: created_at, expiresAt: expires_at };
}
