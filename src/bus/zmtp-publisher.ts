/**
 * The events socket: what an XPUB of libzmq does, for SUBs and XSUBs of any implementation.
 *
 * 1. A message is encoded once, for all who subscribe to a prefix of its topic. Who does not take what waits for it misses the message,
 *    which is counted, and nobody waits for it.
 * 2. What a peer can make us remember is bounded: the length of a prefix, how many one may subscribe to, and how many all may together.
 */
import type { BusGauges, CutCode } from './bus.js';
import { TopicSubscribers } from './topic-subscribers.js';
import { CANCEL, SUBSCRIBE, wrapped } from './zmtp-frames.js';
import { type Connection, type ZmtpOptions, type ZmtpRole, ZmtpServer } from './zmtp-server.js';

export interface ZmtpPublisherHandlers {
  /** A connection was ended for what its peer, at this address, did or left undone. */
  onStranger(code: CutCode, why: string, peer: string): void;
}

const ROLE: ZmtpRole = { type: 'XPUB', peers: ['SUB', 'XSUB'], frames: 1 };
/** Topics are a quarter of that; a longer prefix begins none of them. */
const MAX_PREFIX_BYTES = 250;
/** Of one peer: to watch so many tasks one by one. Whoever wants more subscribes to what they have in common. */
const MAX_SUBSCRIPTIONS = 1_000;
/** Of all peers together: some 40 MiB if all are as long as can be. */
const MAX_ALL_SUBSCRIPTIONS = 100_000;
const NONE: ReadonlySet<string> = new Set();

export class ZmtpPublisher {
  readonly #server: ZmtpServer;
  readonly #prefixes = new Map<Connection, Set<string>>();
  readonly #subscribers = new TopicSubscribers<Connection>();
  #subscriptions = 0;
  #missedFrames = 0;

  constructor(options: Omit<ZmtpOptions, 'maxFrameBytes'>, handlers: ZmtpPublisherHandlers) {
    const ofSubscriptions = { ...options, maxFrameBytes: 1 + MAX_PREFIX_BYTES };
    this.#server = new ZmtpServer(ROLE, ofSubscriptions, {
      onReady: (connection) => void this.#prefixes.set(connection, new Set()),
      onMessage: (connection, [frame]) => this.#onChange(connection, frame![0], frame!.subarray(1)),
      onMalformed: (connection) => this.#server.refuse(connection, 'a subscription is one frame'),
      onCommand: (connection, name, data) => {
        if (name === 'SUBSCRIBE') this.#onChange(connection, SUBSCRIBE, data);
        if (name === 'CANCEL') this.#onChange(connection, CANCEL, data);
      },
      onEnd: (connection) => {
        for (const prefix of this.#prefixes.get(connection) ?? NONE) this.#cancel(connection, prefix);
        this.#prefixes.delete(connection);
      },
      onStranger: (code, why, peer) => handlers.onStranger(code, why, peer),
    });
  }

  bind(host: string, port: number): ReturnType<ZmtpServer['bind']> {
    return this.#server.bind(host, port);
  }

  /** `topic` is ASCII. */
  publish(topic: string, frame: Uint8Array): void {
    const subscribers = this.#subscribers.of(topic);
    if (subscribers.size === 0) return;
    const message = wrapped(Buffer.from(topic), frame);
    for (const connection of subscribers)
      if (!this.#server.send(connection, message)) this.#missedFrames += 1;
  }

  isWanted(topic: string): boolean {
    return this.#subscribers.isWanted(topic);
  }

  gauges(): BusGauges['events'] {
    const { connections, queuedFrames } = this.#server;
    return {
      ...{ connections, queuedFrames },
      ...{ subscriptions: this.#subscriptions, missedFrames: this.#missedFrames },
    };
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #onChange(connection: Connection, kind: number | undefined, bytes: Uint8Array): void {
    const prefix = Buffer.from(bytes).toString('latin1');
    if (kind === SUBSCRIBE) this.#subscribe(connection, prefix);
    else if (kind === CANCEL) this.#cancel(connection, prefix);
    else this.#server.refuse(connection, 'a message that is no subscription');
  }

  #subscribe(connection: Connection, prefix: string): void {
    const own = this.#prefixes.get(connection)!;
    if (own.has(prefix)) return;
    const why = this.#excess(own, prefix);
    if (why !== undefined) {
      this.#server.refuse(connection, why);
      return;
    }
    own.add(prefix);
    this.#subscribers.add(prefix, connection);
    this.#subscriptions += 1;
  }

  /** Why there can be no further subscription, if so. */
  #excess(own: ReadonlySet<string>, prefix: string): string | undefined {
    if (prefix.length > MAX_PREFIX_BYTES)
      return `a subscription of ${prefix.length} bytes, ${MAX_PREFIX_BYTES} are the most`;
    if (own.size >= MAX_SUBSCRIPTIONS) return `more than ${MAX_SUBSCRIPTIONS} subscriptions`;
    if (this.#subscriptions >= MAX_ALL_SUBSCRIPTIONS)
      return `all subscribers together have ${MAX_ALL_SUBSCRIPTIONS} subscriptions already`;
    return undefined;
  }

  #cancel(connection: Connection, prefix: string): void {
    if (!this.#prefixes.get(connection)?.delete(prefix)) return;
    this.#subscribers.remove(prefix, connection);
    this.#subscriptions -= 1;
  }
}
