/**
 * The common part of the orchestrator's three sockets: connections of peers of any implementation of ZeroMQ (ZMTP 3), bounded in
 * all that they can make us hold. libzmq bounds its queues by a number of frames of any size, and its subscriptions not at all.
 *
 * 1. A send never waits and never throws. Each peer has its own bounded queue; one that is full or gone takes nothing and delays
 *    nobody else.
 * 2. A handler that returns a promise stops the reading of all connections until it settles: what comes meanwhile stays with its
 *    sender, except for a piece of some kilobytes each.
 * 3. A peer that sends more than `maxFrameBytes` in a frame, or does not speak ZMTP, loses its connection.
 * 4. A connection whose peer is gone without a word is found by pings. While nothing is read, nobody is cut off for not answering.
 * 5. A peer is unregistered until it is admitted. Unregistered peers are few, a new one replaces the oldest, and admitted peers are
 *    never replaced. Where peers have to register, an unregistered one has a deadline for it, and may send little until then.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { CutCode, OrchestratorBusHandlers } from '../bus.js';
import { Connection, type UnregisteredLimits } from './connection.js';
import type { ConnectionLimits, SocketName } from './connection-limits.js';
import { type CurveOptions, curveMechanism } from './curve.js';
import type { Message } from './frames.js';
import type { HandshakeTurns } from './handshake-turns.js';
import type { Part } from './incoming.js';
import { type MechanismOfSocket, nullMechanism } from './mechanism.js';
import { Unregistered } from './unregistered.js';

/** CURVE on a socket, and nothing else. */
export interface SocketSecurity extends CurveOptions {
  /** Whether a peer that has proved to hold this key (Z85) may use this socket. Another one is told nothing. */
  readonly admits: (key: string, socket: SocketName) => boolean;
  /** Shared by the sockets. */
  readonly turns: HandshakeTurns;
}

export interface SocketOptions {
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
  /** @default NULL: anybody may connect, and everything is in the clear */
  readonly security?: SocketSecurity | undefined;
}

/** The type of a socket, the types of its peers, and the number of frames in a message. */
export interface SocketRole {
  readonly name: SocketName;
  readonly type: 'ROUTER' | 'SUB' | 'XPUB';
  readonly peers: readonly string[];
  readonly frames: number;
  /** The limits of a peer before it is admitted, where peers have to register. */
  readonly unregistered?: UnregisteredLimits;
}

/** An honest peer introduces itself within milliseconds. */
const HANDSHAKE_MS = 10_000;
/** How often unregistered peers past their deadline are ended. */
const DEADLINES_MS = 1_000;
/** How long a peer may take to read its last frames before its connection ends in any case. */
const FAREWELL_MS = 1_000;
/** Of all peers together: frames that are not whole yet, and what came before a pause took effect. */
const HELD_BYTES = 512 * 1024 * 1024;

export abstract class ServerSocket {
  readonly #role: SocketRole;
  readonly #options: SocketOptions;
  readonly #handlers: Pick<OrchestratorBusHandlers, 'onCut'>;
  readonly #mechanism: MechanismOfSocket;
  readonly #connections = new Set<Connection>();
  readonly #unregistered: Unregistered<Connection>;
  readonly #server: Server;
  #accepted = 0;
  #paused = false;
  #closing = false;
  #heldBytes = 0;
  readonly #queued = { bytes: 0 };
  #pinging: NodeJS.Timeout | undefined;
  #deadlines: NodeJS.Timeout | undefined;

  constructor(role: SocketRole, options: SocketOptions, handlers: Pick<OrchestratorBusHandlers, 'onCut'>) {
    this.#role = role;
    this.#options = options;
    this.#handlers = handlers;
    this.#mechanism = options.security
      ? curveMechanism(role.type, options.security)
      : nullMechanism(role.type);
    this.#unregistered = new Unregistered(options.limits);
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    // One that could not be accepted, since too much is open: there will be another.
    this.#server.on('error', () => {});
  }

  /** The peer has introduced itself. */
  protected abstract onReady(connection: Connection): void;
  /** A promise stops the reading until it settles. */
  protected abstract onMessage(connection: Connection, frames: readonly Uint8Array[]): void | Promise<void>;
  /** A message of more or fewer frames than agreed. */
  protected abstract onMalformed(connection: Connection): void;
  /** A command other than those that keep the connection. */
  protected abstract onCommand(connection: Connection, name: string, data: Uint8Array): void;
  /** A connection that was ready has ended. */
  protected abstract onEnd(connection: Connection): void;

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

