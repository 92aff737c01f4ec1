/** Webhooks before they enter the mailbox: the filter is checked, the address and the secret are sealed. */
import { sealedName, type Webhook, type WebhookTarget } from '../../model/webhook.js';
import type { Vault } from '../access/vault.js';
import type { SealedWebhook } from '../core/turn.js';
import type { NewWebhook, Queries, Refusal } from '../port.js';

export interface PrepareWebhookDeps {
  readonly vault: Pick<Vault, 'open' | 'seal'>;
  readonly state: { readonly webhooks: ReadonlyMap<string, Webhook> };
  readonly queries: Pick<Queries, 'problemFits'>;
}

export async function prepareWebhook(
  { vault, state, queries }: PrepareWebhookDeps,
  { name, url, filter, problem, secret }: NewWebhook,
): Promise<SealedWebhook | Refusal> {
  if (problem !== undefined) {
    const checked = await queries.problemFits(problem);
    if ('ok' in checked) return atProblem(checked);
  }
  const target: WebhookTarget = { url, ...(secret !== undefined && { secret }) };
  const text = JSON.stringify(target);
  const known = state.webhooks.get(name);
  // What is declared again is sealed as before: nothing has changed.
  const isKnown = known && vault.open({ name: sealedName(name), sealed: known.sealed }) === text;
  return {
    name,
    origin: new URL(url).origin,
    sealed: isKnown ? known.sealed : vault.seal(sealedName(name), text),
    signed: secret !== undefined,
    ...(filter && { filter: [...new Set(filter)] }),
    ...(problem !== undefined && { problem }),
  };
}

/** The address and the secret of a webhook; nothing where another key has sealed them. */
export function openTarget(vault: Pick<Vault, 'open'>, { name, sealed }: Webhook): WebhookTarget | undefined {
  const text = vault.open({ name: sealedName(name), sealed });
  return text === undefined ? undefined : (JSON.parse(text) as WebhookTarget);
}

function atProblem(refusal: Refusal): Refusal {
  if (refusal.code !== 'bad_filter') return refusal;
  const details = refusal.details?.map((fault) => ({ ...fault, path: '/problem' })) ?? [];
  return { ...refusal, message: refusal.message.replace(/^filter: /, 'problem: '), details };
}
