/** What the routes share: the typed application, and how an answer of the orchestrator becomes a reply. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { printJson } from '../../src/base/json/json-text.js';
import type { Action, PublicPage } from '../../src/model/access.js';
import type {
  Answer,
  Coordinator,
  Found,
  FoundJson,
  Queries,
  Refusal,
  Request,
  View,
  Workspace,
} from '../../src/orchestrator/port.js';
import type { Caller } from './access.js';
import { askerOf } from './audit.js';
import { refusalError } from './errors.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller does by it: of every route that needs a token. */
    readonly action?: Action;
    /** Nobody needs a token for it: by it, one is shown or given up. @default false */
    readonly isOpen?: boolean;
    /** Nodes use it with the tokens of their registrations. @default false */
    readonly isForNodes?: boolean;
    /** It may be opened to callers without a token. @default no option does that */
    readonly page?: PublicPage;
    /** Its body is never kept in memory as a whole. @default false */
    readonly streamsBody?: boolean;
    /** What its body holds is a secret: no error quotes it. @default false */
    readonly hidesBody?: boolean;
    /** It is answered when a node has answered: its body counts no longer as one that is being read. @default false */
    readonly waitsForNode?: boolean;
  }
  interface FastifyRequest {
    /** Who asks, by the token: of routes with an action. */
    caller: Caller;
  }
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

const JSON_TYPE = 'application/json; charset=utf-8';
const STATUS = { created: 201, accepted: 202, done: 200 } as const;

/** The value that a query found; its cursor goes into the headers. Throws what a refusal stands for. */
export function found<T>(reply: FastifyReply, result: Found<T> | Refusal): T {
  if ('ok' in result) throw refusalError(result);
  reply.header('tutti-cursor', result.cursor);
  return result.value;
}

/** Replies with what a query found. Throws what a refusal stands for. */
export function sendFound(reply: FastifyReply, result: FoundJson<unknown> | Refusal): FastifyReply {
  if ('ok' in result) throw refusalError(result);
  reply.header('tutti-cursor', result.cursor).type(JSON_TYPE);
  return reply.send(result.json);
}

/** What the caller may see and do. */
export function within(
  coordinator: Pick<Coordinator, 'within'>,
  request: Pick<FastifyRequest, 'caller' | 'ip'>,
): Workspace {
  return coordinator.within(request.caller.project, askerOf(request));
}

/** The queries of one request: nobody works on them once its connection has ended. */
export function asked(coordinator: Pick<Coordinator, 'within'>, reply: FastifyReply): Queries {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return within(coordinator, reply.request).queries.until(gone.signal);
}

/** Asks the orchestrator to do something, and replies with its answer. */
export async function perform(
  coordinator: Pick<Coordinator, 'within'>,
  request: Request,
  reply: FastifyReply,
  headers: { readonly 'idempotency-key'?: string } = {},
): Promise<View> {
  const answer: Answer = await within(coordinator, reply.request).request(
    request,
    headers['idempotency-key'],
  );
  if (!answer.ok) throw refusalError(answer);
  reply.code(STATUS[answer.kind]);
  return answer.body;
}

/** A value that is JSON, but perhaps not an object: a text, a number, nothing. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type(JSON_TYPE).send(Buffer.from(printJson(value ?? null)));
}

/** A text of any length, piece by piece. */
export function sendText(reply: FastifyReply, pieces: AsyncIterable<Uint8Array | string>): FastifyReply {
  return reply.type('text/plain; charset=utf-8').send(Readable.from(pieces, { objectMode: false }));
}
