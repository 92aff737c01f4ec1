/** A task as a terminal shows it while it runs: one line a module, kept current by the task's events. Pure. */
import type { StreamedEvent } from '../../client/follow.js';
import { missingInputs, waitingFor } from '../../model/module-state.js';
import { type IterationView, provenanceOf, sourceOf } from '../task.js';

export interface Line {
  readonly name: string;
  /** What it takes, by name. */
  readonly inputs: readonly string[];
  /** Inputs that are not what the graph would give it. */
  readonly overridden: readonly string[];
  readonly state: string;
  readonly execution: string | undefined;
  /** 0–1 */
  readonly progress: number | undefined;
  /** Why it waits or failed, or what it is at. */
  readonly note: string;
  /** Unix milliseconds. */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
}

export interface Board {
  readonly taskId: string;
  readonly state: string;
  /** Unix milliseconds. */
  readonly startedAt: number | undefined;
  readonly lines: readonly Line[];
}

/** The inputs of each module, in the order in which they run. */
export type Inputs = Readonly<Record<string, readonly string[]>>;

export function boardOf(view: IterationView, inputs: Inputs): Board {
  const names = [...new Set([...Object.keys(inputs), ...Object.keys(view.modules)])];
  const lines = names.map((name): Line => {
    const module = view.modules[name];
    return {
      name,
      inputs: inputs[name] ?? [],
      overridden: module?.overridden ?? [],
      state: module?.state ?? 'waiting',
      execution: text(module?.execution_id),
      progress: typeof module?.progress === 'number' ? module.progress : undefined,
      note:
        module?.error?.message ??
        text(module?.progress_message) ??
        module?.waiting_reason ??
        (module ? provenanceOf(module) : ''),
      startedAt: moment(module?.started_at),
      finishedAt: moment(module?.finished_at),
    };
  });
  return { taskId: view.task_id, state: view.state, startedAt: moment(view.started_at), lines };
}

/** What is said of a line: of one that waits, first of all the inputs that it waits for. */
export function noteOf({ lines }: Board, { state, note, inputs, overridden }: Line): string {
  if (state !== 'waiting') return note;
  const missing = missingInputs(
    inputs,
    overridden,
    (name) => lines.find((line) => line.name === name)?.state,
  );
  return waitingFor(missing)?.reason ?? note;
}

/** The board after an event of its task. */
export function advance(board: Board, event: StreamedEvent): Board {
  const [subject, what = ''] = event.type.split('.');
  const at = Date.parse(event.at);
  if (subject === 'iteration') {
    const state =
      what === 'started' || what === 'resumed' ? 'running' : what === 'submitted' ? 'waiting' : what;
    return { ...board, state, startedAt: board.startedAt ?? (state === 'running' ? at : undefined) };
  }
  const index = board.lines.findIndex(({ name }) => name === event.module);
  const line = board.lines[index];
  const next = line && advanceLine(line, subject ?? '', what, event, at);
  return next === undefined || next === line ? board : { ...board, lines: board.lines.with(index, next) };
}

const ENDS = ['succeeded', 'failed', 'cancelled', 'preempted', 'rejected', 'lost'];

function advanceLine(line: Line, subject: string, what: string, event: StreamedEvent, at: number): Line {
  if (subject === 'module' && what === 'reused') {
    return { ...line, state: what, note: sourceOf(event) ?? '', progress: undefined };
  }
  if (subject === 'module' && what === 'reset')
    return { ...line, state: 'waiting', note: '', execution: undefined, progress: undefined };
  if (subject === 'module') {
    const state = what === 'skipped' ? 'skipped' : 'waiting';
    return { ...line, state, note: text(event.reason) ?? '', progress: undefined };
  }
  if (subject === 'approval' && what === 'requested')
    return { ...line, state: 'waiting', note: `waiting for approval: ${text(event.message) ?? ''}` };
  if (subject === 'approval') {
    const isGranted = event.decision === 'approve';
    const why = text(event.reason);
    const note = `${isGranted ? 'approved' : 'denied'}${why === undefined ? '' : `: ${why}`}`;
    return { ...line, state: isGranted ? 'succeeded' : 'failed', note };
  }
  if (subject !== 'execution') return line;
  const execution = text(event.execution_id);
  if (what === 'assigned') {
    return {
      ...line,
      state: what,
      execution,
      progress: undefined,
      note: '',
      startedAt: at,
      finishedAt: undefined,
    };
  }
  // What an execution still says that has been replaced is not the module's any more.
  if (execution !== line.execution) return line;
  if (what === 'progress') {
    const progress = typeof event.progress === 'number' ? event.progress : line.progress;
    return { ...line, progress, note: text(event.message) ?? line.note };
  }
  if (what === 'accepted' || what === 'running') return { ...line, state: what };
  if (!ENDS.includes(what)) return line;
  const error = (event.error ?? undefined) as { message?: unknown } | undefined;
  return {
    ...line,
    state: what,
    finishedAt: at,
    progress: what === 'succeeded' ? 1 : line.progress,
    note: text(error?.message) ?? (what === 'succeeded' ? '' : line.note),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function moment(value: unknown): number | undefined {
  return typeof value === 'string' ? Date.parse(value) : undefined;
}
