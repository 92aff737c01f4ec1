/**
 * The orchestrator's three sockets: ROUTER for control, SUB for outputs, XPUB for events.
 *
 * 1. A send is handed to libzmq at once or not at all (`sendTimeout: 0`), so sends never overlap, never wait and keep their order.
 *    Each peer has its own bounded queue in libzmq; one that is full or gone is reported and delays nobody else.
 * 2. A socket's messages are read one after the other by one reader.
 * 3. A peer that sends more than `maxFrameBytes` in one frame loses its connection, and may connect again.
 */
import { Router, type Socket, Subscriber, XPublisher } from 'zeromq';
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

const SUBSCRIBE = 1;
const UNSUBSCRIBE = 0;

interface Sockets {
  readonly router: Open<Router>;
  readonly sub: Open<Subscriber>;
  readonly xpub: Open<XPublisher>;
}

export function createZeromqOrchestratorBus(options: ZeromqOrchestratorOptions): OrchestratorBus {
  const linger = options.lingerMs ?? LINGER_MS;
  const queueFrames = options.queueFrames ?? QUEUE_FRAMES;
  const common = { linger, ...HEARTBEATS };
  const wanted = new TopicPrefixes();
  let sockets: Sockets | undefined;
  let handlers: OrchestratorBusHandlers | undefined;
  let stopping: Promise<void> | undefined;

  function open(to: OrchestratorBusHandlers): Sockets {
    const router = new Router({
      ...common,
      ipv6: isIpv6(options.control),
      mandatory: true,
      handover: true,
      sendTimeout: 0,
      sendHighWaterMark: queueFrames,
      receiveHighWaterMark: queueFrames,
      maxMessageSize: options.maxFrameBytes,
    });
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
      router: watched(router, {
        onDisconnect: () => to.onDisconnect(),
        onStranger: () => to.onStranger('control'),
      }),
      sub: watched(sub, { onStranger: () => to.onStranger('outputs') }),
      xpub: watched(xpub, { onStranger: () => to.onStranger('events') }),
    };
  }

  function onControl(to: OrchestratorBusHandlers, parts: Buffer[]): void | Promise<void> {
    const route = parts[0]!.toString('latin1');
    return parts.length === 2 ? to.onControl(route, parts[1]!) : to.onMalformed('control', route);
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
      handlers = to;
      const opened = open(to);
      sockets = opened;
      const { router, sub, xpub } = opened;
      let endpoints: Endpoints;
      try {
        endpoints = {
          control: await bind('control', router, options.control),
          outputs: await bind('outputs', sub, options.outputs),
          events: await bind('events', xpub, options.events),
        };
      } catch (error) {
        stopping = closeAll(opened);
        await stopping;
        throw error;
      }
      void readAll(router.socket, (parts) => onControl(to, parts));
      void readAll(sub.socket, (parts) => onOutputs(to, parts));
      void readAll(xpub.socket, onSubscription);
      return endpoints;
    },

    send(route: Route, frame: Uint8Array) {
      if (!sockets || stopping) return;
      sockets.router.socket
        .send([Buffer.from(route, 'latin1'), frame])
        .catch(() => handlers?.onUnreachable(route));
    },

    publish(topic, frame) {
      if (!sockets || stopping) return;
      lossy(sockets.xpub.socket.send([topic, frame]));
    },

    isWanted: (topic) => wanted.match(topic),

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
    throw new TuttiError('port_in_use', `${option}: ${endpoint} is already in use`, {
      hint: `stop what listens there, or give another port for ${option} (0 takes a free one)`,
      cause: error,
    });
  }
  return socket.lastEndpoint!;
}

async function closeAll(sockets: Sockets | undefined): Promise<void> {
  await Promise.all(Object.values(sockets ?? {}).map((socket: Open<Socket>) => socket.close()));
}