  /** First hands over the sent messages, for at most the linger. Idempotent. */
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

  /** Queues a message, unless too much waits for this peer already, or it is gone. Returns whether it did. */
  protected offer({ isReady, socket, outgoing }: Connection, message: Message): boolean {
    return isReady && !socket.destroyed && !this.#closing && outgoing.offer(message);
  }

  /** Likewise, to leave with the next `flush` of the connection. */
  protected put({ isReady, socket, outgoing }: Connection, message: Message): boolean {
    return isReady && !socket.destroyed && !this.#closing && outgoing.put(message);
  }

  /** Ends a connection because of its peer's behaviour. */
  protected cut(connection: Connection, why: string, code: CutCode = 'bad_frame'): void {
    this.#handlers.onCut(this.#role.name, code, why, connection.address);
    this.#end(connection);
  }

  /** From now on the peer is known: it may send what every node may, and stays. */
  protected accept(connection: Connection): void {
    connection.isKnown = true;
    connection.incoming.maxFrameBytes = this.#options.maxFrameBytes;
    this.#unregistered.delete(connection);
  }

  /** Ends a connection once its peer has read what was sent to it, or has had the time to. */
  protected dismiss(connection: Connection): void {
    if (connection.isEnding) return;
    connection.isEnding = true;
    connection.isReady = false;
    this.#release(connection);
    connection.outgoing.end();
    // Reading goes on: closing with unread bytes would discard the last frames to the peer.
    setTimeout(() => connection.socket.destroy(), FAREWELL_MS).unref();
  }

