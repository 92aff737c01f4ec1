/**
 * The control socket: what a ROUTER of libzmq does, for DEALERs of any implementation.
 *
 * libzmq lets a peer choose the name by which it is routed to: whoever takes another's gets what is meant for it, and whoever takes
 * the one that comes next ends the process by a failed assertion. Here a route is one connection, and the peer has no say in it.
 */
import { MAX_HELLO_BYTES } from '../model/limits.js';
import type { BusGauges, CutCode, Peer, Route } from './bus.js';
import { wrapped } from './zmtp-frames.js';
import { type Connection, type ZmtpOptions, type ZmtpRole, ZmtpServer } from './zmtp-server.js';

/** An honest node is answered within milliseconds, and dials again if not. */
const HELLO_MS = 10_000;
/** A node that connects again first sends what had waited for the connection, all of which is left unread. */
const MAX_STRANGER_MESSAGES = 4_096;
const MAX_STRANGER_BYTES = 4 * 1024 * 1024;

export interface ZmtpRouterHandlers {
  /** A message of one frame. */
  onFrame(route: Route, frame: Uint8Array, peer: Peer): void | Promise<void>;
  /** A message of several. */
  onMalformed(route: Route): void;
  onUnreachable(route: Route): void;
  onDisconnect(route: Route): void;
  /** A connection was ended because of the behaviour of its peer at this address. */
  onStranger(code: CutCode, why: string, peer: string): void;
}

/** Only a DEALER can be told something at any time: a REQ would stay mute after its first message, and a ROUTER needs to be named. */
const ROLE: ZmtpRole = {
  type: 'ROUTER',
  peers: ['DEALER'],
  frames: 1,
  strangers: {
    maxFrameBytes: MAX_HELLO_BYTES,
    maxMessages: MAX_STRANGER_MESSAGES,
    maxBytes: MAX_STRANGER_BYTES,
    deadlineMs: HELLO_MS,
  },
};

export class ZmtpRouter {
  readonly #handlers: ZmtpRouterHandlers;
  readonly #server: ZmtpServer;
  readonly #routes = new Map<Route, Connection>();

  constructor(options: ZmtpOptions, handlers: ZmtpRouterHandlers) {
    this.#handlers = handlers;
    this.#server = new ZmtpServer(ROLE, options, {
      onReady: (connection) => void this.#routes.set(connection.route, connection),
      onMessage: (connection, [frame]) => handlers.onFrame(connection.route, frame!, connection),
      onMalformed: ({ route }) => handlers.onMalformed(route),
      onCommand: () => {},
      onEnd: ({ route, isKnown, messages }) => {
        this.#routes.delete(route);
        // A connection without a frame was never reported.
        if (isKnown || messages > 0) handlers.onDisconnect(route);
      },
      onStranger: (code, why, peer) => handlers.onStranger(code, why, peer),
    });
  }

  bind(host: string, port: number): ReturnType<ZmtpServer['bind']> {
    return this.#server.bind(host, port);
  }

  send(route: Route, frame: Uint8Array): void {
    const connection = this.#routes.get(route);
    if (connection && this.#server.send(connection, wrapped(frame))) return;
    // Whoever sends is never called back from within.
    queueMicrotask(() => this.#handlers.onUnreachable(route));
  }

  admit(route: Route): void {
    const connection = this.#routes.get(route);
    if (connection) this.#server.admit(connection);
  }

  end(route: Route): void {
    const connection = this.#routes.get(route);
    if (connection) this.#server.end(connection);
  }

  gauges(): BusGauges['control'] {
    const { connections, strangers, queuedFrames, heldBytes } = this.#server;
    return { connections, strangers, queuedFrames, heldBytes };
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
