/**
 * Large payloads, over HTTP: read by reference, uploaded by content.
 *
 * 1. What was read has the size and the SHA-256 of its reference, or it is an error.
 * 2. A transfer that may succeed later (no connection, 429, 5xx) is tried again until the signal ends it.
 * 3. The token goes to the orchestrator's own blob address only. It is that of the registration, which the orchestrator renews, or the configured one where
 *    there is none. One that has ended is not wrong for good: the next one is on its way.
 * 4. A certificate that is not trusted here, or names another host, is an error: waiting does not help. One that has expired may be renewed.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Dispatcher, request } from 'undici';
import { certificateFault } from '../base/certificates.js';
import { messageOf, TuttiError } from '../base/errors.js';
import { sha256Of } from '../base/sha256.js';
import type { BlobRef } from '../model/payload.js';
import { NonRetryableError } from './errors.js';
import type { Timers } from './timers.js';

export interface BlobClient {
  /** Errors: `blob_missing`, `blob_corrupt`, `blob_refused`. */
  get(blob: BlobRef, url: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Errors: `blob_refused`. What is there already is leased anew. */
  put(blob: BlobRef, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** As `put`, of the content of a file, which is not held in memory. */
  putFile(blob: BlobRef, path: string, signal: AbortSignal): Promise<void>;
  /** Where blobs are uploaded, as told by the welcome. */
  setBase(url: string): void;
  /** The token to use from now on. Empty: the configured token. */
  setToken(token: string): void;
}

export interface HttpBlobsOptions {
  /** The configured one, or empty. */
  readonly token: string;
  readonly timers: Timers;
}

type Response = Dispatcher.ResponseData;

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 10_000;
/** A copy that does not match its name was damaged under way, or is damaged where it lies: then more tries do not help. */
const CORRUPT_TRIES = 3;
/** Heartbeats bring another token within seconds; a node that is refused for so long will be refused. Half a minute. */
const UNAUTHORIZED_TRIES = 8;

/** The result of one attempt. */
type Try<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'again'; readonly afterMs?: number; readonly isUnauthorized?: boolean }
  | { readonly kind: 'failed'; readonly error: Error };

export function blobOf(bytes: Uint8Array): BlobRef {
  return { sha256: sha256Of(bytes), size: bytes.byteLength };
}

export function createHttpBlobs(options: HttpBlobsOptions): BlobClient {
  let base = '';
  /** Those of orchestrators that the node has left: what they have, the one that leads has. */
  const left = new Set<string>();
  let lent = '';

  function headersFor(url: string): Record<string, string> {
    const token = lent || options.token;
    const own = token !== '' && base !== '' && new URL(url).origin === new URL(base).origin;
    return own ? { authorization: `Bearer ${token}` } : {};
  }

  function mustBeUrl(url: string): void {
    if (URL.canParse(url)) return;
    throw new NonRetryableError('blob_refused', `"${url}" is not an address of a blob`);
  }

  async function upload(
    blob: BlobRef,
    body: () => Uint8Array | Readable,
    signal: AbortSignal,
  ): Promise<void> {
    const url = () => `${base}/${blob.sha256}`;
    mustBeUrl(url());
    await untilDone<void>(
      { url, signal, timers: options.timers, mayRenew: () => lent !== '' },
      async (url, isRenewable) => {
        const headers = {
          ...headersFor(url),
          'content-type': 'application/octet-stream',
          'content-length': String(blob.size),
        };
        const response = await request(url, { method: 'PUT', headers, body: body(), signal });
        if (!isOk(response)) return refused(response, url, isRenewable);
        await response.body.dump();
        return { kind: 'done', value: undefined };
      },
    );
  }

  return {
    setBase(url) {
      if (base !== '') left.add(base);
      base = url.replace(/\/$/, '');
      left.delete(base);
    },

    setToken(token) {
      lent = token;
    },

    async get(blob, given, signal) {
      mustBeUrl(given);
      const url = () => {
        const former = [...left].find((each) => given.startsWith(`${each}/`));
        return former === undefined ? given : base + given.slice(former.length);
      };
      let tries = 0;
      return await untilDone<Uint8Array>(
        { url, signal, timers: options.timers, mayRenew: () => lent !== '' },
        async (url, isRenewable) => {
          const response = await request(url, { headers: headersFor(url), signal });
          if (response.statusCode === 404) {
            await response.body.dump();
            return { kind: 'failed', error: new TuttiError('blob_missing', `${url}: there is no such blob`) };
          }
          if (!isOk(response)) return refused(response, url, isRenewable);
          const bytes = await readExactly(response, blob);
          if (bytes) return { kind: 'done', value: bytes };
          tries += 1;
          if (tries < CORRUPT_TRIES) return { kind: 'again' };
          const message = `${url}: the content is not ${blob.size} bytes with the SHA-256 ${blob.sha256}`;
          return { kind: 'failed', error: new TuttiError('blob_corrupt', message) };
        },
      );
    },

    put: (blob, bytes, signal) => upload(blob, () => bytes, signal),

    putFile: (blob, path, signal) => upload(blob, () => createReadStream(path), signal),
  };
}

