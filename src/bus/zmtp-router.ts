/**
 * The control socket: what a ROUTER of libzmq does, over connections of our own, for DEALERs of any implementation (ZMTP 3, mechanism NULL).
 *
 * libzmq lets a peer choose the name by which it is routed to: whoever takes another's gets what is meant for it, and whoever takes
 * the one that comes next ends the process by a failed assertion. Here a route is one connection, and the peer has no say in it.
 *
 * 1. A send never waits and never throws. Each peer has its own bounded queue; one that is full or gone is reported and delays nobody else.
 * 2. A handler that returns a promise stops the reading of all connections until it settles.
 * 3. A peer that sends more than `maxFrameBytes` in a frame, or what is no ZMTP, loses its connection.
 * 4. A connection whose peer is gone without a word is found by pings. While nothing is read, nobody is cut off for not answering.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { BusGauges, Route } from './bus.js';
import { GREETING, Incoming, PING, pongTo, READY, wrapped } from './zmtp-frames.js';

export interface ZmtpRouterHandlers {
  /** A message of one frame. */
  onFrame(route: Route, frame: Uint8Array): void | Promise<void>;
  /** A message of several. */
  onMalformed(route: Route): void;
  onUnreachable(route: Route): void;
  onDisconnect(): void;
  /** A connection ended since its peer did not speak ZMTP, or sent too large a frame. */
  onStranger(why: string): void;
}

export interface ZmtpRouterOptions {
  readonly maxFrameBytes: number;
  readonly lingerMs: number;
  /** Frames that may wait for one peer. */
  readonly queueFrames: number;
  readonly pingIntervalMs: number;
  /** A peer that is silent for so long has lost its connection. */
  readonly silenceMs: number;
}

/** An honest peer greets within milliseconds. */
const HANDSHAKE_MS = 10_000;
/** Far above any fleet; below what a process may have open. */
const MAX_CONNECTIONS = 16_384;
/** Of one peer, beside its frames' number: what waits for a peer that does not read. */
const QUEUE_BYTES = 64 * 1024 * 1024;
/** A peer that pings and pings, and reads no answers, gets none. */
const PONG_QUEUE_BYTES = 64 * 1024;
/** Of all peers together: begun frames, and what came before a pause took effect. */
const HELD_BYTES = 512 * 1024 * 1024;

interface Connection {
  readonly route: Route;
  readonly socket: Socket;
  readonly incoming: Incoming;
  readonly openedMs: number;
  isReady: boolean;
  /** Frames that wait to be taken by the system. */
  queued: number;
  heardMs: number;
}

export class ZmtpRouter {
  readonly #options: ZmtpRouterOptions;
  readonly #handlers: ZmtpRouterHandlers;
  readonly #connections = new Map<Route, Connection>();
  readonly #server: Server;
  #accepted = 0;
  #paused = false;
  #closing = false;
  #heldBytes = 0;
  #pinging: NodeJS.Timeout | undefined;

  constructor(options: ZmtpRouterOptions, handlers: ZmtpRouterHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
    // One that could not be accepted, since too much is open: there will be another.
    this.#server.on('error', () => {});
  }

