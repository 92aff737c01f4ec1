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
 * 5. A peer is a stranger until it is admitted. Strangers are few, a new one replaces the oldest, and admitted peers are never replaced.
 *    Where peers have to register, a stranger has a deadline for it, and may send little until then.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { CutCode, Peer, Route } from './bus.js';
import type { ConnectionLimits } from './connection-limits.js';
import { Strangers } from './strangers.js';
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
  readonly limits: ConnectionLimits;
  /** Every peer is known as soon as it is ready. */
  readonly admitsAll: boolean;
}

/** The part that a socket plays: what it is, whom it talks to, and of how many frames a message is. */
export interface ZmtpRole extends Pick<IncomingOptions, 'peers' | 'frames'> {
  readonly type: 'ROUTER' | 'SUB' | 'XPUB';
  /** The limits of a peer before it is admitted, where peers have to register. */
  readonly strangers?: {
    readonly maxFrameBytes: number;
    readonly maxMessages: number;
    /** Of all its messages together. */
    readonly maxBytes: number;
    readonly deadlineMs: number;
  };
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
  /** A connection was ended because of the behaviour of its peer at this address. */
  onStranger(code: CutCode, why: string, peer: string): void;
}

/** An honest peer greets within milliseconds. */
const HANDSHAKE_MS = 10_000;
/** How often strangers past their deadline are ended. */
const DEADLINES_MS = 1_000;
/** How long a peer may take to read its last frames before its connection ends in any case. */
const FAREWELL_MS = 1_000;
/** Of all peers together: begun frames, and what came before a pause took effect. */
const HELD_BYTES = 512 * 1024 * 1024;

/** One connection of a peer; a reconnect is another. */
export interface Connection extends Peer {
  /** Its number, and where it came from. */
  readonly route: Route;
  /** Where it came from: a socket that has ended does not tell any more. */
  readonly address: string;
  readonly socket: Socket;
  readonly incoming: Incoming;
  /** When it could begin to greet. */
  openedMs: number;
  isReady: boolean;
  isKnown: boolean;
  /** It only receives the frames that were sent before; its own frames are ignored. */
  isEnding: boolean;
  /** While it is a stranger: messages, and their bytes. */
  messages: number;
  messageBytes: number;
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
  readonly #strangers: Strangers<Connection>;
  readonly #server: Server;
  #accepted = 0;
  #paused = false;
  #closing = false;
  #heldBytes = 0;
  readonly #queued = { bytes: 0 };
  #pinging: NodeJS.Timeout | undefined;
  #deadlines: NodeJS.Timeout | undefined;

  constructor(role: ZmtpRole, options: ZmtpOptions, handlers: ZmtpServerHandlers) {
    this.#role = role;
    this.#options = options;
    this.#handlers = handlers;
    this.#ready = readyOf(role.type);
    this.#strangers = new Strangers(options.limits);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    // One that could not be accepted, since too much is open: there will be another.
    this.#server.on('error', () => {});
  }

