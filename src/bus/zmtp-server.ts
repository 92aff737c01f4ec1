/**
 * What the orchestrator's three sockets have in common: connections of peers of any implementation of ZeroMQ (ZMTP 3, mechanism NULL), bounded
 * in all that they can make us hold. libzmq bounds its queues by a number of frames of any size, and what it keeps of a
 * subscription not at all.
 *
 * 1. A send never waits and never throws. Each peer has its own bounded queue; one that is full or gone takes nothing and delays nobody else.
 * 2. A handler that returns a promise stops the reading of all connections until it settles: what comes meanwhile stays with its sender,
 *    but for a piece of some kilobytes each.
 * 3. A peer that sends more than `maxFrameBytes` in a frame, or what is no ZMTP, loses its connection.
 * 4. A connection whose peer is gone without a word is found by pings. While nothing is read, nobody is cut off for not answering.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { GREETING, PING, pongTo, readyOf } from './zmtp-frames.js';
import { Incoming, type IncomingOptions } from './zmtp-incoming.js';
import { type Message, Outgoing } from './zmtp-outgoing.js';

export interface ZmtpOptions {
  readonly maxFrameBytes: number;
  readonly lingerMs: number;
  /** Frames that may wait for one peer. */
  readonly queueFrames: number;
  readonly pingIntervalMs: number;
  /** A peer that is silent for so long has lost its connection. */
  readonly silenceMs: number;
}

/** The part that a socket plays: what it is, whom it talks to, and of how many frames a message is. */
export interface ZmtpRole extends Pick<IncomingOptions, 'peers' | 'frames'> {
  readonly type: 'ROUTER' | 'SUB' | 'XPUB';
}

export interface ZmtpServerHandlers {
  /** The peer has introduced itself. */
  onReady(connection: Connection): void;
  onMessage(connection: Connection, frames: readonly Uint8Array[]): void | Promise<void>;
  /** A message of more or fewer frames. */
  onMalformed(connection: Connection): void;
  /** A command other than those that keep the connection. */
  onCommand(connection: Connection, name: string, data: Uint8Array): void;
  /** A connection that was ready is no more. */
  onEnd(connection: Connection): void;
  /** A connection was ended for what its peer, at this address, did. */
  onStranger(why: string, peer: string): void;
}

/** An honest peer greets within milliseconds. */
const HANDSHAKE_MS = 10_000;
/** Far above any fleet; below what a process may have open. */
const MAX_CONNECTIONS = 16_384;
/** Of all peers together: begun frames, and what came before a pause took effect. */
const HELD_BYTES = 512 * 1024 * 1024;

/** One connection of a peer; a reconnect is another. */
export interface Connection {
  /** Its number, and where it came from. */
  readonly name: string;
  /** Where it came from: a socket that has ended does not tell any more. */
  readonly address: string;
  readonly socket: Socket;
  readonly incoming: Incoming;
  /** When it could begin to greet. */
  openedMs: number;
  isReady: boolean;
  readonly outgoing: Outgoing;
  /** The last sign of life. */
  heardMs: number;
}

export class ZmtpServer {
  readonly #options: ZmtpOptions;
  readonly #role: ZmtpRole;
  readonly #handlers: ZmtpServerHandlers;
  readonly #ready: Buffer;
  readonly #connections = new Set<Connection>();
  readonly #server: Server;
  #accepted = 0;
  #paused = false;
  #closing = false;
  #heldBytes = 0;
  readonly #queued = { bytes: 0 };
  #pinging: NodeJS.Timeout | undefined;

  constructor(role: ZmtpRole, options: ZmtpOptions, handlers: ZmtpServerHandlers) {
    this.#role = role;
    this.#options = options;
    this.#handlers = handlers;
    this.#ready = readyOf(role.type);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
    // One that could not be accepted, since too much is open: there will be another.
    this.#server.on('error', () => {});
  }

