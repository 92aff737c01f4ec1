/**
 * What we say in ZMTP 3 (https://rfc.zeromq.org/spec/23/, with the heartbeats of spec 37): greeting, READY, messages, PING and PONG. We greet as
 * version 3.0, so that subscriptions are messages that begin with a byte: every peer understands those, and sends them.
 */

export const SIGNATURE_START = 0xff;
export const SIGNATURE_END = 0x7f;
export const MAJOR_VERSION = 3;
export const GREETING_BYTES = 64;
export const MECHANISM_AT = 12;
export const MECHANISM = 'NULL';

export const MORE = 1;
export const LONG = 2;
export const COMMAND = 4;
export const UNKNOWN_FLAGS = 0xf8;

export const SUBSCRIBE = 1;
export const CANCEL = 0;

const SHORT_MAX = 255;
/** Copying so little is quicker than a second write. */
const JOIN_MAX_BYTES = 16 * 1024;
/** The peer is to judge by its own pings: when we are busy, ours stay out. */
const NO_TTL = Buffer.alloc(2);

export const GREETING: Buffer = greeting();
export const PING: Buffer = command('PING', NO_TTL);

/** What a socket says of itself once it was greeted. */
export function readyOf(type: string): Buffer {
  return command('READY', property('Socket-Type', type));
}

export function pongTo(context: Uint8Array): Buffer {
  return command('PONG', context);
}

/** A message of these frames, as what is to be written: at once, or all but its last frame, and that. */
export function wrapped(...frames: readonly Uint8Array[]): readonly Uint8Array[] {
  const last = frames.length - 1;
  const parts = frames.flatMap((frame, index) => [headOf(index < last ? MORE : 0, frame.byteLength), frame]);
  const tail = frames[last]!;
  if (tail.byteLength <= JOIN_MAX_BYTES) return [Buffer.concat(parts)];
  return [Buffer.concat(parts.slice(0, -1)), tail];
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
