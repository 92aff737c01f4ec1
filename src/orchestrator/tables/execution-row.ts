/** An execution, as the row of its task or of its item has it. */

import { hasEnded, type ObservedState } from '../../model/execution.js';
import type { BlobUse, FinalReport, StopCause } from '../../model/facts.js';
import type { BlobRef } from '../../model/payload.js';
import { type ReportedError, STREAMS, type StreamName } from '../../model/protocol.js';
import type { CommandFields } from '../../model/run.js';
import type { Execution, LogTally, Task } from '../../model/task.js';
import { newLog } from '../../model/task.js';

export interface ExecutionRow {
  readonly execution_id: string;
  readonly lease: string;
  readonly attempt: number;
  readonly generation: number;
  /** Of a module in a loop. */
  readonly pass?: number;
  /** Of a module with `map`. */
  readonly item?: number;
  readonly node_id: string;
  readonly boot_id: string;
  readonly state: ObservedState;
  readonly stop?: StopCause;
  readonly accepted?: true;
  readonly assigned_at: number;
  readonly cache_key?: string;
  readonly accepted_at?: number;
  readonly started_at?: number;
  readonly finished_at?: number;
  readonly outputs: number;
  readonly last_seq?: number;
  readonly final?: FinalReport;
  /** Its named outputs, by name their seq. */
  readonly named?: Readonly<Record<string, number>>;
  readonly blobs?: readonly (readonly [number, BlobRef])[];
  readonly whole_streams?: Readonly<Partial<Record<StreamName, BlobRef>>>;
  readonly indexed?: Readonly<Record<string, string>>;
  readonly progress?: number;
  readonly message?: string;
  readonly error?: ReportedError;
  readonly command?: CommandFields;
  /** Of its log; lines that came after the row was written last are not counted. */
  readonly log?: LogRow;
}

export interface LogRow {
  readonly lines: number;
  readonly bytes: number;
  readonly left_out?: number;
  readonly unsaid?: number;
  readonly full?: true;
}

/** The owner of the blob that has all of a stream of an execution; its `seq` is 0. */
export function streamOwner(stream: StreamName, executionId: string): string {
  return `log/${stream}/${executionId}`;
}

/** Streams of an execution of which blobs have all. */
export function wholeStreamsOf({ execution_id, whole_streams = {} }: ExecutionRow): BlobUse[] {
  return STREAMS.flatMap((stream): BlobUse[] => {
    const blob = whole_streams[stream];
    return blob ? [[blob.sha256, streamOwner(stream, execution_id), 0]] : [];
  });
}

function logToRow({ lines, bytes, leftOut, unsaid, isFull }: LogTally): LogRow | undefined {
  if (lines === 0) return undefined;
  return {
    ...{ lines, bytes },
    ...(leftOut > 0 && { left_out: leftOut }),
    ...(unsaid > 0 && { unsaid }),
    ...(isFull && { full: true }),
  };
}

function logFromRow(row: LogRow | undefined): LogTally {
  if (!row) return newLog();
  const { lines, bytes, left_out = 0, unsaid = 0, full = false } = row;
  return { lines, bytes, leftOut: left_out, unsaid, isFull: full };
}

/** Absent fields are left out by `JSON.stringify`. */
export function executionToRow(execution: Execution): unknown {
  return {
    execution_id: execution.id,
    lease: execution.lease,
    attempt: execution.attempt,
    generation: execution.generation,
    pass: execution.pass,
    item: execution.item,
    node_id: execution.nodeId,
    boot_id: execution.bootId,
    state: execution.observed,
    stop: execution.stopCause,
    accepted: execution.acceptedByReport || undefined,
    assigned_at: execution.assignedAt,
    cache_key: execution.cacheKey,
    accepted_at: execution.acceptedAt,
    started_at: execution.startedAt,
    finished_at: execution.finishedAt,
    outputs: execution.committed,
    last_seq: execution.lastSeq,
    final: execution.final,
    named: execution.named && Object.fromEntries(execution.named),
    blobs: execution.blobs && [...execution.blobs],
    whole_streams: execution.wholeStreams,
    indexed: execution.indexed,
    progress: execution.progress,
    message: execution.message,
    error: execution.error,
    command: execution.command,
    log: logToRow(execution.log),
  } satisfies Record<keyof ExecutionRow, unknown>;
}

export function executionFromRow(row: ExecutionRow, task: Task, position: number): Execution {
  return {
    id: row.execution_id,
    lease: row.lease,
    task,
    position,
    attempt: row.attempt,
    generation: row.generation,
    pass: row.pass,
    item: row.item,
    nodeId: row.node_id,
    bootId: row.boot_id,
    assignedAt: row.assigned_at,
    cacheKey: row.cache_key,
    desired: row.stop || hasEnded(row.state) ? 'stopped' : 'running',
    stopCause: row.stop,
    observed: row.state,
    acceptedByReport: row.accepted ?? false,
    missedBeats: 0,
    awaitedLines: 0,
    acceptedAt: row.accepted_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    committed: row.outputs,
    lastSeq: row.last_seq,
    final: row.final,
    named: row.named && new Map(Object.entries(row.named)),
    blobs: row.blobs && new Map(row.blobs),
    wholeStreams: row.whole_streams,
    indexed: row.indexed,
    progress: row.progress,
    message: row.message,
    error: row.error,
    command: row.command,
    log: logFromRow(row.log),
  };
}