interface Transfer {
  /** It may change while the transfer is tried again. */
  readonly url: () => string;
  readonly signal: AbortSignal;
  readonly timers: Timers;
  /** Whether another token may come. */
  readonly mayRenew: () => boolean;
}

async function untilDone<T>(
  { url: urlNow, signal, timers, mayRenew }: Transfer,
  attempt: (url: string, isRenewable: boolean) => Promise<Try<T>>,
): Promise<T> {
  let refusals = 0;
  for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
    signal.throwIfAborted();
    let outcome: Try<T>;
    const url = urlNow();
    try {
      outcome = await attempt(url, mayRenew() && refusals < UNAUTHORIZED_TRIES);
      if (outcome.kind === 'again' && outcome.isUnauthorized) refusals += 1;
    } catch (error) {
      if (certificateFault(error) === 'untrusted') throw untrusted(url, error);
      // No connection, or it broke off; if it was the signal, the wait throws its reason.
      outcome = { kind: 'again' };
    }
    if (outcome.kind === 'done') return outcome.value;
    if (outcome.kind === 'failed') throw outcome.error;
    await wait(Math.min(outcome.afterMs ?? waitMs, RETRY_MAX_MS), timers, signal);
  }
}

/** The message says what helps: of an error, it is what a task's history keeps. */
function untrusted(url: string, cause: unknown): NonRetryableError {
  const help =
    'name the file of its authority in NODE_EXTRA_CA_CERTS, and the orchestrator by a name that it has (--advertise)';
  const message = `${url}: its certificate is not trusted here (${messageOf(cause)}): ${help}`;
  return new NonRetryableError('blob_refused', message, { cause });
}

function isOk({ statusCode }: Response): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/** 429 and 5xx pass, and 401 where another token may come; any other refusal stays. */
async function refused(
  { statusCode, headers, body }: Response,
  url: string,
  isRenewable: boolean,
): Promise<Try<never>> {
  const text = (await body.text()).slice(0, 500);
  if (statusCode === 401 && isRenewable) return { kind: 'again', isUnauthorized: true };
  if (statusCode === 429 || statusCode >= 500) {
    const seconds = Number(headers['retry-after']);
    return Number.isFinite(seconds) && seconds > 0
      ? { kind: 'again', afterMs: seconds * 1_000 }
      : { kind: 'again' };
  }
  const message = `${url}: HTTP ${statusCode} ${text}`;
  return { kind: 'failed', error: new NonRetryableError('blob_refused', message) };
}

/** The body, or nothing when it is not of this size and hash: no more than `size` bytes are ever held. */
async function readExactly({ body }: Response, { sha256, size }: BlobRef): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(size);
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (length + chunk.byteLength > size) return undefined;
    bytes.set(chunk, length);
    hash.update(chunk);
    length += chunk.byteLength;
  }
  return length === size && hash.digest('hex') === sha256 ? bytes : undefined;
}

/** Settles in `ms`; rejects with the signal's reason as soon as that is aborted. */
function wait(ms: number, timers: Timers, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const cancel = timers.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    function onAbort(): void {
      cancel();
      reject(signal.reason);
    }
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
