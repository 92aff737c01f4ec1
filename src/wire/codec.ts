/**
 * The only encode and the only decode of `tutti.v1` frames.
 *
 * 1. Decoding never throws, whatever the bytes; encoding trusts the model's types.
 * 2. One bad message never fails its batch: it is listed in `faults` and left out of `value`.
 * 3. A message kind that this version does not know is ignored without a fault.
 * 4. `bytes` of a decoded value are views of the frame: they keep it alive, and nobody may write to it.
 */

import { messageOf } from '../base/errors.js';
import { MAX_HELLO_BYTES } from '../model/limits.js';
import { type Outputs, PROTOCOL_VERSION, type ToNode, type ToOrchestrator } from '../model/protocol.js';
import { type Decoded, decodeFrame, type Outline, otherVersion, outlineOf } from './envelope.js';
import { type ReceivedEvent, readEvent, writeEvent } from './event-message.js';
import { short, uint } from './fields.js';
import { tutti } from './generated/tutti.js';
import { nodeMessages, writeNodeMessage } from './node-messages.js';
import { orchestratorMessages, writeOrchestratorMessage } from './orchestrator-messages.js';
import { outputMessages, writeOutput } from './output-messages.js';

export type { Decoded, MessageFault, Undecodable } from './envelope.js';
export type { ReceivedEvent } from './event-message.js';

const VARINT = 0;
const LENGTH_DELIMITED = 2;

export function encodeToOrchestrator(frame: ToOrchestrator): Uint8Array {
  return tutti.v1.ToOrchestrator.encode({
    protocolVersion: frame.protocolVersion,
    nodeId: frame.nodeId,
    incarnation: frame.incarnation,
    messages: frame.messages.map(writeNodeMessage),
  }).finish();
}

export function decodeToOrchestrator(frame: Uint8Array): Decoded<ToOrchestrator> {
  let nodeId = '';
  let incarnation = 0;
  return decodeFrame(
    frame,
    nodeMessages,
    (reader, field, wireType) => {
      if (field === 2 && wireType === LENGTH_DELIMITED) nodeId = short('node_id', reader.stringVerify());
      else if (field === 3 && wireType === VARINT)
        incarnation = uint('incarnation', reader.uint64() as never);
      else return false;
      return true;
    },
    (messages) => ({ protocolVersion: PROTOCOL_VERSION, nodeId, incarnation, messages }),
  );
}

/** The kind of message that a connection begins with: the field of `NodeMessage`. */
const HELLO_FIELD = 1;

/**
 * Decodes a frame of an unregistered connection: a hello, alone in its frame, or nothing. Anything else is not read, and answered with
 * `say_hello`.
 */
export function decodeHello(frame: Uint8Array): Decoded<ToOrchestrator> {
  if (frame.byteLength > MAX_HELLO_BYTES) {
    const message = `the frame has ${frame.byteLength} bytes, expected at most ${MAX_HELLO_BYTES} before the connection is registered`;
    return { ok: false, code: 'bad_frame', message };
  }
  let outline: Outline;
  try {
    outline = outlineOf(frame, nodeMessages.field);
  } catch (error) {
    const message = `the frame is not protobuf of tutti.v1: ${messageOf(error)}`;
    return { ok: false, code: 'bad_frame', message };
  }
  const { version, incarnation, messages, first } = outline;
  if (version !== PROTOCOL_VERSION) return otherVersion(version);
  const unread = {
    ok: false,
    code: 'say_hello',
    message: 'this connection has not registered: send a hello first, alone in its frame',
    incarnation,
  } as const;
  if (messages > 1 || (messages === 1 && first !== HELLO_FIELD)) return unread;
  const decoded = decodeToOrchestrator(frame);
  return decoded.ok && decoded.value.messages.some(({ kind }) => kind !== 'hello') ? unread : decoded;
}

export function encodeToNode(frame: ToNode): Uint8Array {
  return tutti.v1.ToNode.encode({
    protocolVersion: frame.protocolVersion,
    epoch: frame.epoch,
    incarnation: frame.incarnation,
    messages: frame.messages.map(writeOrchestratorMessage),
  }).finish();
}

export function decodeToNode(frame: Uint8Array): Decoded<ToNode> {
  let epoch = 0;
  let incarnation = 0;
  return decodeFrame(
    frame,
    orchestratorMessages,
    (reader, field, wireType) => {
      if (wireType !== VARINT) return false;
      if (field === 2) epoch = uint('epoch', reader.uint64() as never);
      else if (field === 3) incarnation = uint('incarnation', reader.uint64() as never);
      else return false;
      return true;
    },
    (messages) => ({ protocolVersion: PROTOCOL_VERSION, epoch, incarnation, messages }),
  );
}

export function encodeOutputs(frame: Outputs): Uint8Array {
  return tutti.v1.Outputs.encode({
    protocolVersion: frame.protocolVersion,
    outputs: frame.outputs.map(writeOutput),
  }).finish();
}

export function decodeOutputs(frame: Uint8Array): Decoded<Outputs> {
  return decodeFrame(
    frame,
    outputMessages,
    () => false,
    (outputs) => ({ protocolVersion: PROTOCOL_VERSION, outputs }),
  );
}

/** An event for the events plane; its `detail` goes as JSON bytes. */
export function encodeEvent(event: ReceivedEvent): Uint8Array {
  return tutti.v1.Event.encode(writeEvent(event)).finish();
}

export function decodeEvent(frame: Uint8Array): Decoded<ReceivedEvent> {
  return readEvent(frame);
}