  /** Rejects as `net.Server.listen` does. Resolves to the address. */
  async bind(host: string, port: number): Promise<{ readonly address: string; readonly port: number }> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#pinging = setInterval(() => this.#ping(), this.#options.pingIntervalMs);
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP socket has an address');
    return { address: bound.address, port: bound.port };
  }

  /** Queues a message, unless too much waits for this peer already, or it is gone. Returns whether it did. */
  send({ isReady, socket, outgoing }: Connection, message: Message): boolean {
    return isReady && !socket.destroyed && !this.#closing && outgoing.offer(message);
  }

  /** Ends a connection for what its peer did. */
  refuse(connection: Connection, why: string): void {
    this.#handlers.onStranger(why, connection.address);
    this.#end(connection);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Messages that wait for their peers. */
  get queuedFrames(): number {
    let queued = 0;
    for (const { outgoing } of this.#connections) queued += outgoing.length;
    return queued;
  }

  /** Bytes that have come and were not handed on. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What was sent is handed over first, for at most the linger. Idempotent. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#pinging);
    const closed = this.#server.listening ? once(this.#server, 'close') : Promise.resolve();
    this.#server.close();
    for (const { socket, outgoing } of this.#connections) {
      socket.pause();
      outgoing.end();
    }
    const cut = setTimeout(() => {
      for (const { socket } of this.#connections) socket.destroy();
    }, this.#options.lingerMs);
    await closed;
    clearTimeout(cut);
  }

  #accept(socket: Socket): void {
    this.#accepted += 1;
    const { maxFrameBytes, queueFrames } = this.#options;
    const { frames, peers } = this.#role;
    const now = performance.now();
    const address = socket.remoteAddress ?? '';
    const connection: Connection = {
      ...{ name: `${this.#accepted}@${address}:${socket.remotePort ?? ''}`, address, socket },
      ...{ openedMs: now, isReady: false, heardMs: now },
      incoming: new Incoming({ maxFrameBytes, frames, peers }),
      outgoing: new Outgoing(socket, {
        ...{ queueFrames, total: this.#queued },
        onTaken: () => {
          connection.heardMs = performance.now();
        },
      }),
    };
    this.#connections.add(connection);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#end(connection);
      this.#connections.delete(connection);
      if (connection.isReady) this.#handlers.onEnd(connection);
    });
    socket.on('data', (bytes) => {
      connection.heardMs = performance.now();
      connection.incoming.push(bytes);
      this.#heldBytes += bytes.length;
      this.#read(connection);
      if (this.#heldBytes > HELD_BYTES) this.refuse(this.#largest(), 'too many frames were begun at once');
    });
    connection.outgoing.say(GREETING);
    if (this.#paused) socket.pause();
  }

  /** The connection that makes us hold the most. */
  #largest(): Connection {
    return [...this.#connections].reduce((largest, other) =>
      other.incoming.size > largest.incoming.size ? other : largest,
    );
  }

  #end({ socket, incoming, outgoing }: Connection): void {
    socket.destroy();
    outgoing.clear();
    this.#heldBytes -= incoming.size;
    incoming.clear();
  }

  /** Takes what is complete, until a handler asks for a pause. */
  #read(connection: Connection): void {
    const { incoming, outgoing, socket } = connection;
    while (!this.#paused && !this.#closing && !socket.destroyed) {
      const before = incoming.size;
      const part = incoming.next();
      this.#heldBytes -= before - incoming.size;
      switch (part.kind) {
        case 'incomplete':
          return;
        case 'greeting':
          outgoing.say(this.#ready);
          break;
        case 'ready':
          connection.isReady = true;
          this.#handlers.onReady(connection);
          break;
        case 'ping':
          outgoing.say(pongTo(part.context));
          break;
        case 'command':
          this.#handlers.onCommand(connection, part.name, part.data);
          break;
        case 'more':
          break;
        case 'malformed':
          this.#handlers.onMalformed(connection);
          break;
        case 'message': {
          const paused = this.#handlers.onMessage(connection, part.frames);
          if (paused) this.#pauseUntil(paused);
          break;
        }
        case 'broken':
          this.refuse(connection, part.why);
          return;
        default:
          part satisfies never;
      }
    }
  }

  #pauseUntil(settled: Promise<void>): void {
    this.#paused = true;
    for (const { socket } of this.#connections) socket.pause();
    const resume = (): void => {
      this.#paused = false;
      const now = performance.now();
      for (const connection of this.#connections) {
        connection.heardMs = now;
        connection.openedMs = now;
        this.#read(connection);
        if (this.#paused) return;
      }
      for (const { socket } of this.#connections) socket.resume();
    };
    settled.then(resume, resume);
  }

  #ping(): void {
    if (this.#paused) return;
    const now = performance.now();
    for (const connection of this.#connections) {
      const { outgoing, isReady, heardMs, openedMs } = connection;
      if (!isReady && now - openedMs > HANDSHAKE_MS) this.refuse(connection, 'it did not greet in time');
      else if (now - heardMs > this.#options.silenceMs) this.#end(connection);
      else if (isReady) outgoing.say(PING);
    }
  }
}
