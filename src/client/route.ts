/**
 * Requests typed by `/openapi.json`, from which the build generates `Routes`. `NaN` and the infinities are numbers on both sides,
 * and the objects that stand for them in between (`docs/values.md`).
 */
import { numberForm, withNumbers } from '../base/json/number-form.js';
import { ClientError } from './errors.js';
import type { Routes } from './generated/routes.js';
import { type Http, pathWith } from './http.js';

/** `GET /v1/problems`, `POST /v1/problems` and so on. */
export type RouteName = keyof Routes;

/** The answer of a route. */
export type AnswerOf<R extends RouteName> = Routes[R]['answer'];

/** The parameters of a route: `path` (the parts in braces), `query` and `body`. */
export type PartsOf<R extends RouteName> = Omit<Routes[R], 'answer'>;

export interface RequestOptions {
  /** Of a POST or a change of a problem, a name of your own: for 24 hours the same key with the same body gives the same answer. @default a new one */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ChangeOptions extends RequestOptions {
  /** Only where it still is the newest one; otherwise `revision_outdated`. @default whichever is the newest */
  readonly revision?: number | undefined;
}

interface AnyParts {
  readonly path?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

export interface Answered<T> {
  readonly value: T;
  /** The event that the answer reflects. */
  readonly cursor: number;
}

const ANSWER_TIMEOUT_MS = 30_000;

export async function askRoute<R extends RouteName>(
  http: Http,
  route: R,
  parts: PartsOf<R>,
  { key, signal, revision }: ChangeOptions = {},
): Promise<Answered<AnswerOf<R>>> {
  const { body }: AnyParts = parts;
  const response = await openRoute(http, route, parts, {
    timeoutMs: ANSWER_TIMEOUT_MS,
    ...(signal && { signal }),
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(revision !== undefined && { 'if-match': `"${revision}"` }),
    },
  });
  const value = (await decoded(response)) as AnswerOf<R>;
  return { value, cursor: Number(response.headers.get('tutti-cursor') ?? 0) };
}

/** Throws `ClientError` `bad_answer`. */
export async function decoded(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return withNumbers(text, JSON.parse(text));
  } catch (cause) {
    const message = `${response.url} does not answer like an orchestrator.`;
    throw new ClientError('bad_answer', message, { cause });
  }
}

/** The answer as it came. */
export function openRoute(
  http: Http,
  route: RouteName,
  { path = {}, query = {}, body }: AnyParts,
  init: Parameters<Http['fetch']>[1],
): Promise<Response> {
  const [method = '', template = ''] = route.split(' ');
  const address = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  return http.fetch(pathWith(address, query as Readonly<Record<string, string>>), {
    method,
    ...(body !== undefined && { body: JSON.stringify(body, written) }),
    ...init,
  });
}

function written(_name: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? JSON.parse(numberForm(value)) : value;
}
