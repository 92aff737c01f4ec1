/**
 * The HTTP application: hooks, parsers, error shape and routes, without a socket.
 *
 * 1. Every answer to a GET has a `Tutti-Cursor`: the one that the answer reflects, or at least the newest before it was made.
 * 2. Every error has the common shape, wherever it was found.
 * 3. Who may ask is decided before a body is read.
 */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import fastifyCookie from '@fastify/cookie';
import fastifyWebsocket from '@fastify/websocket';
import Fastify, { type FastifyReply, type FastifyRequest, type RouteOptions } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { systemClock } from '../../src/base/clock.js';
import { printJson } from '../../src/base/json/json-text.js';
import type { JobTypes } from '../../src/config/forms/job-types.js';
import type { PublicPage } from '../../src/model/access.js';
import type { Coordinator, KeyAdministration } from '../../src/orchestrator/port.js';
import { type Access, createAccess, refuseTokenInUrl } from './access.js';
import { refusedDeed } from './audit.js';
import type { Bodies } from './bodies.js';
import type { Connections } from './connections.js';
import { errorBody, HttpError, toHttpError } from './errors.js';
import type { App } from './http.js';
import type { GatewayLimits } from './limits.js';
import { createMethods, type Methods } from './methods.js';
import { describeRoutes, openApiRoute } from './openapi.js';
import { Parsing } from './parsing.js';
import { answerRaw } from './raw-answer.js';
import { accessRoutes } from './routes/access.js';
import { approvalRoutes } from './routes/approvals.js';
import { auditRoutes } from './routes/audit.js';
import { blobRoutes } from './routes/blobs.js';
import { campaignRoutes } from './routes/campaigns.js';
import { clusterRoutes } from './routes/clusters.js';
import { crateRoute } from './routes/crate.js';
import { deploymentRoutes } from './routes/deployments.js';
import { executionRoutes } from './routes/executions.js';
import { graphSchemaRoute } from './routes/graph-schema.js';
import { graphRoutes } from './routes/graphs.js';
import { figureRoutes, probeRoutes } from './routes/health.js';
import { iterationRoutes } from './routes/iterations.js';
import { jobRoutes } from './routes/jobs.js';
import { nodeEventRoutes } from './routes/node-events.js';
import { nodeKeyRoutes } from './routes/node-keys.js';
import { nodeRoutes } from './routes/nodes.js';
import { outputRoutes } from './routes/outputs.js';
import { type ListPeers, peerRoutes } from './routes/peers.js';
import { problemRoutes } from './routes/problems.js';
import { type SampleFolders, sampleRoutes } from './routes/samples.js';
import { searchExportRoute } from './routes/search-export.js';
import { secretRoutes } from './routes/secrets.js';
import { serviceRoutes } from './routes/services.js';
import { sessionRoutes } from './routes/sessions.js';
import { streamRoute } from './routes/stream.js';
import { answerDeepPath, webRoutes } from './routes/web.js';
import { webhookRoutes } from './routes/webhooks.js';
import type { Holders } from './stream/holders.js';
import type { Hub } from './stream/hub.js';
import type { TlsPair } from './tls.js';

/** Browsers and proxies use a connection again within this; one that rests longer costs a slot. */
const KEEP_ALIVE_MS = 60_000;
/** Of every answer that says nothing else: shown by itself, it loads nothing and runs nothing, and no page frames it. */
const NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'";
/** A year: browsers ask for nothing in clear text meanwhile (RFC 6797). */
const HSTS = 'max-age=31536000';

export interface ApplicationDeps {
  readonly coordinator: Coordinator;
  readonly hub: Hub;
  readonly bodies: Bodies;
  readonly connections: Connections;
  readonly holders: Holders;
  readonly metrics: () => Promise<string>;
  readonly peers: ListPeers;
  readonly logger: Logger;
}

export interface ApplicationOptions {
  readonly token: string | undefined;
  readonly origins: readonly string[];
  readonly hosts: readonly string[];
  readonly loopback: boolean;
  readonly webRoot: string | undefined;
  readonly samples: SampleFolders;
  readonly graphSchema: object | undefined;
  readonly keys?: KeyAdministration | undefined;
  readonly publicPages: readonly PublicPage[];
  readonly jobTypes: JobTypes;
  readonly version: string;
  readonly limits: GatewayLimits;
  /** @default HTTP in clear text */
  readonly tls?: TlsPair | undefined;
}

