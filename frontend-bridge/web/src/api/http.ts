/**
 * The one way to `/v1`. Every answer comes with the event `seq` that it reflects; every refusal is an `ApiError`.
 */
import { readExactly } from '../../../../src/base/json/exact.js';
import { printJson } from '../../../../src/base/json/json-text.js';
import type { FaultJson } from '../../../../src/contract/answer.js';

/** A coded refusal. `status` 0: no answer came. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: readonly FaultJson[];

  constructor(status: number, code: string, message: string, hint?: string, details?: readonly FaultJson[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.details = details ?? [];
  }
}

/** What was found, and the event `seq` that it reflects. */
export interface Found<T> {
  readonly cursor: number;
  readonly value: T;
}

/** The address of `path` under `/v1`, beside the page itself. */
export function apiUrl(path: string): URL {
  return new URL(`v1/${path}`, document.baseURI);
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<Found<T>> {
  const response = await call(path, signal ? { signal } : {});
  return {
    cursor: Number(response.headers.get('Tutti-Cursor') ?? 0),
    value: readExactly(await response.text()) as T,
  };
}

/** What is at `path`, as the bytes that it is stored as. */
export async function getBytes(path: string): Promise<Blob> {
  const response = await call(path, { headers: { Accept: 'application/octet-stream' } });
  return response.blob();
}

/** A file to keep, and the name that it is sent with. */
export async function getFile(
  path: string,
): Promise<{ readonly content: Blob; readonly name: string | undefined }> {
  const response = await call(path, { headers: { Accept: '*/*' } });
  const [, name] = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '') ?? [];
  return { content: await response.blob(), name };
}

/** The same `idempotencyKey` with the same body is done once, however often it is sent. */
export function postJson<T>(path: string, body: unknown, idempotencyKey: string): Promise<T> {
  return send<T>('POST', path, body, { 'Idempotency-Key': idempotencyKey });
}

/** What `path` stands for becomes what `body` says of it: the same however often it is sent. With `revision`, only where it is the newest. */
export function patchJson<T>(path: string, body: unknown, revision?: number): Promise<T> {
  return send<T>('PATCH', path, body, revision === undefined ? {} : { 'If-Match': `"${revision}"` });
}

/** What is gone is not there to be removed again: then it is refused. */
export async function deleteAt(path: string): Promise<void> {
  await call(path, { method: 'DELETE' });
}

/** The same however often it is sent. */
export async function putBytes(path: string, content: BlobPart): Promise<void> {
  const headers = { 'Content-Type': 'application/octet-stream' };
  await call(path, { method: 'PUT', body: new Blob([content]), headers });
}

async function send<T>(
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<T> {
  const response = await call(path, {
    method,
    body: printJson(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  });
  return readExactly(await response.text()) as T;
}

/** Random, also where the page is not served from a secure context and `crypto.randomUUID` is missing. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

async function call(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has('Accept')) headers.set('Accept', 'application/json');
  let response: Response;
  try {
    response = await fetch(apiUrl(path), { ...init, headers });
  } catch (thrown) {
    if (init.signal?.aborted) throw thrown;
    throw new ApiError(0, 'not_reachable', 'The orchestrator does not answer.');
  }
  if (!response.ok) throw await readRefusal(response);
  return response;
}

async function readRefusal(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  const error = (body as { error?: Partial<ApiError> } | undefined)?.error;
  return new ApiError(
    response.status,
    error?.code ?? `http_${response.status}`,
    error?.message ?? `The orchestrator answered ${response.status} ${response.statusText}.`,
    error?.hint,
    error?.details,
  );
}
