/**
 * The connections of the gateway, in front of HTTP: held connections do not keep other clients out.
 *
 * C1. A connection is *known* once a request on it has shown the token. Without a token there are none.
 * C2. Strangers have half of the places where there is a token, all of them where there is none; one address that is not this machine's,
 *     half of that.
 * C3. A new connection takes the place of a stranger where there are too many: of one that waits for nothing, the one that has done so the
 *     longest. Those that are being answered go last. A client that connects and sends a request is served, whatever other connections do.
 *    With TLS, one that has not finished its handshake is a stranger that waits for nothing.
 * C4. Known ones are never cut for others. Beyond all places a new connection is closed at once.
 * C5. Requests that are sent before the last one is answered are few: a thousand of them come in one piece, and others would wait for all.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { errorBody, HttpError } from './errors.js';

export interface ConnectionsOptions {
  /** All places. */
  readonly connections: number;
  /** Of those that have not shown the token. */
  readonly strangers: number;
  readonly onRefused: (peer: string, code: string, message: string) => void;
}

/** C5. More than any client sends ahead. */
const MAX_UNANSWERED = 16;
/** Some pieces of the smallest requests, which come although nothing more is read. */
const MAX_IGNORED = 4_096;

interface Connection {
  readonly address: string;
  isKnown: boolean;
  /** Requests that are not answered yet; a viewer has one as long as it is there. */
  requests: number;
  /** Requests that came after the one too many. */
  ignored: number;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #all = new Map<Socket, Connection>();
  /** Those that came, or were answered, first come first. */
  readonly #idle = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();
  /** With TLS: those that shake hands, by the address and port of the peer. */
  readonly #handshakes = new Map<string, Socket>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#all.size;
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#add(socket));
    // Only a server with TLS says so.
    server.on('secureConnection', (socket: Socket) => this.#secured(socket));
    if (server instanceof TlsServer) server.on('connection', (socket: Socket) => this.#shakesHands(socket));
    server.on('timeout', (socket: Socket) => {
      // It waits for no answer, or does not read the one that it gets.
      if (!this.#isServed(socket) || socket.writableLength > 0) socket.destroy();
    });
  }

  /** A request's head is there. Returns whether it is to be served; if not, it is answered, or its connection is ending. */
  admits({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.#all.get(socket);
    if (connection === undefined || socket.destroyed) return false;
    if (connection.requests > MAX_UNANSWERED) {
      connection.ignored += 1;
      if (connection.ignored > MAX_IGNORED) socket.destroy();
      return false;
    }
    connection.requests += 1;
    if (this.#idle.delete(socket)) this.#busy.add(socket);
    if (connection.requests > MAX_UNANSWERED) {
      this.#refuse(socket, connection, response);
      return false;
    }
    response.once('close', () => this.#answered(socket, connection));
    return true;
  }

  /** C1. It has shown the token. */
  know({ socket }: IncomingMessage): void {
    const connection = this.#all.get(socket);
    if (connection === undefined || connection.isKnown) return;
    connection.isKnown = true;
    this.#forget(socket, connection);
  }

  /** It has become a WebSocket: it is there for as long as its client likes. */
  stays({ socket }: IncomingMessage): void {
    const connection = this.#all.get(socket);
    if (connection) connection.requests += 1;
    if (this.#idle.delete(socket)) this.#busy.add(socket);
  }

  destroyAll(): void {
    for (const socket of this.#all.keys()) socket.destroy();
  }

  #add(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const victim = this.#victim(address);
    if (victim !== undefined) this.#cut(victim);
    // C4.
    if (this.#all.size >= this.#options.connections) {
      socket.destroy();
      return;
    }
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    this.#keep(socket, { address, isKnown: false, requests: 0, ignored: 0 });
  }

  #keep(socket: Socket, connection: Connection): void {
    this.#all.set(socket, connection);
    this.#idle.add(socket);
    socket.once('close', () => {
      if (this.#all.delete(socket) && !connection.isKnown) this.#forget(socket, connection);
    });
  }

  #shakesHands(socket: Socket): void {
    const peer = peerOf(socket);
    this.#handshakes.set(peer, socket);
    socket.once('close', () => {
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer);
    });
  }

  /** Requests come by `secured` now: it takes the place of the socket that it reads from. */
  #secured(secured: Socket): void {
    const peer = peerOf(secured);
    const socket = this.#handshakes.get(peer);
    const connection = socket && this.#all.get(socket);
    if (socket === undefined || connection === undefined) {
      secured.destroy();
      return;
    }
    this.#handshakes.delete(peer);
    this.#all.delete(socket);
    this.#idle.delete(socket);
    this.#keep(secured, connection);
  }

  /** C2. */
  #victim(address: string): Socket | undefined {
    const { connections, strangers } = this.#options;
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (!isLocal(address) && ofAddress >= Math.max(1, strangers >> 1)) return this.#oldest(address);
    const all = this.#idle.size + this.#busy.size;
    return all >= strangers || this.#all.size >= connections ? this.#oldest() : undefined;
  }

  /** C3. */
  #oldest(address?: string): Socket | undefined {
    for (const socket of [this.#idle, this.#busy]) {
      for (const one of socket)
        if (address === undefined || this.#all.get(one)?.address === address) return one;
    }
    return undefined;
  }

  #cut(socket: Socket): void {
    const connection = this.#all.get(socket)!;
    this.#all.delete(socket);
    this.#forget(socket, connection);
    socket.destroy();
  }

  /** The last answer of its connection, after those that are owed. */
  #refuse(socket: Socket, { address }: Connection, response: ServerResponse): void {
    const message = `More than ${MAX_UNANSWERED} requests on this connection wait for their answers.`;
    const hint = 'Wait for answers, or use several connections.';
    const error = new HttpError(429, 'too_many_requests', message, { hint });
    this.#options.onRefused(address, error.code, message);
    socket.pause();
    response
      .writeHead(error.status, {
        ...{ connection: 'close', 'retry-after': '1' },
        'content-type': 'application/json; charset=utf-8',
      })
      .end(JSON.stringify(errorBody(error)));
  }

  #answered(socket: Socket, connection: Connection): void {
    connection.requests -= 1;
    if (connection.requests === 0 && this.#busy.delete(socket)) this.#idle.add(socket);
  }

  #isServed(socket: Socket): boolean {
    return (this.#all.get(socket)?.requests ?? 0) > 0;
  }

  /** Removes it from the strangers. */
  #forget(socket: Socket, { address }: Connection): void {
    this.#idle.delete(socket);
    this.#busy.delete(socket);
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** All peers of this machine, and its proxy, share one address. */
function isLocal(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