  /** Rejects as `net.Server.listen` does. Resolves to the port. */
  async bind(host: string, port: number): Promise<{ readonly address: string; readonly port: number }> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#pinging = setInterval(() => this.#ping(), this.#options.pingIntervalMs);
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP socket has an address');
    return { address: bound.address, port: bound.port };
  }

  send(route: Route, frame: Uint8Array): void {
    const connection = this.#connections.get(route);
    const { queueFrames } = this.#options;
    if (
      !connection?.isReady ||
      connection.queued >= queueFrames ||
      connection.socket.writableLength > QUEUE_BYTES
    ) {
      // Whoever sends is never called back from within.
      queueMicrotask(() => this.#handlers.onUnreachable(route));
      return;
    }
    connection.queued += 1;
    const sent = (): void => {
      connection.queued -= 1;
    };
    const { socket } = connection;
    const parts = wrapped(frame);
    if (parts.length === 1) socket.write(parts[0]!, sent);
    else {
      socket.cork();
      socket.write(parts[0]!);
      socket.write(parts[1]!, sent);
      socket.uncork();
    }
  }

  gauges(): BusGauges {
    let queuedFrames = 0;
    for (const { queued } of this.#connections.values()) queuedFrames += queued;
    return { connections: this.#connections.size, queuedFrames, heldBytes: this.#heldBytes };
  }

  /** What was sent is handed over first, for at most the linger. Idempotent. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#pinging);
    const closed = this.#server.listening ? once(this.#server, 'close') : Promise.resolve();
    this.#server.close();
    for (const { socket } of this.#connections.values()) {
      socket.pause();
      socket.end(() => socket.destroy());
    }
    const cut = setTimeout(() => {
      for (const { socket } of this.#connections.values()) socket.destroy();
    }, this.#options.lingerMs);
    await closed;
    clearTimeout(cut);
  }

  #accept(socket: Socket): void {
    this.#accepted += 1;
    const route = `${this.#accepted}@${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
    const now = performance.now();
    const connection: Connection = {
      ...{ route, socket, openedMs: now, isReady: false, queued: 0, heardMs: now },
      incoming: new Incoming(this.#options.maxFrameBytes),
    };
    this.#connections.set(route, connection);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#connections.delete(route);
      this.#heldBytes -= connection.incoming.size;
      if (connection.isReady) this.#handlers.onDisconnect();
    });
    socket.on('data', (bytes) => {
      connection.heardMs = performance.now();
      connection.incoming.push(bytes);
      this.#heldBytes += bytes.length;
      this.#read(connection);
      if (this.#heldBytes <= HELD_BYTES) return;
      this.#handlers.onStranger('too many frames were begun at once');
      socket.destroy();
    });
    socket.write(GREETING);
    if (this.#paused) socket.pause();
  }

  /** Takes what is complete, until a handler asks for a pause. */
  #read(connection: Connection): void {
    const { incoming, route, socket } = connection;
    while (!this.#paused && !this.#closing && !socket.destroyed) {
      const before = incoming.size;
      const part = incoming.next();
      this.#heldBytes -= before - incoming.size;
      switch (part.kind) {
        case 'incomplete':
          return;
        case 'greeting':
          socket.write(READY);
          break;
        case 'ready':
          connection.isReady = true;
          break;
        case 'ping':
          if (socket.writableLength < PONG_QUEUE_BYTES) socket.write(pongTo(part.context));
          break;
        case 'ignored':
          break;
        case 'several':
          this.#handlers.onMalformed(route);
          break;
        case 'message': {
          const paused = this.#handlers.onFrame(route, part.frame);
          if (paused) this.#pauseUntil(paused);
          break;
        }
        case 'broken':
          this.#handlers.onStranger(part.why);
          socket.destroy();
          return;
        default:
          part satisfies never;
      }
    }
  }

  #pauseUntil(settled: Promise<void>): void {
    this.#paused = true;
    for (const { socket } of this.#connections.values()) socket.pause();
    const resume = (): void => {
      this.#paused = false;
      const now = performance.now();
      for (const connection of this.#connections.values()) {
        connection.heardMs = now;
        this.#read(connection);
        if (this.#paused) return;
      }
      for (const { socket } of this.#connections.values()) socket.resume();
    };
    settled.then(resume, resume);
  }

  #ping(): void {
    if (this.#paused) return;
    const now = performance.now();
    for (const { socket, isReady, heardMs, openedMs, queued } of this.#connections.values()) {
      const isLate = !isReady && now - openedMs > HANDSHAKE_MS;
      if (isLate) this.#handlers.onStranger('it did not greet in time');
      if (isLate || now - heardMs > this.#options.silenceMs) socket.destroy();
      else if (isReady && queued === 0) socket.write(PING);
    }
  }
}