export async function createApplication(deps: ApplicationDeps, options: ApplicationOptions): Promise<App> {
  const { coordinator, logger } = deps;
  const { limits } = options;
  const failed = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    sendError(deps, thrown, request, reply);
  const app: App = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    serverFactory: (serve) => createHttpServer(serve, deps.connections, options),
    return503OnClosing: false,
    frameworkErrors: failed,
    clientErrorHandler: (error, socket) => {
      // One answer, however much of it still comes.
      if (!socket.writable) return;
      if (isHandshake(error)) {
        socket.destroy();
        return;
      }
      const refused =
        error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? new HttpError(408, 'head_timeout', `No complete request arrived within ${limits.headMs} ms.`)
          : new HttpError(400, 'bad_request', `This is not HTTP: ${error.message}`);
      const peer = socket.remoteAddress ?? '';
      coordinator.noteRefused({ via: 'http', peer, code: refused.code, message: refused.message });
      answerRaw(socket, refused);
    },
  }).withTypeProvider<ZodTypeProvider>();
  const methods = createMethods();
  const access = createAccess({
    ...options,
    grants: coordinator.grants,
    sessions: coordinator.sessions,
    nodeBlobs: coordinator.nodeBlobs,
    clock: systemClock,
  });

  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => printJson);
  app.setErrorHandler(failed);
  app.addHook('onRoute', (route) => methods.add(route.method, route.url));
  addJsonParser(app, new Parsing());
  await describeRoutes(app, options.token !== undefined);
  await app.register(fastifyWebsocket, {
    options: { maxPayload: limits.viewerFrameBytes, perMessageDeflate: false, autoPong: false },
    errorHandler: (error, socket) => {
      logger.debug({ err: error }, 'a viewer disconnected');
      socket.terminate();
    },
    preClose(done) {
      this.websocketServer.close();
      done();
    },
  });

  await app.register(fastifyCookie);
  // After the WebSocket plugin's own hooks: they close the connection of an upgrade that is refused here.
  addHooks(app, access, deps, options);
  probeRoutes(app, coordinator);
  graphSchemaRoute(app, options.graphSchema);
  await webRoutes(app, options.webRoot);
  app.setNotFoundHandler((request, reply) => notFound(request, reply, methods));
  await app.register(async (api: App) => {
    api.decorateRequest('caller');
    api.addHook('onRoute', demandAction);
    api.addHook('onRequest', async (request, reply) => {
      refuseTokenInUrl(request);
      if (request.routeOptions.config.isOpen) return;
      request.caller = access.identify(request, reply);
      if (options.token !== undefined && request.caller.hasShownToken) deps.connections.know(request.raw);
      const { action, isForNodes = false } = request.routeOptions.config;
      access.authorize(request.caller, action!, isForNodes);
    });
    apiRoutes(api, { ...deps, access }, options);
    openApiRoute(api);
  });
  return app;
}

/** Nobody can forget to say who may use a route. */
function demandAction({ method, url, config }: RouteOptions): void {
  if (config?.action === undefined && !config?.isOpen)
    throw new Error(`${String(method)} ${url} does not declare its action`);
}

/** What `/openapi.json` describes. */
export function apiRoutes(
  api: App,
  {
    coordinator,
    hub,
    connections,
    holders,
    metrics,
    peers,
    logger,
    access,
  }: Omit<ApplicationDeps, 'bodies'> & { readonly access: Access },
  {
    samples,
    limits,
    keys,
    version,
    jobTypes,
    token,
  }: Pick<ApplicationOptions, 'samples' | 'limits' | 'keys' | 'version' | 'jobTypes' | 'token'>,
): void {
  problemRoutes(api, coordinator);
  iterationRoutes(api, coordinator);
  executionRoutes(api, coordinator);
  outputRoutes(api, coordinator);
  crateRoute(api, coordinator, version);
  searchExportRoute(api, coordinator);
  nodeRoutes(api, coordinator);
  nodeKeyRoutes(api, coordinator, keys);
  accessRoutes(api, coordinator, token !== undefined);
  sessionRoutes(api, coordinator, access);
  auditRoutes(api, coordinator);
  nodeEventRoutes(api, coordinator);
  clusterRoutes(api, coordinator);
  secretRoutes(api, coordinator);
  campaignRoutes(api, coordinator);
  deploymentRoutes(api, coordinator);
  serviceRoutes(api, coordinator);
  webhookRoutes(api, coordinator);
  approvalRoutes(api, coordinator);
  jobRoutes(api, coordinator, jobTypes, limits);
  graphRoutes(api, coordinator);
  sampleRoutes(api, coordinator, samples, logger);
  blobRoutes(api, coordinator);
  figureRoutes(api, coordinator, metrics);
  peerRoutes(api, peers);
  streamRoute(api, hub, connections, holders, limits);
}

