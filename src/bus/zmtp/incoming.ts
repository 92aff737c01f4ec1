/**
 * Reads the bytes of one peer as they arrive. A frame's length is checked before any of it is kept.
 *
 * 1. It never throws, whatever arrives. Bytes that cannot be understood are `broken`, and nothing is read after them.
 * 2. It holds `size` bytes and few objects, however small the pieces are in which they arrived.
 * 3. No frame is larger than its phase allows: a command, or a message of at most `maxFrameBytes` in the clear.
 */
import {
  COMMAND,
  GREETING_BYTES,
  LONG,
  MAJOR_VERSION,
  MECHANISM_AT,
  MECHANISM_BYTES,
  MORE,
  propertyOf,
  SIGNATURE_END,
  SIGNATURE_START,
  UNKNOWN_FLAGS,
} from './frames.js';
import type { Mechanism } from './mechanism.js';

/** A command of the handshake with all its properties, a PING with its context, a subscription: all far shorter. */
const MAX_COMMAND_BYTES = 4096;
/** Smaller pieces are joined: each is an object of some hundred bytes. */
const PIECE_BYTES = 1024;
const SHOWN_CHARACTERS = 20;

export type Part =
  | { readonly kind: 'incomplete' }
  /** The peer is to be told this. */
  | { readonly kind: 'reply'; readonly bytes: Uint8Array | undefined }
  /** The handshake is over and messages follow. The peer is told `reply` if it is accepted. */
  | { readonly kind: 'ready'; readonly reply?: Uint8Array; readonly key?: string }
  /** A message of as many frames as was agreed. */
  | { readonly kind: 'message'; readonly frames: readonly Uint8Array[] }
  /** A message of more or fewer frames, which are not kept. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'ping'; readonly context: Uint8Array }
  | { readonly kind: 'command'; readonly name: string; readonly data: Uint8Array }
  /** A frame of a message that continues. */
  | { readonly kind: 'more' }
  /** Nothing can be understood after it. */
  | { readonly kind: 'broken'; readonly why: string };

export interface IncomingOptions {
  /** Of each frame in the clear, until it is set to another value. */
  readonly maxFrameBytes: number;
  /** Frames of a message. */
  readonly frames: number;
  /** The socket types that this one talks to. */
  readonly peers: readonly string[];
  /** The name that the peer's greeting must have. */
  readonly mechanismName: string;
  readonly mechanism: Mechanism;
}

const INCOMPLETE: Part = { kind: 'incomplete' };
const MORE_FOLLOWS: Part = { kind: 'more' };
const broken = (why: string): Part => ({ kind: 'broken', why });

export class Incoming {
  readonly #options: IncomingOptions;
  /** A larger frame is not taken. */
  maxFrameBytes: number;
  #chunks: Buffer[] = [];
  /** Bytes in the chunks. */
  #have = 0;
  #phase: 'greeting' | 'handshake' | 'open' = 'greeting';
  /** The frames of the message that is being read. */
  #frames: Buffer[] = [];
  #framesBytes = 0;
  #isTooLong = false;

  constructor(options: IncomingOptions) {
    this.#options = options;
    this.maxFrameBytes = options.maxFrameBytes;
  }

  push(bytes: Buffer): void {
    const last = this.#chunks.at(-1);
    if (last && last.length < PIECE_BYTES && bytes.length < PIECE_BYTES)
      this.#chunks[this.#chunks.length - 1] = Buffer.concat([last, bytes]);
    else this.#chunks.push(bytes);
    this.#have += bytes.length;
  }

  /** Bytes that are held until there is more. */
  get size(): number {
    return this.#have + this.#framesBytes;
  }

  /** The next item. Do not call it again after `broken`. */
  next(): Part {
    return this.#phase === 'greeting' ? this.#greeting() : this.#frame();
  }

  /** Lets go of what is held. */
  clear(): void {
    this.#chunks = [];
    this.#have = 0;
    this.#dropFrames();
  }

  #greeting(): Part {
    const start = this.#peek(Math.min(this.#have, MECHANISM_AT));
    const isWrong =
      (start.length > 0 && start[0] !== SIGNATURE_START) || (start.length > 9 && start[9] !== SIGNATURE_END);
    if (isWrong) return broken('it does not send a ZeroMQ greeting');
    if (start.length > 10 && start[10]! < MAJOR_VERSION)
      return broken(`it uses version ${start[10]} of ZMTP, this socket uses version ${MAJOR_VERSION}`);
    if (this.#have < GREETING_BYTES) return INCOMPLETE;
    const greeting = this.#take(GREETING_BYTES);
    const { mechanism, mechanismName } = this.#options;
    const name = greeting
      .toString('latin1', MECHANISM_AT, MECHANISM_AT + MECHANISM_BYTES)
      .replace(/\0+$/, '');
    if (name !== mechanismName)
      return broken(`it wants the security mechanism ${shown(name)}, not ${mechanismName}`);
    this.#phase = 'handshake';
    return { kind: 'reply', bytes: mechanism.opening };
  }

