/** The fold of facts about grants. */
import { DEFAULT_PROJECT } from '../access.js';
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';

export function addGrant(state: DurableState, fact: FactOf<'access.granted'>, { at }: Moment): void {
  const { access_id: id, name, role, project = DEFAULT_PROJECT, hash, expires_at: expiresAt } = fact;
  state.undo.put(state.grants, id, { id, name, role, project, hash, createdAt: at, expiresAt });
}

export function removeGrant(state: DurableState, { access_id: id }: FactOf<'access.revoked'>): void {
  if (!state.grants.has(id)) throw new Error(`grant ${id} is not there`);
  state.undo.remove(state.grants, id);
}
