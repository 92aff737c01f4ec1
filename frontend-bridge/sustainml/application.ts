/**
 * The REST of SustainML's back end, as its front ends speak it, without a socket.
 *
 * 1. Every answer is a JSON object (of `GET /results` before any task a text), whatever was asked: the front ends read nothing else.
 * 2. Each answer closes its connection, as the original does: the form opens one for each request.
 * 3. Requests are bounded in size and time; malformed ones are refused and counted.
 */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { printJson } from '../../src/base/json/json-text.js';
import type { Logger } from '../../src/base/logger.js';
import type { Role } from '../../src/model/access.js';
import type { Coordinator, Workspace } from '../../src/orchestrator/port.js';
import { checkAccess, checkRole } from './access.js';
import { type CancelDeps, cancel } from './cancel.js';
import type { Configuration } from './configuration.js';
import { compareModels, type ModelsDeps, modelsInfo } from './models.js';
import type { Optimizations } from './optimizations.js';
import { asRefused, errorBody, Refused } from './refused.js';
import type { Asking, DeskAnswer, ResultsDesk } from './results-desk.js';
import type { NodeList } from './status.js';
import { type SubmitDeps, submit } from './submit.js';
import { readBody } from './user-input.js';

const BODY_BYTES = 1024 * 1024;
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;

export interface ApplicationDeps extends SubmitDeps, CancelDeps {
  readonly coordinator: Pick<Workspace, 'request' | 'queries'> & Pick<Coordinator, 'noteRefused'>;
  readonly configuration: Configuration;
  readonly optimizations: Optimizations;
  readonly desk: ResultsDesk;
  readonly nodes: NodeList;
  readonly models: ModelsDeps;
  /** Of all its clients. */
  readonly role: Role;
  readonly logger: Logger;
}

export function createApplication(deps: ApplicationDeps): FastifyInstance {
  const refuse = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const refused = asRefused(thrown);
    const { code, message, status } = refused;
    if (status === 503 && refused.cause !== undefined)
      deps.logger.error(
        { err: refused.cause, route: request.routeOptions?.url },
        'a front end could not be served',
      );
    const action = request.routeOptions?.config.action ?? 'read';
    const operation = `${request.method} ${request.routeOptions?.url ?? ''}`;
    const deed = status === 403 ? { deed: { address: request.ip, action, operation } } : {};
    deps.coordinator.noteRefused({ via: 'http', peer: request.ip, code, message, ...deed });
    return send(reply, { status, body: errorBody(refused) });
  };
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: true,
    return503OnClosing: false,
    http: { headersTimeout: HEAD_MS, connectionsCheckingInterval: 1_000 },
    frameworkErrors: refuse,
    clientErrorHandler: (_error, socket) => {
      if (!socket.writable) return;
      const refused = new Refused(
        400,
        'bad_request',
        'This is not an HTTP request that arrived complete and in time.',
      );
      const text = JSON.stringify(errorBody(refused));
      const head = `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}`;
      socket.end(`${head}\r\n\r\n${text}`, () => socket.destroy());
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => body,
  );
  app.setErrorHandler(refuse);
  app.addHook('onRequest', async (request) => {
    checkAccess(request.headers, request.raw.rawHeaders);
    const { action } = request.routeOptions.config;
    if (action !== undefined) checkRole(deps.role, action);
  });
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.action === undefined) throw new Error(`${url} does not declare its action`);
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?');
    const isOther = ['GET', 'POST'].some((method) => app.hasRoute({ method, url: path }));
    return refuse(
      isOther
        ? new Refused(405, 'method_not_allowed', `${path} does not take ${request.method}.`)
        : new Refused(404, 'not_found', `There is nothing at ${path}.`),
      request,
      reply,
    );
  });
  addRoutes(app, deps);
  return app;
}

function addRoutes(app: FastifyInstance, deps: ApplicationDeps): void {
  const { configuration, desk, nodes, models } = deps;
  app.get('/', { config: { action: 'read' } }, (_, reply) =>
    send(reply, ok({ message: 'Hello world! Use "/terminate" route to stop Back-end node.' })),
  );
  // Permission to ask for results is not permission to end the orchestrator for everybody.
  app.get('/terminate', { config: { action: 'read' } }, (_, reply) =>
    send(reply, ok({ message: 'Terminating...<br>' })),
  );
  app.get('/shutdown', { config: { action: 'read' } }, (_, reply) =>
    send(reply, ok({ message: 'Use "/terminate" route to stop Back-end node.<br>' })),
  );
  app.post('/user_input', { config: { action: 'submit' } }, async (request, reply) => {
    const task_id = await submit(deps, bodyOf(request));
    return send(reply, ok({ message: 'User input data sent successfully.', task_id }));
  });
  app.get('/status', { config: { action: 'read' } }, async (_, reply) =>
    send(reply, ok({ status: await nodes.status() })),
  );
  app.post('/status', { config: { action: 'read' } }, async (request, reply) => {
    const { node_id: id } = optionalBodyOf(request).fields;
    return send(reply, ok({ status: id === undefined ? await nodes.status() : await nodes.statusOf(id) }));
  });
  app.get('/results', { config: { action: 'read' } }, async (_, reply) =>
    send(reply, await desk.last(askingOf(reply))),
  );
  app.post('/results', { config: { action: 'read' } }, async (request, reply) =>
    send(reply, await desk.ask(optionalBodyOf(request).fields, askingOf(reply))),
  );
  app.post('/config_request', { config: { action: 'control_node' } }, async (request, reply) => {
    const { fields } = bodyOf(request);
    const written = askingOf(reply).written.then(() => undefined);
    return send(reply, ok(await configuration.ask(fields, written)));
  });
  app.post('/cancel', { config: { action: 'command_task' } }, async (request, reply) =>
    send(reply, await cancel(deps, optionalBodyOf(request).fields)),
  );
  app.post('/hf_models_info', { config: { action: 'read' } }, async (request, reply) =>
    send(reply, ok(await modelsInfo(models, bodyOf(request).fields))),
  );
  app.post('/hf_models_compare', { config: { action: 'read' } }, async (request, reply) =>
    send(reply, ok(compareModels(models, bodyOf(request).fields))),
  );
}

function ok(body: object): DeskAnswer {
  return { status: 200, body: body as Record<string, unknown> };
}

function send(
  reply: FastifyReply,
  { status, body }: DeskAnswer | { status: number; body: object },
): FastifyReply {
  const isText = typeof body === 'string';
  reply.header('connection', 'close').header('x-content-type-options', 'nosniff').code(status);
  reply.type(isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8');
  return reply.send(isText ? body : Buffer.from(printJson(body)));
}

/** Throws `Refused` where the body is not a JSON object. */
function bodyOf({ body }: FastifyRequest): ReturnType<typeof readBody> {
  if (!(body instanceof Buffer) || body.length === 0)
    throw new Refused(400, 'no_body', 'A JSON object is needed.');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new Refused(400, 'not_utf8', 'The body is not UTF-8.');
  }
  return readBody(text);
}

function optionalBodyOf(request: FastifyRequest): ReturnType<typeof readBody> {
  const isThere = request.body instanceof Buffer && request.body.length > 0;
  return isThere ? bodyOf(request) : readBody('{}');
}

function askingOf(reply: FastifyReply): Asking {
  const gone = new AbortController();
  const written = new Promise<boolean>((resolve) => {
    reply.raw.once('finish', () => resolve(true));
    reply.raw.once('close', () => {
      resolve(false);
      gone.abort(new Refused(400, 'client_gone', 'The client has gone.'));
    });
  });
  return { signal: gone.signal, written };
}
