/** The two usual kinds of routes: those that a query answers, and those that ask the orchestrator to do something. */
import type { FastifyContextConfig } from 'fastify';
import type { z } from 'zod';
import type { Action } from '../../src/model/access.js';
import type { Coordinator, FoundJson, Queries, Refusal, Request } from '../../src/orchestrator/port.js';
import type { Caller } from './access.js';
import { answers, pageOf } from './answers/shape.js';
import { type App, asked, perform, sendFound } from './http.js';
import { type PageShape, pageQuery, postHeaders } from './requests.js';

interface Described<P> {
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
}

export interface FindRoute<P, Q> extends Described<P> {
  /** @default 'read' */
  readonly action?: Action;
  readonly querystring?: Q;
  readonly answer: z.ZodType;
}

export type ListRoute<P> = Omit<FindRoute<P, never>, 'answer' | 'querystring'> & { readonly item: z.ZodType };

export interface PerformRoute<P, B, H>
  extends Described<P>,
    Pick<FastifyContextConfig, 'hidesBody' | 'waitsForNode'> {
  readonly action: Action;
  readonly body?: B;
  /** @default an idempotency key for POST, nothing for other methods */
  readonly headers?: H;
  /** By status. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Throws for a body that its schema would take, but not as a whole. */
  readonly checkBody?: (body: unknown) => void;
}

export interface Asked<P, Q> {
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
}

export interface Wanted<P, B, H> {
  readonly params: z.output<P>;
  readonly body: z.output<B>;
  readonly headers: z.output<H>;
  readonly caller: Caller;
}

type Answered = Promise<FoundJson<unknown> | Refusal>;

export class Routes {
  readonly #app: App;
  readonly #coordinator: Pick<Coordinator, 'within'>;

  constructor(app: App, coordinator: Pick<Coordinator, 'within'>) {
    this.#app = app;
    this.#coordinator = coordinator;
  }

  /** A GET that a query answers. */
  find<P extends z.ZodType = z.ZodUndefined, Q extends z.ZodType = z.ZodUndefined>(
    url: string,
    { action = 'read', answer, ...schema }: FindRoute<P, Q>,
    ask: (queries: Queries, asked: Asked<P, Q>) => Answered,
  ): void {
    this.#app.get(
      url,
      { config: { action }, schema: { ...schema, response: answers({ 200: answer }) } },
      async (request, reply) =>
        sendFound(reply, await ask(asked(this.#coordinator, reply), request as unknown as Asked<P, Q>)),
    );
  }

  /** A GET that answers with a page of a list. */
  list<P extends z.ZodType = z.ZodUndefined>(
    url: string,
    { item, ...route }: ListRoute<P>,
    ask: (queries: Queries, asked: Asked<P, z.ZodObject<PageShape, z.core.$strict>>) => Answered,
  ): void {
    this.find(url, { ...route, querystring: pageQuery, answer: pageOf(item) }, ask);
  }

  /** A request of the orchestrator. One with the key of an earlier one is answered as that was. */
  perform<
    P extends z.ZodType = z.ZodUndefined,
    B extends z.ZodType = z.ZodUndefined,
    H extends z.ZodType<{ readonly 'idempotency-key'?: string }> = typeof postHeaders,
  >(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    route: PerformRoute<P, B, H>,
    requestOf: (wanted: Wanted<P, B, H>) => Request,
  ): void {
    const { action, hidesBody, waitsForNode, checkBody, answers: successes, headers, ...schema } = route;
    const keyed = headers ?? (method === 'POST' ? postHeaders : undefined);
    this.#app.route({
      method,
      url,
      config: { action, ...(hidesBody && { hidesBody }), ...(waitsForNode && { waitsForNode }) },
      schema: { ...schema, ...(keyed && { headers: keyed }), response: answers(successes) },
      ...(checkBody && { preValidation: async ({ body }) => checkBody(body) }),
      handler: (request, reply) => {
        const wanted = request as unknown as Wanted<P, B, H>;
        return perform(this.#coordinator, requestOf(wanted), reply, keyed && wanted.headers);
      },
    });
  }
}
