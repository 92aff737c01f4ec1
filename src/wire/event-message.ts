/** Committed events for the events plane: model to protobuf and back. */
import { messageOf } from '../base/errors.js';
import { printJson } from '../base/json/json-text.js';
import { badFieldOf, isEventType, isShownFact } from '../model/fact-reader.js';
import { FACTS, type ShownFact, type Subject } from '../model/facts.js';
import { type Decoded, readerOf } from './envelope.js';
import { invalid, name, time, uint } from './fields.js';
import { tutti } from './generated/tutti.js';

import v1 = tutti.v1;

/** An event as a subscriber gets it. */
export interface ReceivedEvent {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly fact: ShownFact;
}

export function writeEvent({ seq, at, fact }: ReceivedEvent): v1.Event.$Properties {
  const subject: Subject = fact;
  const fields: Readonly<Record<string, unknown>> = fact;
  const own = Object.keys(FACTS[fact.type].shown).filter((field) => fields[field] !== undefined);
  const { project, module, pass, item } = subject;
  const detail = {
    ...(project !== undefined && { project }),
    ...(module !== undefined && pass !== undefined && { pass }),
    ...(module !== undefined && item !== undefined && { item }),
    ...Object.fromEntries(own.map((field) => [field, fields[field]])),
  };
  return {
    seq,
    at,
    type: fact.type,
    taskId: subject.problem_id === undefined ? null : taskOf(subject.problem_id, subject.iteration_id),
    module: subject.module ?? null,
    executionId: subject.execution_id ?? null,
    attempt: subject.attempt ?? null,
    nodeId: subject.node_id ?? null,
    detail: Object.keys(detail).length === 0 ? null : Buffer.from(printJson(detail)),
  };
}

/** An event about a problem as a whole names no iteration. */
function taskOf(problemId: string, iterationId = 0): v1.TaskId.$Properties {
  return { problemId, iterationId };
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

function readFact(event: v1.Event): ShownFact {
  const { type, taskId, module, executionId, attempt, nodeId, detail } = event;
  if (!isEventType(type)) invalid('event.type', type, 'a type that this version knows');
  const fact = {
    type,
    ...(taskId && {
      problem_id: name('event.task_id.problem_id', taskId.problemId),
      ...(taskId.iterationId !== 0 && {
        iteration_id: uint('event.task_id.iteration_id', taskId.iterationId, 1),
      }),
    }),
    ...(module && { module }),
    ...(executionId && { execution_id: executionId }),
    ...(attempt && { attempt }),
    ...(nodeId && { node_id: nodeId }),
    ...(detail.length > 0 && readDetail(detail)),
  };
  return isShownFact(fact)
    ? fact
    : invalid('event.detail', JSON.stringify(fact), `${type} with its field ${badFieldOf(type, fact)}`);
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
