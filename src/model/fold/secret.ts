/** The fold of facts about secrets. */
import type { DurableState, Moment } from '../durable.js';
import type { FactOf } from '../facts.js';

export function setSecret(
  state: DurableState,
  { secret: name, sealed }: FactOf<'secret.set'>,
  { at }: Moment,
): void {
  const createdAt = state.secrets.get(name)?.createdAt ?? at;
  state.undo.put(state.secrets, name, { name, sealed, createdAt, updatedAt: at });
}

export function resealSecret(state: DurableState, { secret: name, sealed }: FactOf<'secret.resealed'>): void {
  const known = state.secrets.get(name);
  if (!known) throw new Error(`secret ${name} is not there`);
  state.undo.put(state.secrets, name, { ...known, sealed });
}

export function removeSecret(state: DurableState, { secret }: FactOf<'secret.removed'>): void {
  if (!state.secrets.has(secret)) throw new Error(`secret ${secret} is not there`);
  state.undo.remove(state.secrets, secret);
}
