/** The HTTP client of the commands: JSON in, JSON out, and every refusal as a `ClientError`. */
import { openAsBlob } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { readExactly } from '../base/json/exact.js';
import { printJson } from '../base/json/json-text.js';
import type { StreamSource } from '../client/follow.js';
import { Http, pathWith } from '../client/http.js';
import { CliError, EXIT } from './exit.js';

export type Json = Readonly<Record<string, unknown>>;

export interface Fetched<T> {
  readonly value: T;
  /** The event that the answer reflects. */
  readonly cursor: number;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface Client extends StreamSource {
  get<T = Json>(path: string, query?: Query): Promise<Fetched<T>>;
  post(path: string, body: unknown, options?: { readonly timeoutMs?: number }): Promise<Json>;
  /** Stores a document in its own media type. */
  put(path: string, body: string, mediaType: string): Promise<Json>;
  /** Changes some fields of what is there. @param options `revision`: only where it still is the newest */
  patch(path: string, body: unknown, options?: { readonly revision?: number }): Promise<Json>;
  /** Uploads a file, which may be larger than memory. */
  putFile(path: string, file: string): Promise<Json>;
  delete(path: string): Promise<Json>;
  /** An answer too long to be held. */
  stream(path: string, query: Query): Promise<Readable>;
}

export interface ClientOptions {
  readonly url: string;
  readonly token?: string;
  /** Aborted when the person no longer wants the answer. */
  readonly signal: AbortSignal;
}

/** An orchestrator that is there answers long before. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Throws `bad_url`. */
export function createClient(options: ClientOptions): Client {
  // A person sees what is wrong, and decides whether to try again. Several addresses are given so that one takes over.
  const isSeveral = options.url.includes(',');
  const http = new Http({ ...options, ...(!isSeveral && { retryMs: 0 }) });
  const within = (ms: number): AbortSignal => AbortSignal.any([options.signal, AbortSignal.timeout(ms)]);
  const call = async (url: string, init: RequestInit): Promise<Response> => {
    try {
      return await http.fetch(url, init);
    } catch (cause) {
      if (!options.signal.aborted) throw cause;
      throw new CliError(EXIT.failed, 'interrupted', 'The command was interrupted.');
    }
  };
  const json = async (response: Response): Promise<unknown> => {
    try {
      return readExactly(await response.text());
    } catch (cause) {
      throw new CliError(EXIT.failed, 'bad_answer', `${response.url} does not answer like an orchestrator.`, {
        cause,
      });
    }
  };

  return {
    url: http.url,
    read: readExactly,
    async get<T>(path: string, query?: Query) {
      const response = await call(pathWith(path, query), { signal: within(ANSWER_TIMEOUT_MS) });
      return {
        value: (await json(response)) as T,
        cursor: Number(response.headers.get('tutti-cursor') ?? 0),
      };
    },
    async post(path, body, { timeoutMs = ANSWER_TIMEOUT_MS } = {}) {
      const response = await call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: printJson(body),
        signal: within(timeoutMs),
      });
      return (await json(response)) as Json;
    },
    async put(path, body, mediaType) {
      const response = await call(path, {
        method: 'PUT',
        headers: { 'content-type': mediaType },
        body,
        signal: within(ANSWER_TIMEOUT_MS),
      });
      return (await json(response)) as Json;
    },
    async patch(path, body, { revision } = {}) {
      const response = await call(path, {
        method: 'PATCH',
        headers: {
          'content-type': 'application/json',
          ...(revision !== undefined && { 'if-match': `"${revision}"` }),
        },
        body: printJson(body),
        signal: within(ANSWER_TIMEOUT_MS),
      });
      return (await json(response)) as Json;
    },
    async putFile(path, file) {
      const response = await call(path, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        body: await openAsBlob(file),
        signal: options.signal,
      });
      return (await json(response)) as Json;
    },
    async delete(path) {
      const response = await call(path, { method: 'DELETE', signal: within(ANSWER_TIMEOUT_MS) });
      return (await json(response)) as Json;
    },
    async stream(path, query) {
      const response = await call(pathWith(path, query), { signal: options.signal });
      return response.body === null ? Readable.from([]) : Readable.fromWeb(response.body as ReadableStream);
    },
    connect: () => http.connect(),
  };
}
