/** Webhooks as they are stored. */
import { ALL_PROJECTS } from '../../../model/access.js';
import type { Webhook } from '../../../model/webhook.js';
import type { WebhookRow } from '../../tables/records.js';

/** Absent fields are left out by `JSON.stringify`. */
export function webhookToRow(webhook: Webhook): unknown {
  return {
    name: webhook.name,
    id: webhook.id,
    project: webhook.project === ALL_PROJECTS ? undefined : webhook.project,
    origin: webhook.origin,
    sealed: webhook.sealed,
    signed: webhook.isSigned,
    filter: webhook.filter,
    problem: webhook.problem,
    created_at: webhook.createdAt,
    cursor: webhook.cursor,
    failures: webhook.failures,
    missed: webhook.missed,
    last_status: webhook.lastStatus,
    last_at: webhook.lastAt,
  } satisfies Record<keyof WebhookRow, unknown>;
}

export function webhookFromRow(row: WebhookRow): Webhook {
  return {
    project: row.project ?? ALL_PROJECTS,
    ...{ name: row.name, id: row.id, origin: row.origin, sealed: row.sealed, isSigned: row.signed },
    ...{ filter: row.filter, problem: row.problem, createdAt: row.created_at, cursor: row.cursor },
    ...{ failures: row.failures, missed: row.missed, lastStatus: row.last_status, lastAt: row.last_at },
  };
}
