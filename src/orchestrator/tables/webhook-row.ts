/** Webhooks as they are stored. */
import { ALL_PROJECTS } from '../../model/access.js';
import type { Webhook } from '../../model/webhook.js';

export interface WebhookRow {
  readonly name: string;
  readonly id: string;
  /** @default all */
  readonly project?: string | undefined;
  readonly origin: string;
  readonly sealed: string;
  readonly signed: boolean;
  readonly filter: readonly string[] | undefined;
  readonly problem: string | undefined;
  readonly created_at: number;
  readonly cursor: number;
  readonly failures: number;
  readonly missed: number;
  readonly last_status: string | undefined;
  readonly last_at: number | undefined;
}

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