function createHttpServer(
  serve: RequestListener,
  connections: Connections,
  { limits: { headMs, answerIdleMs }, tls }: Pick<ApplicationOptions, 'limits' | 'tls'>,
): Server {
  const settings = {
    // An upload may take its time, as long as it goes on (`bodies.ts`).
    requestTimeout: 0,
    headersTimeout: headMs,
    connectionsCheckingInterval: Math.min(1_000, headMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    // It is missed with an answer of the common shape (`access.ts`).
    requireHostHeader: false,
  };
  const listener: RequestListener = (request, response) => {
    if (connections.admits(request, response)) serve(request, response);
  };
  const server = tls
    ? createTlsServer({ ...settings, cert: tls.cert, key: tls.key, handshakeTimeout: headMs }, listener)
    : createServer(settings, listener);
  server.on('checkExpectation', (request, response: ServerResponse) => {
    const error = new HttpError(
      417,
      'bad_request',
      `The expectation ${request.headers.expect} is not supported.`,
    );
    answerRaw(response.socket ?? request.socket, error);
  });
  server.setTimeout(answerIdleMs);
  connections.watch(server);
  return server;
}

/** The error of a connection that never came to speak HTTP: whatever it speaks, it would not understand an answer. */
function isHandshake({ code }: { readonly code?: string }): boolean {
  return code !== undefined && /^ERR_(SSL|TLS)_/.test(code);
}

function addHooks(
  app: App,
  access: Access,
  { coordinator, bodies, logger }: ApplicationDeps,
  { loopback }: Pick<ApplicationOptions, 'loopback'>,
): void {
  app.addHook('onRequest', async (request, reply) => {
    bodies.watch(request.raw, reply.raw, request.routeOptions.config?.streamsBody !== true);
    reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer');
    reply.header('content-security-policy', NOTHING_RUNS);
    // Not on loopback: a browser would keep to it for every port of localhost.
    if (request.protocol === 'https' && !loopback) reply.header('strict-transport-security', HSTS);
    if (request.method === 'GET') reply.header('tutti-cursor', coordinator.cursor());
    access.checkSite(request, reply);
    refuseEncoded(request);
  });
  app.addHook('onResponse', async (request, reply) => {
    if (!logger.isLevelEnabled('debug')) return;
    const { method, url, ip } = request;
    const [path] = url.split('?');
    logger.debug(
      { method, path, ip, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    );
  });
}

/** A compressed body could expand to any size; a blob's bytes are stored as they are. */
function refuseEncoded({ headers, routeOptions }: FastifyRequest): void {
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity' || routeOptions.config?.streamsBody === true) return;
  const message = `The Content-Encoding ${encoding} is not supported.`;
  throw new HttpError(415, 'unsupported_media_type', message, { hint: 'Send the body uncompressed.' });
}

function addJsonParser(app: App, parsing: Parsing): void {
  app.removeAllContentTypeParsers();
  const parse = (request: FastifyRequest, body: Buffer): Promise<unknown> => parsing.read(request.raw, body);
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    parse,
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.raw.once('close', () => parsing.leave(request.raw));
  });
  app.addHook('preHandler', async (request) => {
    if (request.routeOptions.config?.waitsForNode === true) parsing.leave(request.raw);
  });
}

function notFound(request: FastifyRequest, reply: FastifyReply, methods: Methods): FastifyReply {
  const [path = ''] = request.url.split('?');
  const allowed = methods.of(path);
  if (allowed.length > 0) {
    reply.header('allow', allowed.join(', '));
    throw new HttpError(
      405,
      'method_not_allowed',
      `${path} accepts ${allowed.join(', ')}, not ${request.method}.`,
    );
  }
  const page = answerDeepPath(request, reply);
  if (page !== undefined) return page;
  throw new HttpError(404, 'not_found', `There is nothing at ${request.method} ${path}.`, {
    hint: 'The page is at /, and GET /openapi.json lists everything else.',
  });
}

function sendError(
  { coordinator, bodies, logger }: ApplicationDeps,
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { params, query, headers, body } = request;
  const { bodyLimit, config } = request.routeOptions;
  const sources = {
    params,
    querystring: query,
    headers,
    body,
    bodyLimit,
    hidesBody: config.hidesBody ?? false,
  };
  const error = toHttpError(thrown, sources);
  // The framework would cut off a client that still sends its body, which often reads no answer before it has.
  reply.removeHeader('connection');
  if (!request.raw.complete) reply.raw.shouldKeepAlive = true;
  if (error.status >= 500 && error.cause !== undefined)
    logger.warn({ err: error.cause, route: request.routeOptions.url }, 'a request could not be served');
  if (error.status === 500)
    logger.error({ err: thrown, route: request.routeOptions?.url }, 'a request failed');
  else if (!bodies.hasEnded(request.raw)) {
    const deed = refusedDeed(request, error);
    const { code, message } = error;
    coordinator.noteRefused({ via: 'http', peer: request.ip, code, message, ...(deed && { deed }) });
  }
  if (error.retryAfter !== undefined) reply.header('retry-after', Math.ceil(error.retryAfter));
  reply.removeHeader('content-length');
  return reply.code(error.status).type('application/json; charset=utf-8').send(errorBody(error));
}
