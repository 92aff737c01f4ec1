/**
 * One delivery: an HTTP POST, and how it ended.
 *
 * P1. It ends in time, follows no redirects, and reads no more of an answer than its status and headers.
 * P2. What it says about a failure names no part of the address or the secret.
 * P3. A receiver that is asked too much, or not ready, may say when to come again (`Retry-After`): in seconds, or as a time by its own clock.
 */
import { createHmac } from 'node:crypto';
import type { WebhookTarget } from '../../model/webhook.js';
import type { WebhookAttempt } from '../core/turn.js';
import { CLOUD_EVENT_TYPE } from './cloud-event.js';

/** P1. A receiver that takes longer should answer first and work afterwards. */
const TIMEOUT_MS = 10_000;
/** P3: too many requests, and a service that is unavailable for a while. */
const COME_AGAIN: readonly number[] = [429, 503];

export type Post = (target: WebhookTarget, body: string, signal: AbortSignal) => Promise<WebhookAttempt>;

export const post: Post = async ({ url, secret }, body, signal) => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': CLOUD_EVENT_TYPE,
        'user-agent': 'tutti-webhook',
        ...(secret !== undefined && { 'tutti-signature': signatureOf(secret, body) }),
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    const { status, ok, headers } = response;
    const isRedirect = status >= 300 && status < 400;
    const retryAfterMs = COME_AGAIN.includes(status) ? retryAfterMsOf(headers) : undefined;
    return {
      isDelivered: ok,
      status: isRedirect ? `${status}: redirects are not followed` : String(status),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  } catch (thrown) {
    return { isDelivered: false, status: reasonOf(thrown) };
  }
};

/** Of a webhook whose address cannot be opened: the vault has another key than when it was added. */
export const SEALED_ELSEWHERE: WebhookAttempt = {
  isDelivered: false,
  status: 'sealed with another key: remove it and add it again',
};

/** `sha256=` and the HMAC (RFC 2104) of the body's bytes, in hexadecimal digits. */
export function signatureOf(secret: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** P3. RFC 9110, section 10.2.3. Nothing where the header is absent or neither of the two forms. */
function retryAfterMsOf(headers: Headers): number | undefined {
  const asked = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+$/.test(asked)) return Number(asked) * 1000;
  // `Date.parse` takes much that is not a time of HTTP, which always ends like this.
  if (!asked.endsWith(' GMT')) return undefined;
  // The difference to the answer's own time: the two clocks need not agree.
  const ms = Date.parse(asked) - Date.parse(headers.get('date') ?? '');
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** P2. */
function reasonOf(thrown: unknown): string {
  const { name, cause } = thrown as { readonly name?: unknown; readonly cause?: { readonly code?: unknown } };
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  return typeof cause?.code === 'string' ? `no connection: ${cause.code}` : 'no connection';
}
