/**
 * The bytes of ZMTP 3 (https://rfc.zeromq.org/spec/23/, with the heartbeats of spec 37): greeting, frames, commands and their
 * metadata. We greet as version 3.0, so that subscriptions are messages that begin with a byte: every peer understands those, and
 * sends them.
 */

export const SIGNATURE_START = 0xff;
export const SIGNATURE_END = 0x7f;
export const MAJOR_VERSION = 3;
export const GREETING_BYTES = 64;
export const MECHANISM_AT = 12;
export const MECHANISM_BYTES = 20;
const AS_SERVER_AT = 32;

export const MORE = 1;
export const LONG = 2;
export const COMMAND = 4;
export const UNKNOWN_FLAGS = 0xf8;

export const SUBSCRIBE = 1;
export const CANCEL = 0;

const SHORT_MAX = 255;
/** Below this size, copying is quicker than a second write. */
const JOIN_MAX_BYTES = 16 * 1024;
/** The memory that a waiting message takes besides its bytes. */
const MESSAGE_OVERHEAD_BYTES = 256;
/** The peer judges by its own pings: when we are busy, ours do not leave. */
const NO_TTL = Buffer.alloc(2);

/** A message for any number of peers. What is sent in the clear is encoded once. */
export class Message {
  readonly frames: readonly Uint8Array[];
  /** Its memory while it waits. */
  readonly size: number;
  #plain: readonly Uint8Array[] | undefined;

  constructor(...frames: readonly Uint8Array[]) {
    this.frames = frames;
    this.size = frames.reduce((sum, { byteLength }) => sum + byteLength, MESSAGE_OVERHEAD_BYTES);
  }

  get plain(): readonly Uint8Array[] {
    this.#plain ??= wrapped(...this.frames);
    return this.#plain;
  }
}

/** A command's name and data: the body of its frame. */
export function commandBody(name: string, ...data: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1'), ...data]);
}

export const PING_BODY: Buffer = commandBody('PING', NO_TTL);

export function pongBody(context: Uint8Array): Buffer {
  return commandBody('PONG', context);
}

/** The properties that a socket announces after both greetings. */
export function metadataOf(type: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(type.length);
  const name = 'Socket-Type';
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), size, Buffer.from(type, 'latin1')]);
}

/** A whole frame. */
export function framed(flags: number, body: Uint8Array): Buffer {
  return Buffer.concat([headOf(flags, body.byteLength), body]);
}

export function greetingOf(mechanism: string, asServer: boolean): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = SIGNATURE_START;
  bytes[9] = SIGNATURE_END;
  bytes[10] = MAJOR_VERSION;
  bytes.write(mechanism, MECHANISM_AT, 'latin1');
  bytes[AS_SERVER_AT] = asServer ? 1 : 0;
  return bytes;
}

/** The head of a frame, without its body. */
export function headOf(flags: number, size: number): Buffer {
  if (size <= SHORT_MAX) return Buffer.from([flags, size]);
  const head = Buffer.alloc(9);
  head[0] = flags | LONG;
  head.writeBigUInt64BE(BigInt(size), 1);
  return head;
}

/** A message of these frames in the clear: in one piece, or all but its last frame and that. */
export function wrapped(...frames: readonly Uint8Array[]): readonly Uint8Array[] {
  const last = frames.length - 1;
  const parts = frames.flatMap((frame, index) => [headOf(index < last ? MORE : 0, frame.byteLength), frame]);
  const tail = frames[last]!;
  if (tail.byteLength <= JOIN_MAX_BYTES) return [Buffer.concat(parts)];
  return [Buffer.concat(parts.slice(0, -1)), tail];
}

/**
 * The value of a property in a peer's metadata, or nothing if it is not there or the metadata is damaged. Names are compared
 * without regard to case.
 */
export function propertyOf(metadata: Buffer, wanted: string): string | undefined {
  let at = 0;
  while (at < metadata.length) {
    const nameEnd = at + 1 + metadata[at]!;
    if (nameEnd + 4 > metadata.length) return undefined;
    const name = metadata.toString('latin1', at + 1, nameEnd).toLowerCase();
    const end = nameEnd + 4 + metadata.readUInt32BE(nameEnd);
    if (end > metadata.length) return undefined;
    if (name === wanted.toLowerCase()) return metadata.toString('latin1', nameEnd + 4, end);
    at = end;
  }
  return undefined;
}
