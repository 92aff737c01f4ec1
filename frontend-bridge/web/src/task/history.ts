/** What a task's events tell about one of its modules: its attempts, its outputs as they came, its log. */
import { entriesOf } from '../../../../src/base/json/exact.js';
import type { ErrorJson, EventJson, LogLevel, ObservedState } from '../api/shapes.js';
import { errorOf, flag, number, observedStateOf, text } from '../state/event-fields.js';

export interface Attempt {
  readonly execution_id: string;
  readonly attempt: number;
  readonly node_id: string | undefined;
  readonly state: ObservedState;
  readonly assigned_at: string;
  readonly ended_at: string | null;
  readonly error: ErrorJson | undefined;
}

export interface RecordedOutput {
  readonly execution_id: string;
  readonly attempt: number;
  readonly output_seq: number;
  readonly last: boolean;
  /** Of a module with several outputs. */
  readonly name: string | undefined;
  readonly at: string;
  /** Absent when it was too large for its event. */
  readonly output: unknown;
}

export interface LogEntry {
  readonly seq: number;
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ModuleHistory {
  readonly attempts: readonly Attempt[];
  readonly outputs: readonly RecordedOutput[];
  readonly log: readonly LogEntry[];
}

const OVER = new Set<ObservedState>(['succeeded', 'failed', 'cancelled', 'preempted', 'rejected', 'lost']);
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export function moduleHistory(events: readonly EventJson[], module: string): ModuleHistory {
  const attempts = new Map<string, Attempt>();
  const outputs: RecordedOutput[] = [];
  const log: LogEntry[] = [];
  for (const event of events) {
    const id = event.execution_id;
    if (event.module !== module || id === undefined) continue;
    if (event.type === 'output.recorded') outputs.push(readOutput(event, id));
    else if (event.type === 'execution.log') log.push(readLog(event));
    else readAttempt(attempts, event, id);
  }
  return { attempts: [...attempts.values()], outputs, log };
}

function readAttempt(attempts: Map<string, Attempt>, event: EventJson, id: string): void {
  const state = observedStateOf(event);
  if (state === undefined) return;
  const earlier = attempts.get(id);
  attempts.set(id, {
    execution_id: id,
    attempt: event.attempt ?? earlier?.attempt ?? attempts.size + 1,
    node_id: event.node_id ?? earlier?.node_id,
    state,
    assigned_at: earlier?.assigned_at ?? event.at,
    ended_at: OVER.has(state) ? event.at : null,
    error: errorOf(event) ?? earlier?.error,
  });
}

function readOutput(event: EventJson, id: string): RecordedOutput {
  return {
    execution_id: id,
    attempt: event.attempt ?? 1,
    output_seq: number(event, 'output_seq') ?? 0,
    last: flag(event, 'last') ?? false,
    name: text(event, 'name'),
    at: event.at,
    output: event.output,
  };
}

/** An event never changes, and a scrubber asks for all lines before it again and again. */
const READ = new WeakMap<EventJson, LogEntry>();

export function readLog(event: EventJson): LogEntry {
  const known = READ.get(event);
  if (known) return known;
  const { fields } = event;
  const entry: LogEntry = {
    seq: event.seq,
    at: text(event, 'logged_at') ?? event.at,
    level: LEVELS.find((level) => level === event.level) ?? 'info',
    message: text(event, 'message') ?? '',
    fields: typeof fields === 'object' && fields !== null ? Object.fromEntries(entriesOf(fields)) : {},
  };
  READ.set(event, entry);
  return entry;
}
