/**
 * Frames, their header, and the batch inside.
 *
 * 1. Nothing throws out of here, whatever the bytes.
 * 2. The header is read before any message: a frame of another version is refused as a whole, unread.
 * 3. Each message is decoded on its own: one that is corrupt or invalid becomes a fault and the rest goes on.
 */
import protobuf from 'protobufjs/minimal.js';
import { messageOf } from '../base/errors.js';
import { PROTOCOL_VERSION } from '../model/protocol.js';

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
  readonly code: 'bad_frame' | 'protocol_version';
  readonly message: string;
}

/** What a frame said, with the faults of those of its messages that are left out of `value`; or why it says nothing. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T; readonly faults: readonly MessageFault[] }
  | Undecodable;

/** What a fault names besides its place. */
export type FaultSubject = Omit<MessageFault, 'index' | 'code' | 'message'>;

/** After so many faults the rest of a frame is left unread: whoever sends it gains nothing and must not cost a second. */
export const MAX_FAULTS_PER_FRAME = 1_000;

const LENGTH_DELIMITED = 2;

/** How one kind of batch is read. */
export interface BatchSpec<Message, Value> {
  /** The field number of the repeated messages. */
  readonly field: number;
  /** Reads one message at the reader's position; throws when its bytes are corrupt. */
  readonly read: (reader: protobuf.Reader, length: number) => Message;
  /** The model's value; nothing for a kind that is not known. Throws `InvalidField`. */
  readonly map: (message: Message) => Value | undefined;
  readonly subject: (message: Message) => FaultSubject;
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
    walk(reader, (field, wireType) => {
      if (field === spec.field) return false;
      if (field !== 1 || wireType !== 0) return onHeader(reader, field, wireType);
      version = reader.uint32();
      return true;
    });
    if (version !== PROTOCOL_VERSION) return otherVersion(version);
    const batch: Value[] = [];
    const faults: MessageFault[] = [];
    reader.pos = 0;
    decodeBatch(reader, spec, batch, faults);
    return { ok: true, value: value(batch), faults };
  } catch (error) {
    return {
      ok: false,
      code: 'bad_frame',
      message: `the frame is not protobuf of tutti.v1: ${messageOf(error)}`,
    };
  }
}

function otherVersion(version: number): Undecodable {
  const message = `protocol_version is ${version}, expected ${PROTOCOL_VERSION}`;
  return { ok: false, code: 'protocol_version', message };
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
