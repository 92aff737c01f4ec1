/** Grants of access before they enter the mailbox: the token is made, hashed and sealed. Decisions and records never see it. */
import { randomBytes } from 'node:crypto';
import type { IdSource } from '../../base/ids.js';
import { sha256Of } from '../../base/sha256.js';
import { GRANT_TOKEN_BYTES, GRANT_TOKEN_PREFIX, sealedGrant } from '../../model/access.js';
import type { Vault } from '../access/vault.js';
import type { PreparedGrant } from '../core/turn.js';
import type { Answer, NewGrant } from '../port.js';
import { refusal } from '../refusal.js';

export function prepareGrant(
  { vault, ids }: { readonly vault: Pick<Vault, 'seal'>; readonly ids: Pick<IdSource, 'uuid'> },
  grant: NewGrant,
): PreparedGrant {
  const id = ids.uuid();
  const token = GRANT_TOKEN_PREFIX + randomBytes(GRANT_TOKEN_BYTES).toString('base64url');
  return { ...grant, id, hash: sha256Of(token), sealed: vault.seal(sealedGrant(id), token) };
}

/** The answer with the token in it, which a request that is repeated with its key gets once more. */
export function withToken(vault: Pick<Vault, 'open'>, answer: Answer): Answer {
  if (!answer.ok) return answer;
  const { sealed, ...body } = answer.body;
  const id = String(body.access_id);
  const token = vault.open({ name: sealedGrant(id), sealed: String(sealed) });
  if (token !== undefined) return { ...answer, body: { ...body, token } };
  const message = `the token of ${id} was sealed with another key, and cannot be shown again`;
  const hint = `Revoke it (tutti access revoke ${id}), and grant access again.`;
  return refusal('conflict', 'token_sealed', message, { hint });
}
