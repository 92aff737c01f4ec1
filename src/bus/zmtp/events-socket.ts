/**
 * The events socket: what an XPUB of libzmq does, for SUBs and XSUBs of any implementation.
 *
 * 1. A message in the clear is encoded once, for all peers that subscribe to a prefix of its topic. A peer that does not take what
 *    waits for it misses the message, which is counted, and nobody waits for it.
 * 2. Published events are handed out in rounds over the subscribers: however many there are, publishing costs the same, and most of
 *    the time is for others.
 * 3. The memory that a peer can take is bounded: the length of a prefix, how many one may subscribe to, and how many all may
 *    together.
 */
import type { BusGauges, OrchestratorBusHandlers } from '../bus.js';
import { TopicSubscribers } from '../topic-subscribers.js';
import type { Connection } from './connection.js';
import { CANCEL, Message, SUBSCRIBE } from './frames.js';
import { Rounds } from './rounds.js';
import { ServerSocket, type SocketOptions, type SocketRole } from './server-socket.js';

export type EventsHandlers = Pick<OrchestratorBusHandlers, 'onCut'>;

const ROLE: SocketRole = { name: 'events', type: 'XPUB', peers: ['SUB', 'XSUB'], frames: 1 };
/** Topics have a quarter of that; a longer prefix begins none of them. */
const MAX_PREFIX_BYTES = 250;
/** Of one peer: enough to watch a thousand tasks one by one. For more, there are shorter prefixes. */
const MAX_SUBSCRIPTIONS = 1_000;
/** Of all peers together: some 40 MiB if all are as long as can be. */
const MAX_ALL_SUBSCRIPTIONS = 100_000;
/** Events that are published in a long turn and wait for the next round: beyond this, they are handed out at once. */
const MAX_NEWS = 1_000;
const MAX_NEWS_BYTES = 8 * 1024 * 1024;
const NONE: ReadonlySet<string> = new Set();

interface News {
  readonly subscribers: ReadonlySet<Connection>;
  readonly message: Message;
}

interface Subscriber {
  readonly prefixes: Set<string>;
  /** The number of the first of the news that it was not handed. */
  next: number;
}

export class EventsSocket extends ServerSocket {
  readonly #peers = new Map<Connection, Subscriber>();
  readonly #subscribers = new TopicSubscribers<Connection>();
  /** Published, and not handed out to everybody yet. */
  readonly #news: News[] = [];
  #newsBytes = 0;
  /** The number of the first of the news. */
  #first = 0;
  /** The number of the first that came after the round under way had begun. */
  #roundEnd = 0;
  readonly #rounds = new Rounds<[Connection, Subscriber]>({
    items: () => this.#peers.entries(),
    work: ([connection, subscriber]) => {
      this.#handOut(connection, subscriber);
      connection.outgoing.flush();
    },
    onBegin: () => {
      this.#roundEnd = this.#first + this.#news.length;
    },
    onEnd: () => this.#forget(this.#roundEnd - this.#first),
  });
  #subscriptions = 0;
  #missedFrames = 0;

  constructor(options: Omit<SocketOptions, 'maxFrameBytes'>, handlers: EventsHandlers) {
    super(ROLE, { ...options, maxFrameBytes: 1 + MAX_PREFIX_BYTES }, handlers);
  }

  /** `topic` is ASCII. */
  publish(topic: string, frame: Uint8Array): void {
    const subscribers = this.#subscribers.of(topic);
    if (subscribers.size === 0) return;
    const message = new Message(Buffer.from(topic), frame);
    this.#news.push({ subscribers, message });
    this.#newsBytes += message.size;
    if (this.#news.length >= MAX_NEWS || this.#newsBytes >= MAX_NEWS_BYTES) this.#handOutAll();
    this.#rounds.ask();
  }

  isWanted(topic: string): boolean {
    return this.#subscribers.isWanted(topic);
  }

  gauges(): BusGauges['events'] {
    const { connections, queuedFrames } = this.counts();
    return {
      ...{ connections, queuedFrames },
      ...{ subscriptions: this.#subscriptions, missedFrames: this.#missedFrames },
    };
  }

  override close(): Promise<void> {
    this.#rounds.stop();
    this.#handOutAll();
    return super.close();
  }

  protected override onReady(connection: Connection): void {
    this.#peers.set(connection, { prefixes: new Set(), next: this.#first + this.#news.length });
  }

  protected override onMessage(connection: Connection, [frame]: readonly Uint8Array[]): void {
    this.#onChange(connection, frame![0], frame!.subarray(1));
  }

  protected override onMalformed(connection: Connection): void {
    this.cut(connection, 'a subscription is one frame');
  }

  protected override onCommand(connection: Connection, name: string, data: Uint8Array): void {
    if (name === 'SUBSCRIBE') this.#onChange(connection, SUBSCRIBE, data);
    if (name === 'CANCEL') this.#onChange(connection, CANCEL, data);
  }

  protected override onEnd(connection: Connection): void {
    for (const prefix of this.#peers.get(connection)?.prefixes ?? NONE) this.#cancel(connection, prefix);
    this.#peers.delete(connection);
  }

  /** Puts the news that a subscriber wants before its connection. */
  #handOut(connection: Connection, subscriber: Subscriber): void {
    for (let index = subscriber.next - this.#first; index < this.#news.length; index += 1) {
      const { subscribers, message } = this.#news[index]!;
      if (subscribers.has(connection) && !this.put(connection, message)) this.#missedFrames += 1;
    }
    subscriber.next = this.#first + this.#news.length;
  }

  #handOutAll(): void {
    for (const [connection, subscriber] of this.#peers) this.#handOut(connection, subscriber);
    this.#forget(this.#news.length);
  }

  /** Lets go of the oldest of the news, which everybody has got. */
  #forget(count: number): void {
    if (count <= 0) return;
    for (const { message } of this.#news.splice(0, count)) this.#newsBytes -= message.size;
    this.#first += count;
  }

  #onChange(connection: Connection, kind: number | undefined, bytes: Uint8Array): void {
    const prefix = Buffer.from(bytes).toString('latin1');
    if (kind === SUBSCRIBE) this.#subscribe(connection, prefix);
    else if (kind === CANCEL) this.#cancel(connection, prefix);
    else this.cut(connection, 'a message that is not a subscription');
  }

  #subscribe(connection: Connection, prefix: string): void {
    const own = this.#peers.get(connection)!.prefixes;
    if (own.has(prefix)) return;
    const why = this.#excess(own, prefix);
    if (why !== undefined) {
      this.cut(connection, why);
      return;
    }
    own.add(prefix);
    this.#subscribers.add(prefix, connection);
    this.#subscriptions += 1;
  }

  /** The reason why another subscription is refused; undefined if it is not. */
  #excess(own: ReadonlySet<string>, prefix: string): string | undefined {
    if (prefix.length > MAX_PREFIX_BYTES)
      return `a subscription of ${prefix.length} bytes, at most ${MAX_PREFIX_BYTES} are allowed`;
    if (own.size >= MAX_SUBSCRIPTIONS) return `more than ${MAX_SUBSCRIPTIONS} subscriptions`;
    if (this.#subscriptions >= MAX_ALL_SUBSCRIPTIONS)
      return `all subscribers together have ${MAX_ALL_SUBSCRIPTIONS} subscriptions already`;
    return undefined;
  }

  #cancel(connection: Connection, prefix: string): void {
    if (!this.#peers.get(connection)?.prefixes.delete(prefix)) return;
    this.#subscribers.remove(prefix, connection);
    this.#subscriptions -= 1;
  }
}
