/**
 * ZMTP 3 as the control socket speaks it (https://rfc.zeromq.org/spec/23/, with the heartbeats of spec 37): greeting, READY, messages, PING
 * and PONG. What comes is read as it comes; a frame's length is looked at before anything of it is kept.
 */

const SIGNATURE_START = 0xff;
const SIGNATURE_END = 0x7f;
const MAJOR_VERSION = 3;
const GREETING_BYTES = 64;
const MECHANISM_AT = 12;
const MECHANISM = 'NULL';

const MORE = 1;
const LONG = 2;
const COMMAND = 4;
const UNKNOWN_FLAGS = 0xf8;
const SHORT_MAX = 255;
/** A READY with all its properties, a PING with its context: far shorter. */
const MAX_COMMAND_BYTES = 4096;
/** Those that a ROUTER talks to. */
const PEERS = ['DEALER', 'REQ', 'ROUTER'];
/** Copying so little is quicker than a second write. */
const JOIN_MAX_BYTES = 16 * 1024;
/** The peer is to judge by its own pings: when we are busy, ours stay out. */
const NO_TTL = Buffer.alloc(2);

export const GREETING: Buffer = greeting();
export const READY: Buffer = command('READY', property('Socket-Type', 'ROUTER'), property('Identity', ''));
export const PING: Buffer = command('PING', NO_TTL);

export function pongTo(context: Uint8Array): Buffer {
  return command('PONG', context);
}

/** A message of one frame, as what is to be written: at once, or its head and itself. */
export function wrapped(frame: Uint8Array): readonly Uint8Array[] {
  const head = headOf(0, frame.byteLength);
  return frame.byteLength <= JOIN_MAX_BYTES ? [Buffer.concat([head, frame])] : [head, frame];
}

export type Part =
  | { readonly kind: 'incomplete' }
  /** The peer's greeting: it is to be told READY. */
  | { readonly kind: 'greeting' }
  /** The peer's READY: messages follow. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'message'; readonly frame: Uint8Array }
  /** A message of several frames, which are not kept. */
  | { readonly kind: 'several' }
  | { readonly kind: 'ping'; readonly context: Uint8Array }
  | { readonly kind: 'ignored' }
  /** There is nothing to be understood after it. */
  | { readonly kind: 'broken'; readonly why: string };

const INCOMPLETE: Part = { kind: 'incomplete' };
const IGNORED: Part = { kind: 'ignored' };
const broken = (why: string): Part => ({ kind: 'broken', why });

/** What one peer sends. */
export class Incoming {
  readonly #maxFrameBytes: number;
  #chunks: Buffer[] = [];
  #have = 0;
  #phase: 'greeting' | 'handshake' | 'open' = 'greeting';
  /** Of the message that is being read. */
  #several = false;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  push(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#have += bytes.length;
  }

  /** Bytes that are held until there is more. */
  get size(): number {
    return this.#have;
  }

  /** What comes next. Once it was `broken`, there is no more. */
  next(): Part {
    return this.#phase === 'greeting' ? this.#greeting() : this.#frame();
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
    const limit = isCommand ? MAX_COMMAND_BYTES : this.#maxFrameBytes;
    if (size > limit) return broken(`a frame of ${size} bytes, ${limit} are the most`);
    if (this.#have < headBytes + size) return INCOMPLETE;
    const body = this.#take(headBytes + size).subarray(headBytes);
    if (isCommand) return this.#command(body);
    if (this.#phase !== 'open') return broken('a message before it was ready');
    if (flags & MORE) {
      this.#several = true;
      return IGNORED;
    }
    if (!this.#several) return { kind: 'message', frame: body };
    this.#several = false;
    return { kind: 'several' };
  }

  #command(body: Buffer): Part {
    const nameBytes = body[0] ?? 0;
    const name = body.toString('latin1', 1, 1 + nameBytes);
    const data = body.subarray(1 + nameBytes);
    if (this.#phase === 'handshake') {
      if (name !== 'READY') return broken(`${JSON.stringify(name.slice(0, 20))} before it was ready`);
      const type = socketType(data);
      if (type === undefined || !PEERS.includes(type)) return broken('it is no DEALER');
      this.#phase = 'open';
      return { kind: 'ready' };
    }
    // After two bytes of its time to live, whatever it wants to have back.
    return name === 'PING' ? { kind: 'ping', context: data.subarray(2) } : IGNORED;
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

function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = SIGNATURE_START;
  bytes[9] = SIGNATURE_END;
  bytes[10] = MAJOR_VERSION;
  bytes.write(MECHANISM, MECHANISM_AT, 'latin1');
  return bytes;
}

function headOf(flags: number, size: number): Buffer {
  if (size <= SHORT_MAX) return Buffer.from([flags, size]);
  const head = Buffer.alloc(9);
  head[0] = flags | LONG;
  head.writeBigUInt64BE(BigInt(size), 1);
  return head;
}

function command(name: string, ...data: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1'), ...data]);
  return Buffer.concat([headOf(COMMAND, body.length), body]);
}

function property(name: string, value: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(value.length);
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name, 'latin1'),
    size,
    Buffer.from(value, 'latin1'),
  ]);
}
