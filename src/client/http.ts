/**
 * Requests to one orchestrator.
 *
 * H1. Every POST and PATCH carries an `Idempotency-Key`, the same one in each of its repeats: it takes effect once, however often it is sent.
 * H2. A request is repeated where that may help: the connection broke, or the orchestrator asked for it (`Retry-After`). One that has never
 *     answered is not waited for: its address is probably wrong.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ClientError, refusalOf, unreachable } from './errors.js';

export interface HttpOptions {
  readonly url: string;
  readonly token?: string | undefined;
  /** For how long a request is repeated: milliseconds. @default 30,000 */
  readonly retryMs?: number;
}

export interface HttpInit extends RequestInit {
  /** How long one attempt may take. @default as long as its signal says */
  readonly timeoutMs?: number;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** An orchestrator that is started again answers within this. */
const RETRY_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** H1. */
const KEYED: readonly string[] = ['POST', 'PATCH'];
const REPEATABLE: readonly number[] = [429, 503];

export class Http {
  readonly #base: URL;
  readonly #authorization: Readonly<Record<string, string>>;
  readonly #retryMs: number;
  #hasAnswered = false;

  /** Throws `ClientError` `bad_url`. */
  constructor({ url, token, retryMs = RETRY_MS }: HttpOptions) {
    const base = URL.canParse(url) ? new URL(url) : undefined;
    if (base === undefined || !/^https?:$/.test(base.protocol)) {
      const message = `--url (TUTTI_URL): ${JSON.stringify(url)} is not an http:// or https:// address.`;
      throw new ClientError('bad_url', message);
    }
    this.#base = base;
    this.#authorization = token ? { authorization: `Bearer ${token}` } : {};
    this.#retryMs = retryMs;
  }

  get url(): string {
    return this.#base.href;
  }

  address(path: string, query: Query = {}): URL {
    const url = new URL(this.#base.pathname.replace(/\/$/, '') + path, this.#base);
    for (const [key, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(key, String(value));
    return url;
  }

  /** The answer, where it is one of success. Throws `ClientError`, and the reason of a signal that is aborted. */
  async fetch(url: URL, { timeoutMs, ...init }: HttpInit): Promise<Response> {
    const headers = new Headers({ ...this.#authorization, ...(init.headers as Record<string, string>) });
    if (KEYED.includes(init.method ?? '') && !headers.has('idempotency-key'))
      headers.set('idempotency-key', randomUUID());
    const giveUpAt = performance.now() + this.#retryMs;
    const attempt = { ...init, headers };
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      const response = await this.#attempt(url, attempt, timeoutMs, giveUpAt);
      if (response?.ok) return response;
      const waitMs = response === undefined ? 0 : retryAfterMs(response);
      if (response !== undefined && !(performance.now() + waitMs < giveUpAt)) throw await refusalOf(response);
      await response?.body?.cancel();
      await delay(Math.max(pauseMs, waitMs), undefined, init.signal ? { signal: init.signal } : {});
    }
  }

  /** A new connection to the event stream. */
  connect(): WebSocket {
    const url = this.address('/v1/stream');
    url.protocol = url.protocol.replace('http', 'ws');
    return new WebSocket(url, { headers: this.#authorization, handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
  }

  /** H2. Nothing where the connection broke and the request is worth repeating. */
  async #attempt(
    url: URL,
    init: RequestInit,
    timeoutMs: number | undefined,
    giveUpAt: number,
  ): Promise<Response | undefined> {
    const within = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
    const signal = AbortSignal.any([...(init.signal ? [init.signal] : []), ...within]);
    try {
      const response = await fetch(url, { ...init, signal });
      this.#hasAnswered = true;
      return response;
    } catch (cause) {
      if (init.signal?.aborted && (init.signal.reason as Error)?.name !== 'TimeoutError')
        throw init.signal.reason;
      if (this.#hasAnswered && !init.signal?.aborted && performance.now() < giveUpAt) return undefined;
      throw unreachable(this.url, cause);
    }
  }
}

/** Infinite where a repeat would not help. */
function retryAfterMs({ status, headers }: Response): number {
  const seconds = headers.get('retry-after');
  return REPEATABLE.includes(status) && seconds !== null ? Number(seconds) * 1000 : Number.POSITIVE_INFINITY;
}
