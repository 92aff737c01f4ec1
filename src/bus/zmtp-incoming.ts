/**
 * What one peer sends, taken apart as it comes. A frame's length is looked at before anything of it is kept.
 *
 * 1. It never throws, whatever comes; what cannot be understood is `broken`, and after that there is nothing more.
 * 2. What it keeps is `size` bytes and few objects, however small the pieces are in which they came.
 */
import {
  COMMAND,
  GREETING_BYTES,
  LONG,
  MAJOR_VERSION,
  MECHANISM,
  MECHANISM_AT,
  MORE,
  SIGNATURE_END,
  SIGNATURE_START,
  UNKNOWN_FLAGS,
} from './zmtp-frames.js';

/** A READY with all its properties, a PING with its context, a subscription: far shorter. */
const MAX_COMMAND_BYTES = 4096;
/** Smaller pieces than that are joined: each is an object of some hundred bytes. */
const PIECE_BYTES = 1024;
const SHOWN_CHARACTERS = 20;

export type Part =
  | { readonly kind: 'incomplete' }
  /** The peer's greeting: it is to be told READY. */
  | { readonly kind: 'greeting' }
  /** The peer's READY: messages follow. */
  | { readonly kind: 'ready' }
  /** A message of as many frames as was agreed. */
  | { readonly kind: 'message'; readonly frames: readonly Uint8Array[] }
  /** One of more or fewer, which are not kept. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'ping'; readonly context: Uint8Array }
  | { readonly kind: 'command'; readonly name: string; readonly data: Uint8Array }
  /** A frame of a message that goes on. */
  | { readonly kind: 'more' }
  /** There is nothing to be understood after it. */
  | { readonly kind: 'broken'; readonly why: string };

export interface IncomingOptions {
  /** Of each frame, until it is said otherwise. */
  readonly maxFrameBytes: number;
  /** Frames of a message. */
  readonly frames: number;
  /** The socket types that this one talks to. */
  readonly peers: readonly string[];
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

  /** What comes next. Once it was `broken`, there is no more. */
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
    if (isWrong) return broken('it does not greet as ZeroMQ does');
    if (start.length > 10 && start[10]! < MAJOR_VERSION)
      return broken(`it speaks version ${start[10]} of ZMTP, this is ${MAJOR_VERSION}`);
    if (this.#have < GREETING_BYTES) return INCOMPLETE;
    const greeting = this.#take(GREETING_BYTES);
    const mechanism = greeting.toString('latin1', MECHANISM_AT, MECHANISM_AT + 20).replace(/\0+$/, '');
    if (mechanism !== MECHANISM) return broken('it wants another security mechanism than NULL');
    this.#phase = 'handshake';
    return { kind: 'greeting' };
  }

  #frame(): Part {
    const head = this.#peek(Math.min(this.#have, 9));
    const flags = head[0];
    if (flags === undefined) return INCOMPLETE;
    const isCommand = (flags & COMMAND) !== 0;
    if (flags & UNKNOWN_FLAGS || (isCommand && flags & MORE)) return broken('a frame of no known kind');
    const isLong = (flags & LONG) !== 0;
    const headBytes = isLong ? 9 : 2;
    if (head.length < headBytes) return INCOMPLETE;
    const size = isLong ? head.readUInt32BE(1) * 2 ** 32 + head.readUInt32BE(5) : head[1]!;
    const limit = isCommand ? MAX_COMMAND_BYTES : this.maxFrameBytes;
    if (size > limit) return broken(`a frame of ${size} bytes, ${limit} are the most`);
    if (this.#have < headBytes + size) return INCOMPLETE;
    const body = this.#take(headBytes + size).subarray(headBytes);
    if (isCommand) return this.#command(body);
    if (this.#phase !== 'open') return broken('a message before it was ready');
    return this.#message(body, (flags & MORE) !== 0);
  }

  #message(frame: Buffer, goesOn: boolean): Part {
    const isLast = this.#frames.length === this.#options.frames - 1;
    if (!goesOn && isLast && !this.#isTooLong) {
      const frames = [...this.#frames, frame];
      this.#dropFrames();
      return { kind: 'message', frames };
    }
    if (!goesOn) {
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

  #command(body: Buffer): Part {
    const nameBytes = body[0] ?? 0;
    const name = body.toString('latin1', 1, 1 + nameBytes);
    const data = body.subarray(1 + nameBytes);
    if (this.#phase === 'handshake') {
      if (name !== 'READY') return broken(`${shown(name)} before it was ready`);
      const { peers } = this.#options;
      const type = socketType(data);
      if (type === undefined || !peers.includes(type))
        return broken(
          `${type === undefined ? 'it does not say what it is' : shown(type)}, not ${peers.join(' or ')}`,
        );
      this.#phase = 'open';
      return { kind: 'ready' };
    }
    // After two bytes of its time to live, whatever it wants to have back.
    return name === 'PING' ? { kind: 'ping', context: data.subarray(2) } : { kind: 'command', name, data };
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

/** Its name's length and name, its value's length in four bytes and value; and so on. */
function socketType(properties: Buffer): string | undefined {
  let at = 0;
  while (at < properties.length) {
    const nameEnd = at + 1 + properties[at]!;
    if (nameEnd + 4 > properties.length) return undefined;
    const name = properties.toString('latin1', at + 1, nameEnd).toLowerCase();
    const end = nameEnd + 4 + properties.readUInt32BE(nameEnd);
    if (end > properties.length) return undefined;
    if (name === 'socket-type') return properties.toString('latin1', nameEnd + 4, end);
    at = end;
  }
  return undefined;
}