  #frame(): Part {
    const head = this.#peek(Math.min(this.#have, 9));
    const flags = head[0];
    if (flags === undefined) return INCOMPLETE;
    const isCommand = (flags & COMMAND) !== 0;
    if (flags & UNKNOWN_FLAGS || (isCommand && flags & MORE)) return broken('a frame of no known kind');
    if (this.#phase !== 'open' && !isCommand) return broken('a message before it was ready');
    const isLong = (flags & LONG) !== 0;
    const headBytes = isLong ? 9 : 2;
    if (head.length < headBytes) return INCOMPLETE;
    const size = isLong ? head.readUInt32BE(1) * 2 ** 32 + head.readUInt32BE(5) : head[1]!;
    const { overheadBytes } = this.#options.mechanism;
    // An encrypted frame says inside whether it is a command.
    const isKnownCommand = isCommand && (overheadBytes === 0 || this.#phase === 'handshake');
    const limit = isKnownCommand ? MAX_COMMAND_BYTES : this.maxFrameBytes;
    if (size > limit + overheadBytes) return broken(`a frame of ${size} bytes, at most ${limit} are allowed`);
    if (this.#have < headBytes + size) return INCOMPLETE;
    const body = this.#take(headBytes + size).subarray(headBytes);
    return this.#phase === 'handshake' ? this.#handshake(body) : this.#open(flags & (COMMAND | MORE), body);
  }

  #handshake(command: Buffer): Part {
    const step = this.#options.mechanism.handshake(command);
    if (step.kind === 'continue') return { kind: 'reply', bytes: step.reply };
    if (step.kind === 'broken') return step;
    const { peers } = this.#options;
    const type = propertyOf(step.metadata, 'Socket-Type');
    if (type === undefined || !peers.includes(type))
      return broken(`${type === undefined ? 'no socket type' : shown(type)}, not ${peers.join(' or ')}`);
    this.#phase = 'open';
    const { reply, key } = step;
    return { kind: 'ready', ...(reply && { reply }), ...(key !== undefined && { key }) };
  }

  #open(flags: number, sealed: Buffer): Part {
    const frame = this.#options.mechanism.open({ flags, body: sealed });
    if (frame === undefined) return broken('a frame that was altered, repeated or not encrypted for us');
    const { body } = frame;
    if ((frame.flags & COMMAND) === 0) return this.#message(body, (frame.flags & MORE) !== 0);
    if (body.length > MAX_COMMAND_BYTES)
      return broken(`a command of ${body.length} bytes, at most ${MAX_COMMAND_BYTES} are allowed`);
    const nameBytes = body[0] ?? 0;
    const name = body.toString('latin1', 1, 1 + nameBytes);
    const data = body.subarray(1 + nameBytes);
    // After two bytes of its time to live comes the context that it wants back.
    return name === 'PING' ? { kind: 'ping', context: data.subarray(2) } : { kind: 'command', name, data };
  }

  #message(frame: Buffer, continues: boolean): Part {
    const isLast = this.#frames.length === this.#options.frames - 1;
    if (!continues && isLast && !this.#isTooLong) {
      const frames = [...this.#frames, frame];
      this.#dropFrames();
      return { kind: 'message', frames };
    }
    if (!continues) {
      this.#dropFrames();
      this.#isTooLong = false;
      return { kind: 'malformed' };
    }
    if (isLast) {
      this.#dropFrames();
      this.#isTooLong = true;
    }
    if (!this.#isTooLong) {
      this.#frames.push(frame);
      this.#framesBytes += frame.length;
    }
    return MORE_FOLLOWS;
  }

  #dropFrames(): void {
    this.#frames = [];
    this.#framesBytes = 0;
  }

  /** The first bytes, which are there, without taking them. */
  #peek(count: number): Buffer {
    if (count > 0 && this.#chunks[0]!.length < count) this.#join();
    return count === 0 ? Buffer.alloc(0) : this.#chunks[0]!.subarray(0, count);
  }

  #take(count: number): Buffer {
    if (this.#chunks[0]!.length < count) this.#join();
    const first = this.#chunks[0]!;
    this.#have -= count;
    if (first.length === count) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    return first.subarray(0, count);
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }
}

const shown = (text: string): string => JSON.stringify(text.slice(0, SHOWN_CHARACTERS));
