/**
 * The outputs socket: what a SUB of libzmq does, for PUBs and XPUBs of any implementation that dial it.
 *
 * Every peer is told what is subscribed to as soon as it has introduced itself. What does not begin with it is handed up all the same: an honest
 * peer does not send it, and the receiver says what is wrong with it.
 */
import type { BusGauges } from './bus.js';
import { SUBSCRIBE, wrapped } from './zmtp-frames.js';
import { type ZmtpOptions, type ZmtpRole, ZmtpServer } from './zmtp-server.js';

export interface ZmtpSubscriberHandlers {
  /** A message of two frames, from this address. Invalid UTF-8 in the topic is replaced. */
  onMessage(topic: string, frame: Uint8Array, peer: string): void | Promise<void>;
  /** A message of more or fewer. */
  onMalformed(peer: string): void;
  /** A connection was ended for what its peer, at this address, did. */
  onStranger(why: string, peer: string): void;
}

const ROLE: ZmtpRole = { type: 'SUB', peers: ['PUB', 'XPUB'], frames: 2 };

export class ZmtpSubscriber {
  readonly #server: ZmtpServer;

  constructor(prefix: string, options: ZmtpOptions, handlers: ZmtpSubscriberHandlers) {
    const subscription = wrapped(Buffer.concat([Buffer.from([SUBSCRIBE]), Buffer.from(prefix)]));
    this.#server = new ZmtpServer(ROLE, options, {
      onReady: (connection) => void this.#server.send(connection, subscription),
      onMessage: ({ address }, [topic, frame]) =>
        handlers.onMessage(Buffer.from(topic!).toString(), frame!, address),
      onMalformed: ({ address }) => handlers.onMalformed(address),
      onCommand: () => {},
      onEnd: () => {},
      onStranger: (why, peer) => handlers.onStranger(why, peer),
    });
  }

  bind(host: string, port: number): ReturnType<ZmtpServer['bind']> {
    return this.#server.bind(host, port);
  }

  gauges(): BusGauges['outputs'] {
    const { connections, heldBytes } = this.#server;
    return { connections, heldBytes };
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
