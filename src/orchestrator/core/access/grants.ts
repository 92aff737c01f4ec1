/** Grants of access: what admins give and take back. */
import { DEFAULT_PROJECT, type Grant, MAX_GRANTS, MAX_PROJECTS } from '../../../model/access.js';
import type { Answer, View } from '../../port.js';
import { refusal } from '../../refusal.js';
import { emit } from '../emit.js';
import type { State } from '../state.js';
import type { PreparedGrant, Turn } from '../turn.js';

/** The answer has the token sealed, so that it is in no record as it is. */
export function grantAccess(turn: Turn, grant: PreparedGrant): Answer {
  const { grants } = turn.state;
  if (grants.size >= MAX_GRANTS) {
    const hint = 'revoke expired or unused tokens';
    return refusal('conflict', 'too_many_grants', `there are ${MAX_GRANTS} grants of access`, { hint });
  }
  const { id, name, role, project = DEFAULT_PROJECT, hash, sealed, expiresInMs } = grant;
  const projects = new Set([...grants.values()].map((one) => one.project));
  if (projects.size >= MAX_PROJECTS && !projects.has(project)) {
    const hint = 'revoke the grants of unused projects';
    return refusal('conflict', 'too_many_projects', `grants name ${MAX_PROJECTS} projects`, { hint });
  }
  const expiry = expiresInMs === undefined ? {} : { expires_at: turn.wallMs + expiresInMs };
  emit(turn, { type: 'access.granted', access_id: id, name, role, project, hash, ...expiry });
  return { ok: true, kind: 'created', body: { ...grantView(grants.get(id)!), sealed } };
}

export function revokeAccess(turn: Turn, id: string): Answer {
  const grant = turn.state.grants.get(id);
  if (!grant) return refusal('not_found', 'unknown_grant', `no grant of access ${id}`);
  emit(turn, { type: 'access.revoked', access_id: id });
  return { ok: true, kind: 'done', body: grantView(grant) };
}

/** All of them, the oldest first, without their hashes. */
export function grantViews({ grants }: Pick<State, 'grants'>): View[] {
  return [...grants.keys()].sort().map((id) => grantView(grants.get(id)!));
}

function grantView({ id, name, role, project, createdAt, expiresAt }: Grant): View {
  return {
    ...{ access_id: id, name, role, project },
    created_at: new Date(createdAt).toISOString(),
    expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
  };
}
