/**
 * The orchestrator's three sockets: a ROUTER for control, a SUB for outputs, an XPUB for events, all of our own.
 * `zmtp/server-socket.ts` and `zmtp/control-socket.ts` say what is wrong with libzmq's when anybody may connect.
 */
import { TuttiError } from '../base/errors.js';
import { openFilesLimit } from '../base/open-files.js';
import { NO_GAUGES, type OrchestratorBus, type OrchestratorBusHandlers } from './bus.js';
import { badEndpoint, HEARTBEATS, LINGER_MS, QUEUE_FRAMES } from './zeromq-sockets.js';
import { loadBoxes } from './zmtp/boxes.js';
import { connectionLimits } from './zmtp/connection-limits.js';
import { ControlSocket } from './zmtp/control-socket.js';
import { EventsSocket } from './zmtp/events-socket.js';
import { HandshakeTurns } from './zmtp/handshake-turns.js';
import { OutputsSocket } from './zmtp/outputs-socket.js';
import type { SocketSecurity } from './zmtp/server-socket.js';

export interface ZeromqOrchestratorOptions {
  /** Where to bind: `tcp://127.0.0.1:7400`; port 0 takes a free one. */
  readonly control: string;
  readonly outputs: string;
  readonly events: string;
  /** The largest frame that is taken from a peer, in bytes. */
  readonly maxFrameBytes: number;
  /** How long frames that were sent may still take after `stop`. @default 500 */
  readonly lingerMs?: number;
  /** Frames that may wait for one peer; further ones are dropped, and reported or counted. @default 1000 */
  readonly queueFrames?: number;
  /** Files and sockets that the process may have open, out of which connections are taken. @default the limit of the system */
  readonly openFiles?: number;
  /** Every peer is known at once, as where all of them are child processes of one's own. @default false */
  readonly admitsAll?: boolean;
  /** CURVE on all three sockets. @default NULL: anybody may connect, and everything is in the clear */
  readonly security?: BusSecurity;
}

export type BusSecurity = Pick<SocketSecurity, 'keys' | 'admits'>;

export interface ZeromqOrchestratorBus extends OrchestratorBus {
  /** Ends the connections of all peers with this key (Z85), on all sockets and at once. */
  endPeersOf(key: string): void;
}

const OUTPUTS_PREFIX = 'output/';

interface Sockets {
  readonly control: ControlSocket;
  readonly outputs: OutputsSocket;
  readonly events: EventsSocket;
}

export function createZeromqOrchestratorBus(options: ZeromqOrchestratorOptions): ZeromqOrchestratorBus {
  const zmtp = {
    maxFrameBytes: options.maxFrameBytes,
    lingerMs: options.lingerMs ?? LINGER_MS,
    queueFrames: options.queueFrames ?? QUEUE_FRAMES,
    pingIntervalMs: HEARTBEATS.heartbeatInterval,
    silenceMs: HEARTBEATS.heartbeatTimeout,
    admitsAll: options.admitsAll ?? false,
    security: options.security && { ...options.security, turns: new HandshakeTurns() },
  };
  const limits = connectionLimits(options.openFiles ?? openFilesLimit());
  let sockets: Sockets | undefined;
  let stopping: Promise<void> | undefined;

  function open(to: OrchestratorBusHandlers): Sockets {
    return {
      control: new ControlSocket({ ...zmtp, limits: limits.control }, to),
      outputs: new OutputsSocket(OUTPUTS_PREFIX, { ...zmtp, limits: limits.outputs }, to),
      events: new EventsSocket({ ...zmtp, limits: limits.events }, to),
    };
  }

  return {
    async start(to) {
      if (sockets || stopping) throw new TuttiError('bus_started', 'this bus was started before');
      const opened = open(to);
      sockets = opened;
      try {
        if (options.security) await loadBoxes();
        return {
          control: await bind('control', opened.control, options.control),
          outputs: await bind('outputs', opened.outputs, options.outputs),
          events: await bind('events', opened.events, options.events),
        };
      } catch (error) {
        stopping = closeAll(opened);
        await stopping;
        throw error;
      }
    },

    send(route, frame) {
      if (!stopping) sockets?.control.send(route, frame);
    },

    admit(route) {
      sockets?.control.admit(route);
      sockets?.outputs.admit(route);
    },

    end(route) {
      sockets?.control.end(route);
    },

    endPeersOf(key) {
      for (const socket of Object.values(sockets ?? {})) socket.endPeersOf(key);
    },

    publish(topic, frame) {
      if (!stopping) sockets?.events.publish(topic, frame);
    },

    isWanted: (topic) => sockets?.events.isWanted(topic) ?? false,

    gauges: () =>
      sockets
        ? {
            control: sockets.control.gauges(),
            outputs: sockets.outputs.gauges(),
            events: sockets.events.gauges(),
          }
        : NO_GAUGES,

    stop() {
      stopping ??= closeAll(sockets);
      return stopping;
    },
  };
}

/** Binds, and answers with the endpoint as bound, with the real port. */
async function bind(option: string, socket: Sockets[keyof Sockets], endpoint: string): Promise<string> {
  const [, host, port] = /^tcp:\/\/(\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(endpoint) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw badEndpoint(option, endpoint, new Error('it is not of the form tcp://HOST:PORT'));
  try {
    const bound = await socket.bind(host === '*' ? '0.0.0.0' : host.replace(/^\[|\]$/g, ''), Number(port));
    return `tcp://${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw badEndpoint(option, endpoint, error);
    throw new TuttiError('port_in_use', `${option}: ${endpoint} is already in use`, {
      hint: `stop the program that listens there, or give another port for ${option} (0 takes a free one)`,
      cause: error,
    });
  }
}

async function closeAll(sockets: Sockets | undefined): Promise<void> {
  await Promise.all([sockets?.control.close(), sockets?.outputs.close(), sockets?.events.close()]);
}
