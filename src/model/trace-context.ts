/**
 * Where a task and its executions stand in a trace (W3C Trace Context), whether or not it is exported.
 *
 * C1. Ids are derived from those of the task and the execution: nothing has to be stored for them, and after a restart they are the same.
 * C2. A task whose submission belongs to a trace is a part of that trace, sampled or not as its caller has decided; any other one is a
 *     trace of its own, which is sampled.
 */
import type { TaskId } from './task-id.js';

export interface TraceParent {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  readonly flags: number;
}

interface TracedTask {
  readonly id: TaskId;
  /** As `keptTraceparent` gives it. */
  readonly traceparent?: string | undefined;
}

export const SAMPLED = 1;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Nothing where it is not valid: by the specification, such a header is ignored. */
export function parseTraceparent(text: string): TraceParent | undefined {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || version === 'ff') return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const isKnownVersion = version === '00';
  if (isKnownVersion && more !== undefined) return undefined;
  const given = Number.parseInt(flags!, 16);
  // Of a later version, only this flag is sure to mean the same.
  return { traceId, spanId, flags: isKnownVersion ? given : given & SAMPLED };
}

export function formatTraceparent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}

/** The stored part of a request's header. */
export function keptTraceparent(header: string | undefined): string | undefined {
  const parent = header === undefined ? undefined : parseTraceparent(header);
  return parent && formatTraceparent(parent);
}

/** C2. The span of a task, and the one that it belongs below. */
export function spanOfTask(task: TracedTask): TraceParent & { readonly parent: TraceParent | undefined } {
  const { problemId, iterationId } = task.id;
  const parent = task.traceparent === undefined ? undefined : parseTraceparent(task.traceparent);
  const own = numbered(problemId, iterationId);
  return {
    traceId: parent?.traceId ?? own,
    spanId: own.slice(16),
    flags: parent?.flags ?? SAMPLED,
    parent,
  };
}

/** C1: the half of a UUIDv7 with most of its random bits; never 0, because of its variant. */
export function spanIdOfExecution(executionId: string): string {
  return executionId.replaceAll('-', '').slice(16);
}

/** The trace context for a node: the span of its execution, or the caller's if executions have none. */
export function traceparentOf(task: TracedTask, executionId: string, hasSpans: boolean): string | undefined {
  if (!hasSpans) return task.traceparent;
  return formatTraceparent({ ...spanOfTask(task), spanId: spanIdOfExecution(executionId) });
}

/** The 32 digits of a UUID, changed by a number: those of a problem's iterations differ. */
function numbered(uuid: string, number: number): string {
  return (BigInt(`0x${uuid.replaceAll('-', '')}`) ^ BigInt(number)).toString(16).padStart(32, '0');
}
