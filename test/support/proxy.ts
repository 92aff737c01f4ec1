/** A TCP proxy that a test can make a bad network of. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Scene } from './processes.js';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export class TcpProxy {
  readonly #pairs = new Set<Pair>();
  #swallowing = false;
  #connections = 0;
  #endpoint = '';

  readonly #onSaid: (bytes: Buffer) => void;

  private constructor(onSaid: (bytes: Buffer) => void) {
    this.#onSaid = onSaid;
  }

  /**
   * @param target `tcp://HOST:PORT`
   * @param onSaid gets all that the server sends
   */
  static async to(
    scene: Scene,
    target: string,
    onSaid: (bytes: Buffer) => void = () => {},
  ): Promise<TcpProxy> {
    const proxy = new TcpProxy(onSaid);
    const { hostname, port } = new URL(target);
    const listener = createServer((client) => proxy.#accept(client, connect(Number(port), hostname)));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    proxy.#endpoint = `tcp://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    scene.atEnd(() => {
      listener.close();
      proxy.cut();
    });
    return proxy;
  }

  /** What clients dial. */
  get endpoint(): string {
    return this.#endpoint;
  }

  /** Connections so far. */
  get connections(): number {
    return this.#connections;
  }

  /** From now on nothing that the server sends arrives, though the connections stay. */
  swallow(): void {
    this.#swallowing = true;
  }

  /** Ends all connections at once; new ones work again. */
  cut(): void {
    this.#swallowing = false;
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  #accept(client: Socket, server: Socket): void {
    const pair = { client, server };
    this.#pairs.add(pair);
    this.#connections += 1;
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => {
      this.#onSaid(bytes);
      if (!this.#swallowing) client.write(bytes);
    });
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
  }
}
