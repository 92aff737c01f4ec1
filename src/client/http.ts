/**
 * Requests to one orchestrator, or to several of one store (`addresses.ts`).
 *
 * H1. Every POST and PATCH carries an `Idempotency-Key`, the same one in each of its repeats: it takes effect once, however often it is sent.
 * H2. A request is repeated where that may help: the connection broke, or the orchestrator asked for it (`Retry-After`). Where none has ever
 *     answered, it is not waited for: the address is probably wrong.
 * H3. Of several addresses, each is tried before any is waited for. H1 is why a request whose answer was lost may be sent to another one.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Addresses } from './addresses.js';
import { refusalOf, unreachable } from './errors.js';

export interface HttpOptions {
  /** Of several orchestrators of one store, with commas between them. */
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
/** Of several orchestrators: between its end as a standby and its beginning as the leader, none may listen for a moment. */
const NOBODY_MS = 2_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** H1. */
const KEYED: readonly string[] = ['POST', 'PATCH'];
const REPEATABLE: readonly number[] = [429, 503];
/** Codes of a WebSocket's orderly end. */
const CLOSED: readonly number[] = [1000, 1005];

export class Http {
  readonly #addresses: Addresses;
  readonly #authorization: Readonly<Record<string, string>>;
  readonly #retryMs: number;
  #hasAnswered = false;

  /** Throws `ClientError` `bad_url`. */
  constructor({ url, token, retryMs = RETRY_MS }: HttpOptions) {
    this.#addresses = new Addresses(url);
    this.#authorization = token ? { authorization: `Bearer ${token}` } : {};
    this.#retryMs = retryMs;
  }

  /** For messages: all of its addresses. */
  get url(): string {
    return this.#addresses.shown;
  }

  /** @param target the path with its query. The answer, where it is one of success. Throws `ClientError`, and the reason of a signal that is aborted. */
  async fetch(target: string, { timeoutMs, ...init }: HttpInit): Promise<Response> {
    const headers = new Headers({ ...this.#authorization, ...(init.headers as Record<string, string>) });
    if (KEYED.includes(init.method ?? '') && !headers.has('idempotency-key'))
      headers.set('idempotency-key', randomUUID());
    const begunAt = performance.now();
    const nobodyMs = this.#addresses.count > 1 ? NOBODY_MS : 0;
    const giveUpAt = (): number => begunAt + (this.#hasAnswered ? this.#retryMs : nobodyMs);
    const attempt = { ...init, headers };
    let pauseMs = FIRST_PAUSE_MS;
    for (let tries = 1; ; tries += 1) {
      const base = this.#addresses.current;
      // H3.
      const isLast = tries % this.#addresses.count === 0;
      const response = await this.#attempt(
        base + target,
        attempt,
        timeoutMs,
        isLast ? giveUpAt : () => Number.POSITIVE_INFINITY,
      );
      if (response?.ok) return response;
      const refusal = response && (await refusalOf(response));
      const isElsewhere = refusal === undefined || refusal.code === 'standby';
      if (isElsewhere) this.#addresses.leave(base);
      if (isElsewhere && !isLast) continue;
      const waitMs = response === undefined ? 0 : retryAfterMs(response);
      if (refusal !== undefined && !(performance.now() + waitMs < giveUpAt())) throw refusal;
      await delay(Math.max(pauseMs, waitMs), undefined, init.signal ? { signal: init.signal } : {});
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
  }

  /** A new connection to the event stream. One that fails or breaks is followed by one to the next address. */
  connect(): WebSocket {
    const base = this.#addresses.current;
    const socket = new WebSocket(`${base.replace(/^http/, 'ws')}/v1/stream`, {
      ...{ headers: this.#authorization, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
    });
    socket.on('close', (code) => {
      if (!CLOSED.includes(code)) this.#addresses.leave(base);
    });
    return socket;
  }

  /** H2. Nothing where the connection broke and the request is worth repeating. @param giveUpAt H3: never where another address is tried */
  async #attempt(
    url: string,
    init: RequestInit,
    timeoutMs: number | undefined,
    giveUpAt: () => number,
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
      if (performance.now() < giveUpAt() && !init.signal?.aborted) return undefined;
      throw unreachable(this.url, cause);
    }
  }
}

/** A path with a query. */
export function pathWith(path: string, query: Query = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? path : `${path}?${given}`;
}

/** Infinite where a repeat would not help. */
function retryAfterMs({ status, headers }: Response): number {
  const seconds = headers.get('retry-after');
  return REPEATABLE.includes(status) && seconds !== null ? Number(seconds) * 1000 : Number.POSITIVE_INFINITY;
}
