/**
 * The control socket: what a ROUTER of libzmq does, for DEALERs of any implementation.
 *
 * libzmq lets a peer choose the name by which it is routed to: whoever takes another's gets what is meant for it, and whoever takes
 * the one that comes next ends the process by a failed assertion. Here a route is one connection, and the peer has no say in it.
 */
import type { BusGauges, Route } from './bus.js';
import { wrapped } from './zmtp-frames.js';
import { type Connection, type ZmtpOptions, type ZmtpRole, ZmtpServer } from './zmtp-server.js';

export interface ZmtpRouterHandlers {
  /** A message of one frame. */
  onFrame(route: Route, frame: Uint8Array): void | Promise<void>;
  /** A message of several. */
  onMalformed(route: Route): void;
  onUnreachable(route: Route): void;
  onDisconnect(): void;
  /** A connection was ended for what its peer, at this address, did. */
  onStranger(why: string, peer: string): void;
}

const ROLE: ZmtpRole = { type: 'ROUTER', peers: ['DEALER', 'REQ', 'ROUTER'], frames: 1 };

export class ZmtpRouter {
  readonly #handlers: ZmtpRouterHandlers;
  readonly #server: ZmtpServer;
  readonly #routes = new Map<Route, Connection>();

  constructor(options: ZmtpOptions, handlers: ZmtpRouterHandlers) {
    this.#handlers = handlers;
    this.#server = new ZmtpServer(ROLE, options, {
      onReady: (connection) => void this.#routes.set(connection.name, connection),
      onMessage: ({ name }, [frame]) => handlers.onFrame(name, frame!),
      onMalformed: ({ name }) => handlers.onMalformed(name),
      onCommand: () => {},
      onEnd: ({ name }) => {
        this.#routes.delete(name);
        handlers.onDisconnect();
      },
      onStranger: (why, peer) => handlers.onStranger(why, peer),
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

  gauges(): BusGauges['control'] {
    const { connections, queuedFrames, heldBytes } = this.#server;
    return { connections, queuedFrames, heldBytes };
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
