/** Webhooks: addresses that events are posted to, in order, from a stored cursor on. */

export interface Webhook {
  readonly name: string;
  /** Another one for each webhook, also where it gets the name of one that was removed. */
  readonly id: string;
  /** The one whose events it gets; `ALL_PROJECTS`: all. */
  readonly project: string;
  /** Of the address: the rest of it may be a secret itself, as those of chats are. */
  readonly origin: string;
  /** A `WebhookTarget` as JSON, encrypted (`orchestrator/access/vault.ts`), as base64. */
  readonly sealed: string;
  /** Whether deliveries are signed: it has a secret. */
  readonly isSigned: boolean;
  /** The types of the events that are delivered. @default all */
  readonly filter: readonly string[] | undefined;
  /** Only events of problems that it holds for. @default all, and those of no problem */
  readonly problem: string | undefined;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** The `seq` of the last event that no longer needs a delivery. */
  readonly cursor: number;
  /** Deliveries that have failed since the last one that succeeded. */
  readonly failures: number;
  /** Events that retention had removed before they could be looked at. */
  readonly missed: number;
  /** How the last attempt ended: an HTTP status, or why there is none. */
  readonly lastStatus: string | undefined;
  /** Unix milliseconds. */
  readonly lastAt: number | undefined;
}

export interface WebhookTarget {
  readonly url: string;
  readonly secret?: string;
}

/** The name under which it is sealed in the vault; no secret can have it. */
export function sealedName(name: string): string {
  return `webhook ${name}`;
}

export const WEBHOOK_NAME: RegExp = /^[a-z][a-z0-9_-]{0,62}$/;
/** Each may hold about 1 MiB of events in memory while it delivers. */
export const MAX_WEBHOOKS = 64;
export const MAX_URL_CHARACTERS = 2048;
/** HMAC takes any key; one that is shorter than this is guessed sooner than it should. */
export const MIN_WEBHOOK_SECRET = 8;
export const MAX_WEBHOOK_SECRET = 1024;
