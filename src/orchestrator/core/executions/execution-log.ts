/**
 * The log of an execution, which is part of its history.
 *
 * G1. Nothing is added once the execution has ended: a line that comes later is counted and dropped.
 * G2. An execution has a budget of lines and bytes, a node one of bytes a second, and so have all nodes together. A line beyond them is
 *     left out, and the log says where and how many.
 * G3. An output says how many lines were sent before it. Its socket may be faster than theirs, so the last output waits for them, but no
 *     longer than `LATE_LINES_MS`.
 * G4. The line that names the blob with all of a stream is never left out, and the blob stays as long as the task. It is one for each
 *     stream; of a blob that is not here, and of a second one, the line is a line like any other.
 */
import type { BlobRef } from '../../../model/payload.js';
import type { LogLine, StreamName } from '../../../model/protocol.js';
import { type CommandNote, newsOf } from '../../../model/run.js';
import type { Execution } from '../../../model/task.js';
import { aboutExecution } from '../about.js';
import { emit } from '../emit.js';
import type { FleetNode } from '../state.js';
import type { Turn } from '../turn.js';

/** Of one execution. Far more than a person reads; a page of the log has 1,000. */
export const LOG_LINES = 100_000;
/** Of one execution, as stored. */
export const LOG_BYTES: number = 16 * 1024 * 1024;
/** G3. How long a last output waits for lines that were sent before it: two connections of one process are never so far apart. */
export const LATE_LINES_MS = 500;

/** Adds a line, or counts that it was left out. */
export function recordLine(turn: Turn, node: FleetNode, execution: Execution, line: LogLine): void {
  const { log } = execution;
  const whole = wholeOf(turn, execution, line);
  const detail = {
    logged_at: new Date(line.at).toISOString(),
    level: line.level,
    message: line.message,
    fields: line.fields,
    ...whole,
  };
  const size = JSON.stringify(detail).length;
  const kept = log.lines + 1 - log.leftOut;
  if (whole) {
    sayLeftOut(turn, execution);
    emit(turn, { type: 'execution.log', ...aboutExecution(execution), ...detail, bytes: size });
  } else if (kept > LOG_LINES || log.bytes + size > LOG_BYTES) {
    if (!log.isFull) {
      sayLeftOut(turn, execution);
      sayFull(turn, execution);
    }
    leaveOut(turn, execution);
  } else if (!log.isFull && isAffordable(turn, node, size)) {
    sayLeftOut(turn, execution);
    emit(turn, { type: 'execution.log', ...aboutExecution(execution), ...detail, bytes: size });
  } else leaveOut(turn, execution);
}

function leaveOut(turn: Turn, execution: Execution): void {
  emit(turn, { type: 'execution.line_left_out', execution_id: execution.id });
  turn.state.counters.add('log_lines_left_out');
}

/** New information from an agent about the command. It does not count against the budget, since each field is new only once. */
export function recordCommand(turn: Turn, node: FleetNode, execution: Execution, note: CommandNote): void {
  const { argv, engineId, host, startedAt, endedAt, exitCode, signal, folder } = note;
  const cluster = node.instance;
  const engine = turn.state.clusters.get(cluster)?.type;
  const news = newsOf(execution.command ?? {}, {
    cluster,
    ...(engine && { engine }),
    ...(argv && { argv }),
    ...(engineId !== undefined && { engine_id: engineId }),
    ...(host !== undefined && { host }),
    ...(startedAt !== undefined && { started_at: new Date(startedAt).toISOString() }),
    ...(endedAt !== undefined && { ended_at: new Date(endedAt).toISOString() }),
    ...(exitCode !== undefined && { exit_code: exitCode }),
    ...(signal !== undefined && { signal }),
    ...(folder !== undefined && { folder }),
  });
  if (Object.keys(news).length > 0)
    emit(turn, { type: 'execution.command', ...aboutExecution(execution), ...news });
}

/** G4. */
function wholeOf(
  { loaded }: Turn,
  { wholeStreams = {} }: Execution,
  { whole }: LogLine,
): { readonly stream: StreamName; readonly blob: BlobRef } | undefined {
  if (!whole || wholeStreams[whole.stream]) return undefined;
  const { sha256 } = whole.blob;
  const size = loaded.blobs.get(sha256);
  return size === undefined ? undefined : { stream: whole.stream, blob: { sha256, size } };
}

/** G2. */
function isAffordable({ state, nowMs }: Turn, node: FleetNode, size: number): boolean {
  return (
    state.logBytes.has(size, nowMs) && node.logBytes.take(size, nowMs) && state.logBytes.take(size, nowMs)
  );
}

/** The execution ends: reports the lines that were left out since the last report. */
export function closeLog(turn: Turn, execution: Execution): void {
  sayLeftOut(turn, execution);
}

function sayLeftOut(turn: Turn, execution: Execution): void {
  const { log } = execution;
  if (log.unsaid === 0) return;
  const lines = log.unsaid === 1 ? '1 line was' : `${log.unsaid} lines were`;
  say(turn, execution, `${lines} left out here`, { left_out: String(log.unsaid) });
}

function sayFull(turn: Turn, execution: Execution): void {
  const budget = `${LOG_LINES} lines or ${LOG_BYTES / 1024 / 1024} MiB`;
  say(
    turn,
    execution,
    `the log is full (${budget} for each execution): further lines are left out`,
    {},
    true,
  );
}

function say(
  turn: Turn,
  execution: Execution,
  message: string,
  fields: Record<string, string>,
  isFull = false,
): void {
  emit(turn, {
    type: 'execution.log',
    ...aboutExecution(execution),
    logged_at: new Date(turn.wallMs).toISOString(),
    level: 'warn',
    message,
    fields: { by: 'tutti', ...fields },
    ...(isFull && { is_full: true }),
  });
}
