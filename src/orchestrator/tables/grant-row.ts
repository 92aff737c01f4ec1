/** Grants as they are stored. */
import { DEFAULT_PROJECT, type Grant, type Role } from '../../model/access.js';

export interface GrantRow {
  readonly access_id: string;
  readonly name: string;
  readonly role: Role;
  /** @default default */
  readonly project?: string;
  readonly hash: string;
  readonly created_at: number;
  readonly expires_at: number | undefined;
}

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
