/**
 * The outputs socket: what a SUB of libzmq does, for PUBs and XPUBs of any implementation that dial it.
 *
 * Every peer is told what is subscribed to as soon as it has introduced itself. What does not begin with it is handed up all the same: an honest
 * peer does not send it, and the receiver says what is wrong with it.
 */
import type { BusGauges, CutCode, Peer, Route } from './bus.js';
import { SUBSCRIBE, wrapped } from './zmtp-frames.js';
import { type Connection, type ZmtpOptions, type ZmtpRole, ZmtpServer } from './zmtp-server.js';

export interface ZmtpSubscriberHandlers {
  /** A message of two frames. Invalid UTF-8 in the topic is replaced. */
  onMessage(topic: string, frame: Uint8Array, peer: Peer): void | Promise<void>;
  /** A message of more or fewer. */
  onMalformed(peer: string): void;
  /** A connection was ended because of the behaviour of its peer at this address. */
  onStranger(code: CutCode, why: string, peer: string): void;
}

const ROLE: ZmtpRole = { type: 'SUB', peers: ['PUB', 'XPUB'], frames: 2 };

export class ZmtpSubscriber {
  readonly #server: ZmtpServer;
  /** Those that were not admitted. */
  readonly #strangers = new Map<Route, Connection>();

  constructor(prefix: string, options: ZmtpOptions, handlers: ZmtpSubscriberHandlers) {
    const subscription = wrapped(Buffer.concat([Buffer.from([SUBSCRIBE]), Buffer.from(prefix)]));
    this.#server = new ZmtpServer(ROLE, options, {
      onReady: (connection) => {
        this.#strangers.set(connection.route, connection);
        this.#server.send(connection, subscription);
      },
      onMessage: (connection, [topic, frame]) =>
        handlers.onMessage(Buffer.from(topic!).toString(), frame!, connection),
      onMalformed: ({ address }) => handlers.onMalformed(address),
      onCommand: () => {},
      onEnd: ({ route }) => void this.#strangers.delete(route),
      onStranger: (code, why, peer) => handlers.onStranger(code, why, peer),
    });
  }

  bind(host: string, port: number): ReturnType<ZmtpServer['bind']> {
    return this.#server.bind(host, port);
  }

  admit(route: Route): void {
    const connection = this.#strangers.get(route);
    if (!connection) return;
    this.#strangers.delete(route);
    this.#server.admit(connection);
  }

  gauges(): BusGauges['outputs'] {
    const { connections, strangers, heldBytes } = this.#server;
    return { connections, strangers, heldBytes };
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
