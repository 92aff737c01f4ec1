/**
 * Frames, their header, and the batch inside.
 *
 * 1. Nothing throws out of here, whatever the bytes.
 * 2. The header is read before any message: a frame of another version is refused as a whole, unread.
 * 3. Each message is decoded on its own: one that is corrupt or invalid becomes a fault and the rest goes on.
 * 4. Messages, and the fields of a large frame, are counted before any is decoded: a frame of more than `model/limits.ts` allows is refused as
 *    a whole, unread. A message of six bytes takes some hundred in memory.
 */
import protobuf from 'protobufjs/minimal.js';
import { messageOf } from '../base/errors.js';
import { MAX_FIELDS_PER_FRAME, MAX_MESSAGES_PER_FRAME } from '../model/limits.js';
import { PROTOCOL_VERSION } from '../model/protocol.js';
import { uint } from './fields.js';

/** One message of a batch that could not be used, and which one that was, as far as it could be read. */
export interface MessageFault {
  /** Its place in the frame, from 0. */
  readonly index: number;
  readonly code: 'bad_frame';
  /** Names the field, the value and what was expected. */
  readonly message: string;
  readonly executionId?: string;
  readonly seq?: number;
  readonly commandId?: string;
  readonly transactionId?: string;
}

export interface Undecodable {
  readonly ok: false;
  readonly code: 'bad_frame' | 'protocol_version' | 'say_hello';
  readonly message: string;
  /** That the frame is of, where that could be read. */
  readonly incarnation?: number;
}

/** The content of a frame, with the faults of the messages that are left out of `value`; or the reason why it cannot be read. */
export type Decoded<T> =
  | {
      readonly ok: true;
      readonly value: T;
      readonly faults: readonly MessageFault[];
      /** Approximate memory of the value: bytes. */
      readonly cost: number;
    }
  | Undecodable;

/** The fields of a fault besides its place. */
export type FaultSubject = Omit<MessageFault, 'index' | 'code' | 'message'>;

/** After this many faults, the rest of a frame is not read: a hostile sender gains nothing and must not cost a second. */
export const MAX_FAULTS_PER_FRAME = 1_000;

const LENGTH_DELIMITED = 2;
/** A smaller frame holds few fields, whatever is in it. */
const COUNTED_BYTES = 64 * 1024;
/** A message's objects, besides the bytes that it came in: measured on Node 20, generously. */
const MESSAGE_COST_BYTES = 512;
/** An entry of a list or a map, likewise. */
const ELEMENT_COST_BYTES = 128;

/** How one kind of batch is read. */
export interface BatchSpec<Message, Value> {
  /** The field number of the repeated messages. */
  readonly field: number;
  /** Reads one message at the reader's position; throws when its bytes are corrupt. */
  readonly read: (reader: protobuf.Reader, length: number) => Message;
  /** The model's value; nothing for a kind that is not known. Throws `InvalidField`. */
  readonly map: (message: Message) => Value | undefined;
  readonly subject: (message: Message) => FaultSubject;
  /**
   * Of peers that are not trusted, messages and fields are counted first, down to so many levels: 1 for a message that is flat, 2 for one
   * that wraps another. Absent: the peer is trusted.
   */
  readonly counted?: 1 | 2;
  /** Entries of the lists and maps in a value. @default none */
  readonly elements?: (value: Value) => number;
}

/** A reader over the frame's own bytes: `bytes` fields become views of them. */
export function readerOf(frame: Uint8Array): protobuf.Reader {
  return protobuf.Reader.create(
    Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength),
  );
}

/** Walks over the fields of a frame and skips those that `onField` does not read (by answering false). */
function walk(reader: protobuf.Reader, onField: (field: number, wireType: number) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    const field = tag >>> 3;
    if (!onField(field, tag & 7)) reader.skipType(tag & 7, 0, field);
  }
}

/** The header of a node's frame; its messages are not decoded. */
export interface Outline {
  readonly version: number;
  readonly incarnation: number;
  readonly messages: number;
  /** The field that the first message begins with. */
  readonly first: number;
}

/** Throws on what is not a frame. */
export function outlineOf(frame: Uint8Array, messageField: number): Outline {
  const reader = readerOf(frame);
  let [version, incarnation, messages, first] = [0, 0, 0, 0];
  walk(reader, (field, wireType) => {
    if (field === 1 && wireType === 0) version = reader.uint32();
    else if (field === 3 && wireType === 0) incarnation = uint('incarnation', reader.uint64() as never);
    else if (field === messageField && wireType === LENGTH_DELIMITED) {
      messages += 1;
      const next = reader.size() + reader.pos;
      if (next > reader.len) throw new RangeError('index out of range');
      if (messages === 1 && next > reader.pos) first = reader.tag() >>> 3;
      reader.pos = next;
    } else return false;
    return true;
  });
  return { version, incarnation, messages, first };
}

