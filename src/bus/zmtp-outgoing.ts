/**
 * What one peer is sent: a bounded queue of messages before its socket.
 *
 * 1. The first message of a turn leaves at once, so that its peer is at work while we go on; what else is offered in that turn leaves together
 *    at its end. Neither takes room in the queue if the system takes it.
 * 2. The rest is handed over in pieces: what keeps the connection has to wait for one of them only, and it is seen soon when the peer takes some.
 */
import type { Socket } from 'node:net';

/** As `wrapped` made it. */
export type Message = readonly Uint8Array[];

/** Of one peer, beside the number of messages. */
const QUEUE_BYTES = 64 * 1024 * 1024;
/** Of all peers of a socket together. Beyond it, those get nothing for whom something waits already. */
const QUEUES_BYTES = 512 * 1024 * 1024;
/** What a message takes that waits, besides its bytes. */
const MESSAGE_OVERHEAD_BYTES = 256;
const PIECE_BYTES = 64 * 1024;
const JOIN_MAX_BYTES = 16 * 1024;
/** A peer that pings and pings, and reads no answers, gets none; nor pings of ours. */
const UNREAD_BYTES = 4 * PIECE_BYTES;

export interface OutgoingOptions {
  /** Messages that may wait. */
  readonly queueFrames: number;
  /** Bytes that wait for all peers of the socket. */
  readonly total: { bytes: number };
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
    this.#count(sizeOf(message));
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
      for (; count < this.#queue.length && bytes < PIECE_BYTES; count += 1)
        bytes += sizeOf(this.#queue[count]!);
      this.#write(this.#take(count));
    }
  }

  /** Says at once what keeps the connection, unless the peer reads nothing. */
  say(bytes: Uint8Array): void {
    if (this.#socket.writableLength < UNREAD_BYTES) this.#write([bytes]);
  }

  /** Hands over all that waits, and ends the connection. */
  end(): void {
    this.#write(this.#take(this.#queue.length));
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

  #take(count: number): Uint8Array[] {
    const taken = this.#queue.splice(0, count);
    for (const message of taken) this.#count(-sizeOf(message));
    return taken.flat();
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

function sizeOf(message: Message): number {
  let bytes = MESSAGE_OVERHEAD_BYTES;
  for (const part of message) bytes += part.byteLength;
  return bytes;
}
