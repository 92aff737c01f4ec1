/**
 * The control socket: what a ROUTER of libzmq does, for DEALERs of any implementation.
 *
 * libzmq lets a peer choose the name by which it is routed to: a peer that takes another's gets what is meant for it, and a peer
 * that takes the name that comes next ends the process by a failed assertion. Here a route is one connection, and the peer has no
 * say in it.
 */
import { MAX_HELLO_BYTES } from '../../model/limits.js';
import type { BusGauges, OrchestratorBusHandlers, Route } from '../bus.js';
import type { Connection } from './connection.js';
import { Message } from './frames.js';
import { ServerSocket, type SocketOptions, type SocketRole } from './server-socket.js';

/** An honest node is answered within milliseconds, and dials again if not. */
const HELLO_MS = 10_000;
/** A node that connects again first sends what had waited for the connection, all of which is left unread. */
const MAX_UNREGISTERED_MESSAGES = 4_096;
const MAX_UNREGISTERED_BYTES = 4 * 1024 * 1024;

export type ControlHandlers = Pick<
  OrchestratorBusHandlers,
  'onControl' | 'onMalformed' | 'onUnreachable' | 'onDisconnect' | 'onCut'
>;

/**
 * Only a DEALER can be told something at any time: a REQ would stay mute after its first message, and a ROUTER needs to be
 * named.
 */
const ROLE: SocketRole = {
  name: 'control',
  type: 'ROUTER',
  peers: ['DEALER'],
  frames: 1,
  unregistered: {
    maxFrameBytes: MAX_HELLO_BYTES,
    maxMessages: MAX_UNREGISTERED_MESSAGES,
    maxBytes: MAX_UNREGISTERED_BYTES,
    deadlineMs: HELLO_MS,
  },
};

export class ControlSocket extends ServerSocket {
  readonly #to: ControlHandlers;
  readonly #routes = new Map<Route, Connection>();

  constructor(options: SocketOptions, handlers: ControlHandlers) {
    super(ROLE, options, handlers);
    this.#to = handlers;
  }

  send(route: Route, frame: Uint8Array): void {
    const connection = this.#routes.get(route);
    if (connection && this.offer(connection, new Message(frame))) return;
    // A caller is never called back from within its own call.
    queueMicrotask(() => this.#to.onUnreachable(route));
  }

  admit(route: Route): void {
    const connection = this.#routes.get(route);
    if (connection) this.accept(connection);
  }

  end(route: Route): void {
    const connection = this.#routes.get(route);
    if (connection) this.dismiss(connection);
  }

  gauges(): BusGauges['control'] {
    return this.counts();
  }

  protected override onReady(connection: Connection): void {
    this.#routes.set(connection.route, connection);
  }

  protected override onMessage(connection: Connection, [frame]: readonly Uint8Array[]): void | Promise<void> {
    return this.#to.onControl(connection.route, frame!, connection);
  }

  protected override onMalformed({ route }: Connection): void {
    this.#to.onMalformed('control', route);
  }

  protected override onCommand(): void {}

  protected override onEnd({ route, isKnown, messages }: Connection): void {
    this.#routes.delete(route);
    // A connection without a frame was never reported.
    if (isKnown || messages > 0) this.#to.onDisconnect(route);
  }
}