  /** Rejects as `net.Server.listen` does. Resolves to the address. */
  async bind(host: string, port: number): Promise<{ readonly address: string; readonly port: number }> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#pinging = setInterval(() => this.#ping(), this.#options.pingIntervalMs);
    this.#deadlines = setInterval(() => this.#endLate(), DEADLINES_MS);
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP socket has an address');
    return { address: bound.address, port: bound.port };
  }

  /** Queues a message, unless too much waits for this peer already, or it is gone. Returns whether it did. */
  send({ isReady, socket, outgoing }: Connection, message: Message): boolean {
    return isReady && !socket.destroyed && !this.#closing && outgoing.offer(message);
  }

  /** Likewise, to leave with the next `flush` of the connection. */
  put({ isReady, socket, outgoing }: Connection, message: Message): boolean {
    return isReady && !socket.destroyed && !this.#closing && outgoing.put(message);
  }

  /** Ends a connection because of its peer's behaviour. */
  refuse(connection: Connection, why: string, code: CutCode = 'bad_frame'): void {
    this.#handlers.onStranger(code, why, connection.address);
    this.#end(connection);
  }

  /** From now on the peer is known: it may send what everybody may, and stays. */
  admit(connection: Connection): void {
    connection.isKnown = true;
    connection.incoming.maxFrameBytes = this.#options.maxFrameBytes;
    this.#strangers.delete(connection);
  }

  /** Ends a connection once its peer has read what was sent to it, or has had the time to. */
  end(connection: Connection): void {
    if (connection.isEnding) return;
    connection.isEnding = true;
    connection.isReady = false;
    this.#forget(connection);
    connection.outgoing.end();
    // Reading goes on: closing with unread bytes would discard the last frames to the peer.
    setTimeout(() => connection.socket.destroy(), FAREWELL_MS).unref();
  }

  get strangers(): number {
    return this.#strangers.count;
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
    clearInterval(this.#deadlines);
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
    const address = socket.remoteAddress ?? '';
    socket.on('error', () => socket.destroy());
    if (!this.#makeRoom(address)) {
      this.#handlers.onStranger(
        'too_many_connections',
        'all connections are in use by registered peers',
        address,
      );
      socket.destroy();
      return;
    }
    const connection = this.#connectionOf(socket, address);
    this.#connections.add(connection);
    this.#strangers.add(connection);
    socket.on('close', () => {
      this.#end(connection);
      this.#connections.delete(connection);
      this.#strangers.delete(connection);
      if (connection.isReady || connection.isEnding) this.#handlers.onEnd(connection);
    });
    socket.on('data', (bytes) => this.#hear(connection, bytes));
    connection.outgoing.say(GREETING);
    if (this.#paused) socket.pause();
  }

  /** Whether there is room for one more, which the oldest stranger may have made. */
  #makeRoom(address: string): boolean {
    const victim = this.#strangers.victim(address, this.#connections.size);
    if (victim) {
      this.refuse(victim, 'a newer connection took its place', 'too_many_connections');
      this.#connections.delete(victim);
      this.#strangers.delete(victim);
    }
    return this.#connections.size < this.#options.limits.connections;
  }

  #connectionOf(socket: Socket, address: string): Connection {
    this.#accepted += 1;
    const { maxFrameBytes, queueFrames } = this.#options;
    const { type, frames, peers, strangers } = this.#role;
    const now = performance.now();
    const connection: Connection = {
      ...{ route: `${type}-${this.#accepted}@${address}:${socket.remotePort ?? ''}`, address, socket },
      ...{ openedMs: now, isReady: false, isKnown: false, isEnding: false },
      ...{ messages: 0, messageBytes: 0, heardMs: now },
      incoming: new Incoming({
        ...{ frames, peers },
        maxFrameBytes: Math.min(maxFrameBytes, strangers?.maxFrameBytes ?? maxFrameBytes),
      }),
      outgoing: new Outgoing(socket, {
        ...{ queueFrames, total: this.#queued },
        onTaken: () => {
          connection.heardMs = performance.now();
        },
      }),
    };
    return connection;
  }

  #hear(connection: Connection, bytes: Buffer): void {
    if (connection.isEnding) return;
    connection.heardMs = performance.now();
    connection.incoming.push(bytes);
    this.#heldBytes += bytes.length;
    this.#read(connection);
    if (this.#heldBytes > HELD_BYTES) this.refuse(this.#largest(), 'too many frames were begun at once');
  }

  /** The connection that makes us hold the most. */
  #largest(): Connection {
    return [...this.#connections].reduce((largest, other) =>
      other.incoming.size > largest.incoming.size ? other : largest,
    );
  }

  #end(connection: Connection): void {
    connection.socket.destroy();
    connection.outgoing.clear();
    this.#forget(connection);
  }

  /** Releases the bytes that it has sent. */
  #forget({ incoming }: Connection): void {
    this.#heldBytes -= incoming.size;
    incoming.clear();
  }

  /** Whether a stranger has said as much as it may before it is admitted. */
  #isTalkative(connection: Connection, frames: readonly Uint8Array[]): boolean {
    const { strangers } = this.#role;
    if (connection.isKnown || strangers === undefined) return false;
    connection.messages += 1;
    for (const frame of frames) connection.messageBytes += frame.byteLength;
    return connection.messages > strangers.maxMessages || connection.messageBytes > strangers.maxBytes;
  }

  /** Takes what is complete, until a handler asks for a pause. */
  #read(connection: Connection): void {
    const { incoming, outgoing, socket } = connection;
    while (!this.#paused && !this.#closing && !socket.destroyed && !connection.isEnding) {
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
          if (this.#options.admitsAll) this.admit(connection);
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
        case 'message': {
          if (this.#isTalkative(connection, part.kind === 'message' ? part.frames : [])) {
            const { messages, messageBytes } = connection;
            this.refuse(connection, `${messages} messages of ${messageBytes} bytes before it registered`);
            return;
          }
          if (part.kind === 'malformed') {
            this.#handlers.onMalformed(connection);
            break;
          }
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
      const { outgoing, isReady, heardMs } = connection;
      if (now - heardMs > this.#options.silenceMs) this.#end(connection);
      else if (outgoing.stuckMs(now) > this.#options.silenceMs)
        this.refuse(connection, 'it did not read the frames that wait for it', 'not_reading');
      else if (isReady) outgoing.say(PING);
    }
  }

  /** Ends strangers past their deadline, in order of arrival. */
  #endLate(): void {
    if (this.#paused) return;
    const now = performance.now();
    const helloMs = this.#role.strangers?.deadlineMs ?? Number.POSITIVE_INFINITY;
    for (const connection of this.#strangers) {
      const ageMs = now - connection.openedMs;
      if (ageMs <= HANDSHAKE_MS && ageMs <= helloMs) return;
      if (!connection.isReady) this.refuse(connection, 'it did not greet in time', 'no_hello');
      else if (ageMs > helloMs) this.refuse(connection, 'it did not register in time', 'no_hello');
    }
  }
}
