/**
 * A bounded queue of messages to one peer.
 *
 * 1. The first message of a turn leaves at once, so that its peer is at work while we continue. Further messages of that turn leave
 *    together at its end. Neither takes room in the queue if the system takes it.
 * 2. The rest is handed over in pieces: a ping waits for one of them only, and it is soon seen when the peer takes some.
 * 3. A message is sealed when it is written, so nothing is sealed in another order than it is sent, and what waits is shared
 *    between peers.
 */
import type { Socket } from 'node:net';
import type { Message } from './frames.js';

/** Of one peer, beside the number of messages. */
const QUEUE_BYTES = 64 * 1024 * 1024;
/** Of all peers of a socket together. Beyond it, those get nothing for whom something waits already. */
const QUEUES_BYTES = 512 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const JOIN_MAX_BYTES = 16 * 1024;
/** A peer that pings and pings, and reads no answers, gets none; nor pings of ours. */
const UNREAD_BYTES = 4 * PIECE_BYTES;

export interface OutgoingOptions {
  /** Messages that may wait. */
  readonly queueFrames: number;
  /** Bytes that wait for all peers of the socket. */
  readonly total: { bytes: number };
  /** A message as bytes on the wire. */
  readonly seal: (message: Message) => readonly Uint8Array[];
  /** The peer has taken some of what waited. */
  readonly onTaken: () => void;
}

export class Outgoing {
  readonly #socket: Socket;
  readonly #options: OutgoingOptions;
  readonly #queue: Message[] = [];
  #bytes = 0;
  /** Something was offered in this turn. */
  #isInTurn = false;
  /** Since when the peer has taken nothing although there was more than may wait. */
  #stuckSinceMs: number | undefined;

  constructor(socket: Socket, options: OutgoingOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Messages that wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** Queues a message, unless too much waits already. Returns whether it did. It leaves in this turn. */
  offer(message: Message): boolean {
    if (!this.put(message)) return false;
    if (this.#isInTurn) return true;
    this.#isInTurn = true;
    process.nextTick(() => {
      this.#isInTurn = false;
      this.flush();
    });
    this.flush();
    return true;
  }

  /** Queues a message, unless too much waits already. Returns whether it did. It leaves with the next `flush`. */
  put(message: Message): boolean {
    if (this.#isFull()) {
      this.flush();
      if (this.#isFull()) {
        this.#stuckSinceMs ??= performance.now();
        return false;
      }
    }
    this.#queue.push(message);
    this.#count(message.size);
    return true;
  }

  /** How long the peer has taken nothing although there was more than may wait. */
  stuckMs(nowMs: number): number {
    return this.#stuckSinceMs === undefined ? 0 : nowMs - this.#stuckSinceMs;
  }

  /** As long as the system takes a piece at once, another; the next when it has. */
  flush(): void {
    while (this.#queue.length > 0 && this.#socket.writableLength === 0 && !this.#socket.destroyed) {
      let bytes = 0;
      let count = 0;
      for (; count < this.#queue.length && bytes < PIECE_BYTES; count += 1) bytes += this.#queue[count]!.size;
      this.#send(this.#take(count));
    }
  }

  /** Writes a greeting or a command at once, unless the peer reads nothing. */
  say(command: () => Uint8Array): void {
    if (this.#socket.writableLength < UNREAD_BYTES) this.#write([command()]);
  }

  /** Hands over all that waits, and ends the connection. */
  end(): void {
    this.#send(this.#take(this.#queue.length));
    this.#socket.end(() => this.#socket.destroy());
  }

  /** Lets go of what waits. */
  clear(): void {
    this.#take(this.#queue.length);
  }

  #isFull(): boolean {
    return (
      this.#queue.length >= this.#options.queueFrames ||
      this.#bytes > QUEUE_BYTES ||
      (this.#queue.length > 0 && this.#options.total.bytes > QUEUES_BYTES)
    );
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#options.total.bytes += bytes;
  }

  #take(count: number): Message[] {
    const taken = this.#queue.splice(0, count);
    for (const message of taken) this.#count(-message.size);
    return taken;
  }

  #send(messages: readonly Message[]): void {
    const { seal } = this.#options;
    this.#write(messages.length === 1 ? seal(messages[0]!) : messages.flatMap(seal));
  }

  #write(pieces: readonly Uint8Array[]): void {
    const socket = this.#socket;
    const parts = joined(pieces);
    let hadToWait = false;
    const taken = (): void => {
      // There was no room before the peer took something.
      if (hadToWait) {
        this.#stuckSinceMs = undefined;
        this.#options.onTaken();
      }
      this.flush();
    };
    socket.cork();
    for (const [index, part] of parts.entries())
      socket.write(part, index === parts.length - 1 ? taken : undefined);
    socket.uncork();
    hadToWait = socket.writableLength > 0;
  }
}

/** Copying little is quicker than handing over many pieces. */
function joined(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  if (pieces.length < 2) return pieces;
  let bytes = 0;
  for (const piece of pieces) bytes += piece.byteLength;
  return bytes <= JOIN_MAX_BYTES ? [Buffer.concat(pieces, bytes)] : pieces;
}
