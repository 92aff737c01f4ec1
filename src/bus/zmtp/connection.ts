/** One connection of a peer to one of the orchestrator's sockets; a reconnect is another one. */
import type { Socket } from 'node:net';
import type { Peer, Route } from '../bus.js';
import { type Message, PING_BODY, pongBody } from './frames.js';
import { Incoming, type IncomingOptions } from './incoming.js';
import type { Mechanism } from './mechanism.js';
import { Outgoing, type OutgoingOptions } from './outgoing.js';

export interface ConnectionOptions extends Omit<IncomingOptions, 'mechanism'> {
  readonly route: Route;
  readonly socket: Socket;
  readonly mechanism: Mechanism;
  readonly greeting: Buffer;
  readonly outgoing: Pick<OutgoingOptions, 'queueFrames' | 'total'>;
}

/** The limits of a peer before it has registered, on sockets where peers must register. */
export interface UnregisteredLimits {
  readonly maxFrameBytes: number;
  readonly maxMessages: number;
  /** Of all its messages together. */
  readonly maxBytes: number;
  readonly deadlineMs: number;
}

export class Connection implements Peer {
  readonly route: Route;
  /** Kept, since a socket that has ended does not tell it. */
  readonly address: string;
  readonly socket: Socket;
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  readonly #mechanism: Mechanism;
  key?: string;
  /** Since when the peer has been able to introduce itself. */
  openedMs: number = performance.now();
  /** The last sign of life. */
  heardMs: number = this.openedMs;
  isReady = false;
  /** Its handshake waits for its turn. */
  isWaiting = false;
  isKnown = false;
  /** It is only sent the frames that were queued before; its own frames are ignored. */
  isEnding = false;
  /** Messages before it was known, and their bytes. */
  messages = 0;
  messageBytes = 0;

  constructor({ route, socket, mechanism, greeting, outgoing, ...incoming }: ConnectionOptions) {
    this.route = route;
    this.address = socket.remoteAddress ?? '';
    this.socket = socket;
    this.#mechanism = mechanism;
    this.incoming = new Incoming({ ...incoming, mechanism });
    this.outgoing = new Outgoing(socket, {
      ...outgoing,
      seal: (message: Message) => mechanism.message(message),
      onTaken: () => {
        this.heardMs = performance.now();
      },
    });
    this.say(greeting);
  }

  /** Says a greeting or a command of the handshake. */
  say(bytes: Uint8Array | undefined): void {
    if (bytes) this.outgoing.say(() => bytes);
  }

  ping(): void {
    this.outgoing.say(() => this.#mechanism.command(PING_BODY));
  }

  pong(context: Uint8Array): void {
    this.outgoing.say(() => this.#mechanism.command(pongBody(context)));
  }

  /** Counts a message of a peer that has not registered. Returns whether it has sent more than it may. */
  isOver({ maxMessages, maxBytes }: UnregisteredLimits, frames: readonly Uint8Array[]): boolean {
    this.messages += 1;
    for (const frame of frames) this.messageBytes += frame.byteLength;
    return this.messages > maxMessages || this.messageBytes > maxBytes;
  }
}
