/** Grants as they are stored. */
import { DEFAULT_PROJECT, type Grant } from '../../../model/access.js';
import type { GrantRow } from '../../tables/records.js';

export function grantToRow({ id, name, role, project, hash, createdAt, expiresAt }: Grant): GrantRow {
  return { access_id: id, name, role, project, hash, created_at: createdAt, expires_at: expiresAt };
}

/** One of before there were projects is bound to the one that everything of then belongs to. */
export function grantFromRow({
  access_id: id,
  name,
  role,
  project = DEFAULT_PROJECT,
  ...row
}: GrantRow): Grant {
  return { id, name, role, project, hash: row.hash, createdAt: row.created_at, expiresAt: row.expires_at };
}
