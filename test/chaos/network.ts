/** A TCP proxy that makes a bad network: it cuts connections, delays what they carry, and lets them stall. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export class Network {
  readonly #pairs = new Set<Pair>();
  readonly #listener: Server;
  #delayMs = 0;
  #stalled = false;
  /** Connections that were cut while something may have been under way. */
  cuts = 0;

  private constructor(target: Address) {
    this.#listener = createServer((client) => this.#accept(client, connect({ ...target, noDelay: true })));
  }

  static async between(listen: Address, target: Address): Promise<Network> {
    const network = new Network(target);
    network.#listener.listen(listen.port, listen.host);
    await once(network.#listener, 'listening');
    return network;
  }

  cut(): void {
    for (const { client, server } of this.#pairs) {
      this.cuts += 1;
      client.destroy();
      server.destroy();
    }
  }

  /** What is on the way arrives so much later, in its order. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Nothing arrives, in either direction, though the connections stay; `heal` lets it arrive. */
  stall(): void {
    this.#stalled = true;
    for (const { client, server } of this.#pairs) for (const end of [client, server]) end.pause();
  }

  heal(): void {
    this.#delayMs = 0;
    this.#stalled = false;
    for (const { client, server } of this.#pairs) for (const end of [client, server]) end.resume();
  }

  async close(): Promise<void> {
    this.heal();
    this.cut();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #accept(client: Socket, server: Socket): void {
    const pair = { client, server };
    this.#pairs.add(pair);
    client.setNoDelay(true);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.on('error', end).on('close', end);
      if (this.#stalled) socket.pause();
    }
    this.#carry(client, server);
    this.#carry(server, client);
  }

  #carry(from: Socket, to: Socket): void {
    let dueMs = 0;
    from.on('data', (bytes) => {
      const now = performance.now();
      // Never before what came earlier.
      dueMs = Math.max(now + this.#delayMs, dueMs);
      const write = () => {
        if (!to.destroyed && !to.write(bytes) && !this.#stalled) {
          from.pause();
          to.once('drain', () => {
            if (!this.#stalled) from.resume();
          });
        }
      };
      if (dueMs <= now) write();
      else setTimeout(write, dueMs - now);
    });
  }
}
