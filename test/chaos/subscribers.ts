/**
 * Two peers of the events socket: one that belongs there writes down what it hears, and a stranger, whose key is not enrolled, has to
 * hear nothing. Without CURVE there is no stranger.
 */
import { curveKeyPair, Subscriber } from 'zeromq';
import { decodeEvent } from '../../src/wire/codec.js';
import { type HeardLine, Journal } from './journal.js';

export interface SubscribersOptions {
  readonly endpoint: string;
  /** The folder of the journals. */
  readonly folder: string;
  /** Where connections are encrypted. */
  readonly curve?: {
    readonly serverKey: string;
    readonly enrol: (key: string) => Promise<void>;
  };
}

export class Subscribers {
  readonly faults: string[] = [];
  readonly #sockets: Subscriber[] = [];

  static async start(options: SubscribersOptions): Promise<Subscribers> {
    const { curve, folder } = options;
    const subscribers = new Subscribers();
    const journal = new Journal(folder, 'subscriber');
    const hear = (frame: Uint8Array): void => {
      const decoded = decodeEvent(frame);
      if (!decoded.ok) {
        subscribers.faults.push(`a subscriber cannot read an event: ${decoded.message}`);
        return;
      }
      const { seq, at, fact } = decoded.value;
      journal.write({ seq, type: fact.type, at: new Date(at).toISOString() } satisfies Omit<HeardLine, 't'>);
    };
    if (!curve) {
      subscribers.#listen(options.endpoint, {}, hear);
      return subscribers;
    }
    const keysOf = ({ publicKey, secretKey }: ReturnType<typeof curveKeyPair>) => ({
      ...{ curveServerKey: curve.serverKey, curvePublicKey: publicKey, curveSecretKey: secretKey },
    });
    const own = curveKeyPair();
    await curve.enrol(own.publicKey);
    subscribers.#listen(options.endpoint, keysOf(own), hear);
    subscribers.#listen(options.endpoint, keysOf(curveKeyPair()), () =>
      subscribers.faults.push('a subscriber whose key is not enrolled has heard an event'),
    );
    return subscribers;
  }

  private constructor() {}

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #listen(
    endpoint: string,
    keys: { curveServerKey?: string; curvePublicKey?: string; curveSecretKey?: string },
    hear: (frame: Uint8Array) => void,
  ): void {
    const liveness = { heartbeatInterval: 2000, heartbeatTimeout: 6000 };
    const socket = new Subscriber({ linger: 0, reconnectInterval: 100, ...liveness, ...keys });
    this.#sockets.push(socket);
    socket.connect(endpoint);
    socket.subscribe('');
    void (async () => {
      for await (const [, frame] of socket) hear(frame!);
    })();
  }
}
