/** Secrets: what people set and remove. Whatever changes wakes what waits for one. */
import { AGENT_MODULE, type RunSpec, secretsOf } from '../../../model/run.js';
import { MAX_SECRETS, type Secret } from '../../../model/secret.js';
import type { Answer, View } from '../../port.js';
import { refusal } from '../../refusal.js';
import { emit } from '../emit.js';
import type { State } from '../state.js';
import type { Turn } from '../turn.js';

export function setSecret(
  turn: Turn,
  { name, sealed }: { readonly name: string; readonly sealed: string },
): Answer {
  const { state } = turn;
  const known = state.secrets.get(name);
  if (!known && state.secrets.size >= MAX_SECRETS) {
    const hint = 'remove unused secrets';
    return refusal('conflict', 'too_many_secrets', `there are ${MAX_SECRETS} secrets`, { hint });
  }
  emit(turn, { type: 'secret.set', secret: name, sealed });
  state.free(AGENT_MODULE);
  return { ok: true, kind: known ? 'done' : 'created', body: secretView(state.secrets.get(name)!) };
}

export function removeSecret(turn: Turn, name: string): Answer {
  if (!turn.state.secrets.has(name)) return refusal('not_found', 'unknown_secret', `no secret ${name}`);
  emit(turn, { type: 'secret.removed', secret: name });
  turn.state.free(AGENT_MODULE);
  return { ok: true, kind: 'done', body: { name } };
}

/** All of them, by their names, without their values. */
export function secretViews({ secrets }: State): View[] {
  return [...secrets.keys()].sort().map((name) => secretView(secrets.get(name)!));
}

/** The first secret that a run module takes and nobody has set. */
export function missingSecret({ secrets }: Pick<State, 'secrets'>, run: RunSpec): string | undefined {
  return Object.values(secretsOf(run)).find((name) => !secrets.has(name));
}

function secretView({ name, createdAt, updatedAt }: Secret): View {
  return {
    name,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  };
}
