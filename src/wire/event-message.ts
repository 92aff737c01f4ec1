/** Committed events for the events plane: model to protobuf and back. */
import { messageOf } from '../base/errors.js';
import { printJson } from '../base/json/json-text.js';
import { type EncodedEvent, EVENT_TYPES, type EventType, type Fact } from '../model/event.js';
import { type Decoded, readerOf } from './envelope.js';
import { invalid, name, time, uint } from './fields.js';
import { tutti } from './generated/tutti.js';

import v1 = tutti.v1;

/** An event as a subscriber gets it. */
export type ReceivedEvent = Omit<EncodedEvent, 'json'>;

const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENT_TYPES);

export function writeEvent({ seq, at, fact }: EncodedEvent): v1.Event.$Properties {
  return {
    seq,
    at,
    type: fact.type,
    taskId: fact.taskId ?? null,
    module: fact.module ?? null,
    executionId: fact.executionId ?? null,
    attempt: fact.attempt ?? null,
    nodeId: fact.nodeId ?? null,
    detail: fact.detail === undefined ? null : Buffer.from(printJson(fact.detail)),
  };
}

export function readEvent(frame: Uint8Array): Decoded<ReceivedEvent> {
  try {
    const event = v1.Event.decode(readerOf(frame));
    const seq = uint('event.seq', event.seq, 1);
    const value = { seq, at: time('event.at', event.at), fact: readFact(event) };
    return { ok: true, value, faults: [], cost: frame.byteLength };
  } catch (error) {
    return {
      ok: false,
      code: 'bad_frame',
      message: `the frame is not an event of tutti.v1: ${messageOf(error)}`,
    };
  }
}

function readFact(event: v1.Event): Fact {
  const { type, taskId, module, executionId, attempt, nodeId, detail } = event;
  if (!KNOWN_TYPES.has(type)) invalid('event.type', type, 'a type that this version knows');
  return {
    type: type as EventType,
    ...(taskId
      ? {
          taskId: {
            problemId: name('event.task_id.problem_id', taskId.problemId),
            iterationId: uint('event.task_id.iteration_id', taskId.iterationId, 1),
          },
        }
      : {}),
    ...(module ? { module } : {}),
    ...(executionId ? { executionId } : {}),
    ...(attempt ? { attempt } : {}),
    ...(nodeId ? { nodeId } : {}),
    ...(detail.length > 0 ? { detail: readDetail(detail) } : {}),
  };
}

function readDetail(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const detail: unknown = JSON.parse(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(),
  );
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) {
    invalid('event.detail', JSON.stringify(detail), 'a JSON object');
  }
  return detail as Readonly<Record<string, unknown>>;
}