/**
 * Decodes one frame: the header by `onHeader` (which reads the fields 2 and 3 that it knows, and answers whether it did), then
 * the batch.
 */
export function decodeFrame<Message, Value, T>(
  frame: Uint8Array,
  spec: BatchSpec<Message, Value>,
  onHeader: (reader: protobuf.Reader, field: number, wireType: number) => boolean,
  value: (batch: readonly Value[]) => T,
): Decoded<T> {
  try {
    const reader = readerOf(frame);
    let version = 0;
    let messages = 0;
    walk(reader, (field, wireType) => {
      if (field === spec.field) {
        messages += 1;
        return false;
      }
      if (field !== 1 || wireType !== 0) return onHeader(reader, field, wireType);
      version = reader.uint32();
      return true;
    });
    if (version !== PROTOCOL_VERSION) return otherVersion(version);
    const excess = excessOf(frame, spec, messages);
    if (excess !== undefined) return { ok: false, code: 'bad_frame', message: excess };
    const batch: Value[] = [];
    const faults: MessageFault[] = [];
    reader.pos = 0;
    decodeBatch(reader, spec, batch, faults);
    return { ok: true, value: value(batch), faults, cost: costOf(frame, spec, batch, faults) };
  } catch (error) {
    return {
      ok: false,
      code: 'bad_frame',
      message: `the frame is not protobuf of tutti.v1: ${messageOf(error)}`,
    };
  }
}

export function otherVersion(version: number): Undecodable {
  const message = `protocol_version is ${version}, expected ${PROTOCOL_VERSION}`;
  return { ok: false, code: 'protocol_version', message };
}

/** Why a frame says too much to be decoded, if so. */
function excessOf(
  frame: Uint8Array,
  { field, counted }: Pick<BatchSpec<never, never>, 'field' | 'counted'>,
  messages: number,
): string | undefined {
  if (counted === undefined) return undefined;
  if (messages > MAX_MESSAGES_PER_FRAME)
    return `the frame has ${messages} messages, expected at most ${MAX_MESSAGES_PER_FRAME}`;
  if (frame.byteLength > COUNTED_BYTES && hasMoreFields(frame, field, counted, MAX_FIELDS_PER_FRAME))
    return `the messages of the frame have more than ${MAX_FIELDS_PER_FRAME} fields`;
  return undefined;
}

/** Whether the messages of a frame have more than `max` fields, down to so many levels. Their values are not read. */
function hasMoreFields(frame: Uint8Array, field: number, levels: 1 | 2, max: number): boolean {
  const reader = readerOf(frame);
  let count = 0;
  const countUntil = (end: number, level: number): void => {
    while (reader.pos < end && count <= max) {
      const tag = reader.tag();
      const wireType = tag & 7;
      count += 1;
      if (wireType !== LENGTH_DELIMITED || level === levels) {
        reader.skipType(wireType, 0, tag >>> 3);
        continue;
      }
      const next = reader.size() + reader.pos;
      countUntil(Math.min(next, end), level + 1);
      reader.pos = next;
    }
  };
  walk(reader, (each, wireType) => {
    if (each !== field || wireType !== LENGTH_DELIMITED) return false;
    const next = reader.size() + reader.pos;
    try {
      countUntil(Math.min(next, reader.len), 1);
    } catch {
      // A corrupt message becomes a fault when it is decoded.
    }
    reader.pos = count <= max ? next : reader.len;
    return true;
  });
  return count > max;
}

function costOf<Message, Value>(
  frame: Uint8Array,
  spec: BatchSpec<Message, Value>,
  batch: readonly Value[],
  faults: readonly MessageFault[],
): number {
  let elements = 0;
  if (spec.elements) for (const value of batch) elements += spec.elements(value);
  return (
    frame.byteLength + (batch.length + faults.length) * MESSAGE_COST_BYTES + elements * ELEMENT_COST_BYTES
  );
}

function decodeBatch<Message, Value>(
  reader: protobuf.Reader,
  spec: BatchSpec<Message, Value>,
  batch: Value[],
  faults: MessageFault[],
): void {
  const end = reader.len;
  let index = 0;
  walk(reader, (field, wireType) => {
    if (field !== spec.field || wireType !== LENGTH_DELIMITED) return false;
    const length = reader.size();
    const next = reader.pos + length;
    let message: Message | undefined;
    try {
      message = spec.read(reader, length);
      const mapped = spec.map(message);
      if (mapped !== undefined) batch.push(mapped);
    } catch (error) {
      const subject = message === undefined ? {} : spec.subject(message);
      faults.push({ index, code: 'bad_frame', message: messageOf(error), ...subject });
      reader.len = end;
    }
    index += 1;
    reader.pos = faults.length < MAX_FAULTS_PER_FRAME ? next : end;
    return true;
  });
}
