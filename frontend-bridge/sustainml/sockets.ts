/**
 * The facade's connections: held connections do not keep other clients out. Where there are too many, the oldest one without a request gives its
 * place; where each has one, the new one is closed.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** A client that disappeared silently is found by then. */
const PROBE_MS = 30_000;

export class Sockets {
  readonly #most: number;
  readonly #idle = new Set<Socket>();
  readonly #all = new Set<Socket>();

  constructor(most: number) {
    this.#most = most;
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#came(socket));
    server.on('request', ({ socket }: IncomingMessage) => this.#idle.delete(socket));
  }

  #came(socket: Socket): void {
    socket.setKeepAlive(true, PROBE_MS);
    this.#all.add(socket);
    this.#idle.add(socket);
    socket.once('close', () => {
      this.#all.delete(socket);
      this.#idle.delete(socket);
    });
    if (this.#all.size <= this.#most) return;
    const [oldest] = this.#idle;
    oldest?.destroy();
  }
}
