/** Answers to requests, and the memory of those that carry an idempotency key. */
import type { Answer } from '../port.js';
import { refusal } from '../refusal.js';
import { emit } from './emit.js';
import type { Turn } from './turn.js';

/** How long the same key gives the same answer. */
const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

export interface Dedupe {
  readonly key: string;
  readonly hash: string;
}

/** A later request with this key gets the same answer. Only successes are remembered: a refusal changed nothing. */
export function remember(turn: Turn, dedupe: Dedupe | undefined, answer: Answer): void {
  if (!dedupe || !answer.ok) return;
  const expiresAt = turn.wallMs + IDEMPOTENCY_MS;
  const { key, hash } = dedupe;
  emit(turn, { type: 'request.answered', key, hash, answer, expires_at: expiresAt });
  turn.journal.remember(key, { hash, answer, expires_at: expiresAt });
}

/** The answer of an earlier request with this key, if there was one. */
export function recall(turn: Turn, dedupe: Dedupe): Answer | undefined {
  const row = turn.journal.answered.get(dedupe.key) ?? turn.loaded.answered.get(dedupe.key);
  if (!row || row.expires_at <= turn.wallMs) return undefined;
  if (row.hash === dedupe.hash) return row.answer as Answer;
  return refusal(
    'invalid',
    'idempotency_mismatch',
    `Idempotency-Key ${dedupe.key} was used for another request`,
  );
}
