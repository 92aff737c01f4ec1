/**
 * Webhooks: what people add, declare and remove, and how far their deliveries have come.
 *
 * What deliveries say is about one webhook by its id: of one that was removed meanwhile, it changes nothing.
 */
import { canonicalJson } from '../../../base/json/canonical.js';
import { maySee } from '../../../model/access.js';
import { MAX_WEBHOOKS, type Webhook } from '../../../model/webhook.js';
import type { Answer, View } from '../../port.js';
import { refusal } from '../../refusal.js';
import { emit } from '../emit.js';
import type { State } from '../state.js';
import type { SealedWebhook, Turn, WebhookProgress } from '../turn.js';

export function addWebhook(turn: Turn, webhook: SealedWebhook): Answer {
  const { webhooks } = turn.state;
  if (webhooks.has(webhook.name)) {
    return refusal('conflict', 'name_taken', `there is a webhook ${webhook.name} already`, {
      details: [{ path: '/name', code: 'name_taken', message: 'is taken' }],
    });
  }
  if (webhooks.size >= MAX_WEBHOOKS) {
    const hint = 'remove unused webhooks, or let one receiver forward events';
    return refusal('conflict', 'too_many_webhooks', `there are ${MAX_WEBHOOKS} webhooks`, { hint });
  }
  const { name, ...fields } = webhook;
  emit(turn, { type: 'webhook.added', webhook: name, webhook_id: turn.ids.uuid(), ...fields });
  return { ok: true, kind: 'created', body: webhookView(webhooks.get(name)!) };
}

/** The configuration says how it is: it is added, or changed and goes on from its cursor. */
export function declareWebhook(turn: Turn, webhook: SealedWebhook): Answer {
  const known = turn.state.webhooks.get(webhook.name);
  if (!known) return addWebhook(turn, webhook);
  if (isOther(known, webhook)) {
    const { name, project: _, ...fields } = webhook;
    emit(turn, { type: 'webhook.changed', webhook: name, ...fields });
  }
  return { ok: true, kind: 'done', body: webhookView(turn.state.webhooks.get(webhook.name)!) };
}

export function removeWebhook(turn: Turn, name: string): Answer {
  if (!turn.state.webhooks.has(name)) return unknownWebhook(name);
  emit(turn, { type: 'webhook.removed', webhook: name });
  return { ok: true, kind: 'done', body: { name } };
}

export function noteProgress(turn: Turn, { name, id, cursor, attempt, missed }: WebhookProgress): Answer {
  if (turn.state.webhooks.get(name)?.id !== id) return unknownWebhook(name);
  if (attempt) {
    const { status, isDelivered: delivered } = attempt;
    emit(turn, { type: 'webhook.tried', webhook: name, cursor, status, delivered });
  } else
    emit(turn, { type: 'webhook.passed', webhook: name, cursor, ...(missed !== undefined && { missed }) });
  return { ok: true, kind: 'done', body: { name } };
}

export function unknownWebhook(name: string): Answer & { readonly ok: false } {
  return refusal('not_found', 'unknown_webhook', `no webhook ${name}`);
}

/** Those of a project, or all of them, by their names, without what is sealed. */
export function webhookViews({ webhooks }: Pick<State, 'webhooks'>, bound: string): View[] {
  return [...webhooks.values()]
    .filter(({ project }) => maySee(bound, project))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(webhookView);
}

function isOther({ origin, sealed, isSigned, filter, problem }: Webhook, given: SealedWebhook): boolean {
  const { name: _, project: __, ...fields } = given;
  return canonicalJson({ origin, sealed, signed: isSigned, filter, problem }) !== canonicalJson(fields);
}

function webhookView(webhook: Webhook): View {
  const { name, project, origin, filter, problem, isSigned, cursor, failures, missed } = webhook;
  const { lastStatus, lastAt } = webhook;
  return {
    ...{
      name,
      project,
      url: `${origin}/…`,
      filter: filter ?? null,
      problem: problem ?? null,
      signed: isSigned,
    },
    created_at: new Date(webhook.createdAt).toISOString(),
    ...{ cursor, last_status: lastStatus ?? null },
    last_at: lastAt === undefined ? null : new Date(lastAt).toISOString(),
    ...{ failures, missed },
  };
}
