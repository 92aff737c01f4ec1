/**
 * The orchestrator's three sockets: a ROUTER of our own for control (`zmtp-router.ts` says why), SUB for outputs, XPUB for events.
 *
 * 1. A send is handed on at once or not at all (`sendTimeout: 0`), so sends never overlap, never wait and keep their order.
 * 2. A socket's messages are read one after the other by one reader.
 * 3. A peer that sends more than `maxFrameBytes` in one frame loses its connection, and may connect again.
 */
import { type Socket, Subscriber, XPublisher } from 'zeromq';
import { TuttiError } from '../base/errors.js';
import type { Endpoints, OrchestratorBus, OrchestratorBusHandlers, Route } from './bus.js';
import { TopicPrefixes } from './topic-prefixes.js';
import {
  badEndpoint,
  HEARTBEATS,
  isIpv6,
  LINGER_MS,
  lossy,
  type Open,
  QUEUE_FRAMES,
  readAll,
  watched,
} from './zeromq-sockets.js';
import { ZmtpRouter } from './zmtp-router.js';

export interface ZeromqOrchestratorOptions {
  /** Where to bind: `tcp://127.0.0.1:7400`; port 0 takes a free one. */
  readonly control: string;
  readonly outputs: string;
  readonly events: string;
  /** The largest frame that is taken from a peer, in bytes. */
  readonly maxFrameBytes: number;
  /** How long frames that were sent may still take after `stop`. @default 500 */
  readonly lingerMs?: number;
  /** Frames that may wait for one peer; further ones are dropped and reported. @default 1000 */
  readonly queueFrames?: number;
}

const OUTPUTS_PREFIX = 'output/';

/** Topics are far shorter; a longer subscription can match none of them. */
const MAX_SUBSCRIPTION_BYTES = 4_096;

const NO_ZMTP = 'a connection that does not speak ZeroMQ';

const SUBSCRIBE = 1;
const UNSUBSCRIBE = 0;

interface Sockets {
  readonly router: ZmtpRouter;
  readonly sub: Open<Subscriber>;
  readonly xpub: Open<XPublisher>;
}

export function createZeromqOrchestratorBus(options: ZeromqOrchestratorOptions): OrchestratorBus {
  const linger = options.lingerMs ?? LINGER_MS;
  const queueFrames = options.queueFrames ?? QUEUE_FRAMES;
  const common = { linger, ...HEARTBEATS };
  const wanted = new TopicPrefixes();
  let sockets: Sockets | undefined;
  let stopping: Promise<void> | undefined;

  function open(to: OrchestratorBusHandlers): Sockets {
    const router = new ZmtpRouter(
      {
        ...{ maxFrameBytes: options.maxFrameBytes, lingerMs: linger, queueFrames },
        pingIntervalMs: HEARTBEATS.heartbeatInterval,
        silenceMs: HEARTBEATS.heartbeatTimeout,
      },
      {
        onFrame: (route, frame) => to.onControl(route, frame),
        onMalformed: (route) => to.onMalformed('control', route),
        onUnreachable: (route) => to.onUnreachable(route),
        onDisconnect: () => to.onDisconnect(),
        onStranger: (why) => to.onStranger('control', why),
      },
    );
    const sub = new Subscriber({
      ...common,
      ipv6: isIpv6(options.outputs),
      receiveHighWaterMark: queueFrames,
      maxMessageSize: options.maxFrameBytes,
    });
    const xpub = new XPublisher({
      ...common,
      ipv6: isIpv6(options.events),
      sendTimeout: 0,
      sendHighWaterMark: queueFrames,
      maxMessageSize: MAX_SUBSCRIPTION_BYTES,
    });
    sub.subscribe(OUTPUTS_PREFIX);
    return {
      router,
      sub: watched(sub, { onStranger: () => to.onStranger('outputs', NO_ZMTP) }),
      xpub: watched(xpub, { onStranger: () => to.onStranger('events', NO_ZMTP) }),
    };
  }

  function onOutputs(to: OrchestratorBusHandlers, parts: Buffer[]): void | Promise<void> {
    return parts.length === 2
      ? to.onOutputs(parts[0]!.toString(), parts[1]!)
      : to.onMalformed('outputs', undefined);
  }

  /** XPUB hands up the first subscription to a prefix and the end of the last one. */
  function onSubscription([change]: Buffer[]): void {
    const prefix = change!.toString('latin1', 1);
    if (change![0] === SUBSCRIBE) wanted.add(prefix);
    else if (change![0] === UNSUBSCRIBE) wanted.remove(prefix);
  }

  return {
    async start(to) {
      if (sockets || stopping) throw new TuttiError('bus_started', 'this bus was started before');
      const opened = open(to);
      sockets = opened;
      const { router, sub, xpub } = opened;
      let endpoints: Endpoints;
      try {
        endpoints = {
          control: await bindRouter(router, options.control),
          outputs: await bind('outputs', sub, options.outputs),
          events: await bind('events', xpub, options.events),
        };
      } catch (error) {
        stopping = closeAll(opened);
        await stopping;
        throw error;
      }
      void readAll(sub.socket, (parts) => onOutputs(to, parts));
      void readAll(xpub.socket, onSubscription);
      return endpoints;
    },

    send(route: Route, frame: Uint8Array) {
      if (!sockets || stopping) return;
      sockets.router.send(route, frame);
    },

    publish(topic, frame) {
      if (!sockets || stopping) return;
      lossy(sockets.xpub.socket.send([topic, frame]));
    },

    isWanted: (topic) => wanted.match(topic),

    gauges: () => sockets?.router.gauges() ?? { connections: 0, queuedFrames: 0, heldBytes: 0 },

    stop() {
      stopping ??= closeAll(sockets);
      return stopping;
    },
  };
}

/** Binds, and answers with the endpoint as bound, with the real port. */
async function bind(option: string, { socket }: Open<Socket>, endpoint: string): Promise<string> {
  try {
    await socket.bind(endpoint.replace(/:0$/, ':*'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw badEndpoint(option, endpoint, error);
    throw portInUse(option, endpoint, error);
  }
  return socket.lastEndpoint!;
}

async function bindRouter(router: ZmtpRouter, endpoint: string): Promise<string> {
  const [, host, port] = /^tcp:\/\/(\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(endpoint) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw badEndpoint('control', endpoint, new Error('it is not of the form tcp://HOST:PORT'));
  try {
    const bound = await router.bind(host === '*' ? '0.0.0.0' : host.replace(/^\[|\]$/g, ''), Number(port));
    return `tcp://${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw badEndpoint('control', endpoint, error);
    throw portInUse('control', endpoint, error);
  }
}

function portInUse(option: string, endpoint: string, cause: unknown): TuttiError {
  return new TuttiError('port_in_use', `${option}: ${endpoint} is already in use`, {
    hint: `stop what listens there, or give another port for ${option} (0 takes a free one)`,
    cause,
  });
}

async function closeAll(sockets: Sockets | undefined): Promise<void> {
  await Promise.all(Object.values(sockets ?? {}).map((socket: { close(): Promise<void> }) => socket.close()));
}
