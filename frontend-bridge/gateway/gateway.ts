/** The gateway: HTTP, WebSocket and the web app, in front of one orchestrator. */
import { Server as TlsServer } from 'node:tls';
import type { Logger } from 'pino';
import { systemClock } from '../../src/base/clock.js';
import { messageOf, TuttiError } from '../../src/base/errors.js';
import type { JobTypes } from '../../src/config/forms/job-types.js';
import type { PublicPage } from '../../src/model/access.js';
import type { KeyAdministration, StreamingCoordinator } from '../../src/orchestrator/port.js';
import { isLoopback } from './access.js';
import { createApplication } from './application.js';
import { Bodies } from './bodies.js';
import { Connections } from './connections.js';
import type { App } from './http.js';
import { DEFAULT_LIMITS, type GatewayLimits } from './limits.js';
import type { ListPeers } from './routes/peers.js';
import type { SampleFolders } from './routes/samples.js';
import { Holders } from './stream/holders.js';
import { Hub, type HubStats } from './stream/hub.js';
import type { TlsPair } from './tls.js';

export interface GatewayOptions {
  readonly coordinator: StreamingCoordinator;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The token of the role admin. When it is given, everybody needs it or that of a grant. */
  readonly token?: string;
  /** Sites whose pages may use it besides its own: `https://tutti.example.org`. @default none */
  readonly origins?: readonly string[];
  /** Names, without ports, by which it is reached although it is bound to loopback. @default none */
  readonly hosts?: readonly string[];
  /** Where the built web app is. @default there is none */
  readonly webRoot?: string;
  /** By the graph's name, the folder of JSON files that are samples of its input. @default there are none */
  readonly samples?: SampleFolders;
  /** The JSON Schema of a graph file. @default none is served */
  readonly graphSchema?: object;
  /** How the results of jobs are read from their logs. @default none are */
  readonly jobTypes?: JobTypes;
  /** Of Tutti, as exports name it. */
  readonly version: string;
  /** The keys of nodes. @default there are none: connections of nodes are not encrypted */
  readonly keys?: KeyAdministration;
  /** Pages that callers without a token may read where others need one. @default none */
  readonly publicPages?: readonly PublicPage[];
  /** Figures in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  readonly peers: ListPeers;
  readonly logger: Logger;
  /** HTTPS and WSS with this. @default HTTP in clear text */
  readonly tls?: TlsPair;
  readonly limits?: Partial<GatewayLimits>;
}

export interface GatewayGauges extends HubStats {
  /** TCP connections, viewers among them. */
  readonly connections: number;
  /** Of the bodies of requests that are not answered yet, blobs apart. */
  readonly bodyBytes: number;
}

export interface Gateway {
  /** Throws `TuttiError` `port_in_use` or `cannot_listen`. */
  start(): Promise<{ readonly url: string; readonly port: number }>;
  /** New connections get this certificate; those that are open stay. Only with TLS. */
  renew(pair: TlsPair): void;
  /** Within two seconds, also while clients are connected. Idempotent. */
  stop(): Promise<void>;
  gauges(): GatewayGauges;
}

/** How often every viewer hears that nothing is missing: the contract promises five seconds. */
const TICK_MS = 4_000;
/** What viewers get for their part of the closing handshake, and requests to be answered, before they are cut. */
const CLOSE_GRACE_MS = 500;
const REQUEST_GRACE_MS = 1_500;

export function createGateway(options: GatewayOptions): Gateway {
  const { coordinator, host, logger, metrics, peers } = options;
  const limits: GatewayLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const hub = hubOf(options, limits);
  const bodies = new Bodies({
    limits,
    clock: systemClock,
    onRefused: (peer, code, message) => coordinator.noteRefused({ via: 'http', peer, code, message }),
  });
  const connections = new Connections({
    connections: limits.connections,
    strangers: options.token === undefined ? limits.connections : limits.connections >> 1,
    onRefused: (peer, code, message) => coordinator.noteRefused({ via: 'http', peer, code, message }),
  });
  const holders = new Holders(coordinator);
  let app: App | undefined;
  let ticking: NodeJS.Timeout | undefined;
  let stopping: Promise<void> | undefined;

  return {
    async start() {
      app = await createApplication(
        { coordinator, hub, bodies, connections, holders, metrics, peers, logger },
        {
          token: options.token,
          origins: options.origins ?? [],
          hosts: options.hosts ?? [],
          loopback: isLoopback(host),
          webRoot: options.webRoot,
          samples: options.samples ?? new Map(),
          jobTypes: options.jobTypes ?? new Map(),
          graphSchema: options.graphSchema,
          keys: options.keys,
          publicPages: options.publicPages ?? [],
          version: options.version,
          limits,
          tls: options.tls,
        },
      );
      hub.start();
      holders.start();
      try {
        await app.listen({ host, port: options.port });
      } catch (cause) {
        hub.stop();
        holders.stop();
        await app.close();
        throw listenError(cause, host, options.port);
      }
      ticking = setInterval(() => {
        holders.check();
        hub.tick();
      }, TICK_MS);
      return addressOf(app, options);
    },
    renew({ cert, key }) {
      const server = app?.server;
      if (server instanceof TlsServer) server.setSecureContext({ cert, key });
    },
    stop() {
      stopping ??= close();
      return stopping;
    },
    gauges: () => ({ ...hub.stats(), connections: connections.count, bodyBytes: bodies.keptBytes }),
  };

  async function close(): Promise<void> {
    clearInterval(ticking);
    hub.stop();
    holders.stop();
    bodies.stop();
    if (app === undefined) return;
    const { websocketServer } = app;
    const cutViewers = setTimeout(() => {
      for (const socket of websocketServer.clients) socket.terminate();
    }, CLOSE_GRACE_MS);
    const cutRequests = setTimeout(() => {
      connections.destroyAll();
    }, REQUEST_GRACE_MS);
    await app.close();
    clearTimeout(cutViewers);
    clearTimeout(cutRequests);
  }
}

function hubOf(
  { coordinator, logger }: GatewayOptions,
  { viewerBufferBytes, viewerMessagesPerSecond }: GatewayLimits,
): Hub {
  return new Hub(
    {
      events: coordinator.events,
      epoch: coordinator.epoch,
      storeId: coordinator.storeId,
      clock: systemClock,
      onRefused: (peer, code, message) => coordinator.noteRefused({ via: 'stream', peer, code, message }),
      onReadFailure: (failure) => logger.error({ err: failure }, 'events could not be read for a viewer'),
    },
    { bufferBytes: viewerBufferBytes, messagesPerSecond: viewerMessagesPerSecond },
  );
}

/** Where it listens: a port of 0 was replaced by a free one. */
function addressOf(
  { server }: App,
  { host, port: wanted, tls }: GatewayOptions,
): { readonly url: string; readonly port: number } {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : wanted;
  return { url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`, port };
}

function listenError(cause: unknown, host: string, port: number): TuttiError {
  if ((cause as { code?: unknown }).code === 'EADDRINUSE') {
    return new TuttiError('port_in_use', `The HTTP port ${port} on ${host} is in use.`, {
      hint: 'Give another one with --http-port (TUTTI_HTTP_PORT); 0 picks a free one.',
      cause,
    });
  }
  return new TuttiError('cannot_listen', `HTTP cannot listen on ${host}, port ${port}: ${messageOf(cause)}`, {
    hint: 'Check --host (TUTTI_HOST) and --http-port (TUTTI_HTTP_PORT).',
    cause,
  });
}
