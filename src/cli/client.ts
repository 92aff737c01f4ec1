/** The HTTP client of the commands: JSON in, JSON out, and every refusal as a `CliError`. */
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { WebSocket } from 'ws';
import type { Fault } from '../base/errors.js';
import { readExactly } from '../base/json/exact.js';
import { printJson } from '../base/json/json-text.js';
import { CliError, EXIT, type ExitCode } from './exit.js';

export type Json = Readonly<Record<string, unknown>>;

export interface Fetched<T> {
  readonly value: T;
  /** The event that the answer reflects. */
  readonly cursor: number;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface Client {
  readonly url: string;
  get<T = Json>(path: string, query?: Query): Promise<Fetched<T>>;
  post(path: string, body: unknown, options?: { readonly timeoutMs?: number }): Promise<Json>;
  /** An answer too long to be held. */
  stream(path: string, query: Query): Promise<Readable>;
  /** A new connection to the event stream. */
  connect(): WebSocket;
}

export interface ClientOptions {
  readonly url: string;
  readonly token?: string;
  /** Aborted when the person does not want the answer any more. */
  readonly signal: AbortSignal;
}

/** An orchestrator that is there answers long before. */
const ANSWER_TIMEOUT_MS = 30_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Throws `bad_url`. */
export function createClient(options: ClientOptions): Client {
  const base = baseOf(options.url);
  const authorization = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  const address = (path: string, query: Query = {}): URL => {
    const url = new URL(base.pathname.replace(/\/$/, '') + path, base);
    for (const [key, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(key, String(value));
    return url;
  };
  const within = (ms: number): AbortSignal => AbortSignal.any([options.signal, AbortSignal.timeout(ms)]);
  const call = async (url: URL, init: RequestInit): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers: { ...authorization, ...init.headers } });
    } catch (cause) {
      if (options.signal.aborted)
        throw new CliError(EXIT.failed, 'interrupted', 'The command was interrupted.');
      throw unreachable(base.href, cause);
    }
    if (response.ok) return response;
    throw await refusalOf(response);
  };
  const json = async (response: Response): Promise<unknown> => {
    try {
      return readExactly(await response.text());
    } catch (cause) {
      throw new CliError(
        EXIT.failed,
        'bad_answer',
        `${response.url} does not answer as an orchestrator does.`,
        { cause },
      );
    }
  };

  return {
    url: base.href,
    async get<T>(path: string, query?: Query) {
      const response = await call(address(path, query), { signal: within(ANSWER_TIMEOUT_MS) });
      return {
        value: (await json(response)) as T,
        cursor: Number(response.headers.get('tutti-cursor') ?? 0),
      };
    },
    async post(path, body, { timeoutMs = ANSWER_TIMEOUT_MS } = {}) {
      const response = await call(address(path), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: printJson(body),
        signal: within(timeoutMs),
      });
      return (await json(response)) as Json;
    },
    async stream(path, query) {
      const response = await call(address(path, query), { signal: options.signal });
      return response.body === null ? Readable.from([]) : Readable.fromWeb(response.body as ReadableStream);
    },
    connect() {
      const url = address('/v1/stream');
      url.protocol = url.protocol.replace('http', 'ws');
      return new WebSocket(url, { headers: authorization, handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
    },
  };
}

export function unreachable(url: string, cause?: unknown): CliError {
  const inner =
    (cause as { cause?: { code?: unknown } } | undefined)?.cause?.code ?? (cause as Error | undefined)?.name;
  const why = typeof inner === 'string' ? ` (${inner})` : '';
  return new CliError(EXIT.unreachable, 'unreachable', `No orchestrator answers at ${url}${why}.`, {
    hint: 'Start one with `tutti up`, or name it with --url or TUTTI_URL.',
    cause,
  });
}

function baseOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new CliError(
    EXIT.badInput,
    'bad_url',
    `--url (TUTTI_URL): ${JSON.stringify(text)} is no http:// or https:// address.`,
  );
}

async function refusalOf(response: Response): Promise<CliError> {
  const { status } = response;
  const body = (await response.json().catch(() => undefined)) as { error?: Json } | undefined;
  const error = body?.error;
  const message = String(error?.message ?? `${response.url} answered with ${status}.`);
  return new CliError(exitOf(status), String(error?.code ?? 'bad_answer'), message, {
    ...(typeof error?.hint === 'string' && { hint: error.hint }),
    ...(Array.isArray(error?.details) && { details: error.details as Fault[] }),
  });
}

/** 409 and 429 are about the state of things, other 4xx about what was asked. */
function exitOf(status: number): ExitCode {
  return status >= 400 && status < 500 && status !== 409 && status !== 429 ? EXIT.badInput : EXIT.failed;
}
