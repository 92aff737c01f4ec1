/** Outputs: model to protobuf and back. */
import type { Payload } from '../model/payload.js';
import type { Output } from '../model/protocol.js';
import type { BatchSpec, FaultSubject } from './envelope.js';
import { invalid, name, named, short, uint } from './fields.js';
import { tutti } from './generated/tutti.js';
import { readBlob } from './payloads.js';

import v1 = tutti.v1;

export function writeOutput(output: Output): v1.Output.$Properties {
  const { executionId, lease, seq, last, type, payload, logLines = 0, name: named = '' } = output;
  return payload.kind === 'inline'
    ? { executionId, lease, seq, last, type, logLines, name: named, payload: payload.bytes }
    : { executionId, lease, seq, last, type, logLines, name: named, blob: payload.blob };
}

export const outputMessages: BatchSpec<v1.Output, Output> = {
  field: 2,
  read: (reader, length) => v1.Output.decode(reader, length),
  map: readOutput,
  subject,
  counted: 1,
};

function readOutput(output: v1.Output): Output {
  return {
    executionId: name('output.execution_id', output.executionId),
    lease: name('output.lease', output.lease),
    seq: uint('output.seq', output.seq, 1),
    last: output.last,
    ...(output.logLines && { logLines: uint('output.log_lines', output.logLines) }),
    ...(output.name && { name: short('output.name', output.name) }),
    type: short('output.type', output.type),
    payload: readPayload(output),
  };
}

function readPayload({ value, payload, blob }: v1.Output): Payload {
  if (value === 'payload') return { kind: 'inline', bytes: payload! };
  if (value === 'blob') return { kind: 'blob', blob: readBlob('output.blob', blob!) };
  return invalid('output.value', 'absent', 'payload or blob');
}

function subject(output: v1.Output): FaultSubject {
  const { executionId } = output;
  let seq = 0;
  try {
    seq = uint('output.seq', output.seq);
  } catch {
    // The sequence number is the fault itself.
  }
  return { ...named('executionId', executionId), ...(seq ? { seq } : {}) };
}