  /** Ends all connections of peers that have proved to hold this key. */
  endPeersOf(key: string): void {
    for (const connection of this.#connections) if (connection.key === key) this.#end(connection);
  }

  /** How many connections there are, what waits for them, and what is held of theirs. */
  protected counts(): {
    readonly connections: number;
    readonly unregistered: number;
    readonly queuedFrames: number;
    readonly heldBytes: number;
  } {
    let queuedFrames = 0;
    for (const { outgoing } of this.#connections) queuedFrames += outgoing.length;
    return {
      ...{ connections: this.#connections.size, unregistered: this.#unregistered.count },
      ...{ queuedFrames, heldBytes: this.#heldBytes },
    };
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    socket.on('error', () => socket.destroy());
    if (!this.#makeRoom(address)) {
      const why = 'all connections are in use by registered peers';
      this.#handlers.onCut(this.#role.name, 'too_many_connections', why, address);
      socket.destroy();
      return;
    }
    const connection = this.#connectionOf(socket, address);
    this.#connections.add(connection);
    this.#unregistered.add(connection);
    socket.on('close', () => {
      this.#end(connection);
      this.#connections.delete(connection);
      this.#unregistered.delete(connection);
      if (connection.isReady || connection.isEnding) this.onEnd(connection);
    });
    socket.on('data', (bytes) => this.#receive(connection, bytes));
    if (this.#paused) socket.pause();
  }

  /** Whether there is room for one more, which the oldest unregistered one may have made. */
  #makeRoom(address: string): boolean {
    const victim = this.#unregistered.victim(address, this.#connections.size);
    if (victim) {
      this.cut(victim, 'a newer connection took its place', 'too_many_connections');
      this.#connections.delete(victim);
      this.#unregistered.delete(victim);
    }
    return this.#connections.size < this.#options.limits.connections;
  }

  #connectionOf(socket: Socket, address: string): Connection {
    this.#accepted += 1;
    const { maxFrameBytes, queueFrames } = this.#options;
    const { type, frames, peers, unregistered } = this.#role;
    return new Connection({
      ...{ route: `${type}-${this.#accepted}@${address}:${socket.remotePort ?? ''}`, socket },
      ...{ frames, peers, outgoing: { queueFrames, total: this.#queued } },
      maxFrameBytes: Math.min(maxFrameBytes, unregistered?.maxFrameBytes ?? maxFrameBytes),
      greeting: this.#mechanism.greeting,
      mechanismName: this.#mechanism.name,
      mechanism: this.#mechanism.connect(),
    });
  }

  #receive(connection: Connection, bytes: Buffer): void {
    if (connection.isEnding) return;
    connection.heardMs = performance.now();
    connection.incoming.push(bytes);
    this.#heldBytes += bytes.length;
    this.#readInTurn(connection);
    if (this.#heldBytes > HELD_BYTES) this.cut(this.#largest(), 'too many frames were begun at once');
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
    this.#release(connection);
  }

  /** Releases the bytes that it has sent. */
  #release({ incoming }: Connection): void {
    this.#heldBytes -= incoming.size;
    incoming.clear();
  }

  /** Reads at once, except for a handshake that costs time and has to wait for its turn. */
  #readInTurn(connection: Connection): void {
    const turns = this.#options.security?.turns;
    if (!turns || connection.isReady) {
      this.#read(connection);
      return;
    }
    if (connection.isWaiting) return;
    connection.isWaiting = true;
    const isDone = turns.run(connection.address, () => {
      connection.isWaiting = false;
      this.#read(connection);
      if (!this.#paused) connection.socket.resume();
    });
    if (!isDone) connection.socket.pause();
  }

  /** Takes what is complete, until a handler asks for a pause. */
  #read(connection: Connection): void {
    const { incoming, socket } = connection;
    while (!this.#paused && !this.#closing && !socket.destroyed && !connection.isEnding) {
      const before = incoming.size;
      const part = incoming.next();
      this.#heldBytes -= before - incoming.size;
      if (part.kind === 'incomplete') return;
      this.#take(connection, part);
    }
  }

  #take(connection: Connection, part: Exclude<Part, { kind: 'incomplete' }>): void {
    switch (part.kind) {
      case 'reply':
        connection.say(part.bytes);
        break;
      case 'ready':
        this.#greet(connection, part);
        break;
      case 'ping':
        connection.pong(part.context);
        break;
      case 'command':
        this.onCommand(connection, part.name, part.data);
        break;
      case 'more':
        break;
      case 'malformed':
        if (this.#mayContinue(connection, [])) this.onMalformed(connection);
        break;
      case 'message': {
        if (!this.#mayContinue(connection, part.frames)) break;
        const paused = this.onMessage(connection, part.frames);
        if (paused) this.#pauseUntil(paused);
        break;
      }
      case 'broken':
        this.cut(connection, part.why);
        break;
      default:
        part satisfies never;
    }
  }

  #greet(connection: Connection, { key, reply }: Extract<Part, { kind: 'ready' }>): void {
    const { admitsAll, security } = this.#options;
    if (key !== undefined) connection.key = key;
    if (security && (key === undefined || !security.admits(key, this.#role.name))) {
      this.cut(connection, `the key ${key} is not enrolled`, 'unknown_key');
      return;
    }
    connection.say(reply);
    connection.isReady = true;
    // Where peers have to register, a key alone admits none.
    if (admitsAll || (security && !this.#role.unregistered)) this.accept(connection);
    this.onReady(connection);
  }

  /** Ends a connection that has sent more than it may before it registers. Returns whether it goes on. */
  #mayContinue(connection: Connection, frames: readonly Uint8Array[]): boolean {
    const { unregistered } = this.#role;
    if (connection.isKnown || !unregistered || !connection.isOver(unregistered, frames)) return true;
    const { messages, messageBytes } = connection;
    this.cut(connection, `${messages} messages of ${messageBytes} bytes before it registered`);
    return false;
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
        this.#readInTurn(connection);
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
        this.cut(connection, 'it did not read the frames that wait for it', 'not_reading');
      else if (isReady) connection.ping();
    }
  }

  /** Ends unregistered peers past their deadline, in order of arrival. */
  #endLate(): void {
    if (this.#paused) return;
    const now = performance.now();
    const helloMs = this.#role.unregistered?.deadlineMs ?? Number.POSITIVE_INFINITY;
    for (const connection of this.#unregistered) {
      const ageMs = now - connection.openedMs;
      if (ageMs <= HANDSHAKE_MS && ageMs <= helloMs) return;
      if (!connection.isReady) this.cut(connection, 'it did not send its greeting in time', 'no_hello');
      else if (ageMs > helloMs) this.cut(connection, 'it did not register in time', 'no_hello');
    }
  }
}
