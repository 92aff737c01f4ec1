/** A task as a terminal shows it while it runs: one line a module, kept current by the task's events. Pure. */

import type { StreamedEvent } from '../../client/follow.js';
import type { TaskAnswerJson } from '../../contract/iteration.js';
import { EXECUTION_ENDS } from '../../model/execution.js';
import { type HoldingLoop, missingInputs, statesFor, waitingFor } from '../../model/module-state.js';
import { provenanceOf, sourceOf } from '../tasks/task.js';

export interface Line {
  readonly name: string;
  /** Its inputs by name. */
  readonly inputs: readonly string[];
  /** Inputs that are not what the graph would give it. */
  readonly overridden: readonly string[];
  /** Of a module in a loop. */
  readonly pass: number | undefined;
  /** Of a module with `map` that has begun. */
  readonly items: { readonly total: number; readonly done: number } | undefined;
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
  readonly loops: readonly HoldingLoop[];
  /** The last modules of those that have ended. */
  readonly ended: readonly string[];
}

export interface Course {
  /** The inputs of each module, in the order in which they run. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly loops: readonly HoldingLoop[];
}

export function boardOf(view: TaskAnswerJson, { inputs, loops }: Course): Board {
  const names = [...new Set([...Object.keys(inputs), ...Object.keys(view.modules)])];
  const lines = names.map((name): Line => {
    const module = view.modules[name];
    return {
      name,
      inputs: inputs[name] ?? [],
      overridden: module?.overridden ?? [],
      pass: typeof module?.pass === 'number' ? module.pass : undefined,
      items: module?.items ?? undefined,
      state: module?.state ?? 'waiting',
      execution: text(module?.execution_id),
      progress: module?.items
        ? shareOf(module.items)
        : typeof module?.progress === 'number'
          ? module.progress
          : undefined,
      note:
        module?.error?.message ??
        text(module?.progress_message) ??
        module?.waiting_reason ??
        (module ? provenanceOf(module) : ''),
      startedAt: moment(module?.started_at),
      finishedAt: moment(module?.finished_at),
    };
  });
  const ended = loops.map(({ from }) => from).filter((from) => text(view.modules[from]?.loop_end));
  const { task_id: taskId, state } = view;
  return { taskId, state, startedAt: moment(view.started_at), lines, loops, ended };
}

/** The text of a line: for a waiting module, first the inputs that it waits for. */
export function noteOf({ lines, loops, ended }: Board, line: Line): string {
  const { name, state, note, inputs, overridden } = line;
  if (state !== 'waiting') return note;
  const states = statesFor(
    name,
    loops,
    (input) => lines.find((one) => one.name === input)?.state,
    (from) => ended.includes(from),
  );
  return waitingFor(missingInputs(inputs, overridden, states))?.reason ?? note;
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
  if (subject === 'loop') return turn(board, what, event);
  const index = board.lines.findIndex(({ name }) => name === event.module);
  const line = board.lines[index];
  const next = line && advanceLine(line, subject ?? '', what, event, at);
  if (next === undefined || next === line) return board;
  const isReset = event.type === 'module.reset';
  const ended = isReset ? board.ended.filter((from) => from !== next.name) : board.ended;
  return { ...board, lines: board.lines.with(index, next), ended };
}

/** The modules of a loop begin another pass, or there is none. */
function turn(board: Board, what: string, event: StreamedEvent): Board {
  if (what === 'passed') {
    const modules = Array.isArray(event.modules) ? (event.modules as unknown[]) : [];
    const pass = typeof event.pass === 'number' ? event.pass : undefined;
    const lines = board.lines.map((line) => (modules.includes(line.name) ? anew(line, pass) : line));
    return { ...board, lines };
  }
  const from = text(event.from) ?? '';
  const error = (event.error ?? undefined) as { message?: unknown } | undefined;
  const lines = board.lines.map((line) =>
    error && line.name === from ? { ...line, state: 'failed', note: text(error.message) ?? '' } : line,
  );
  return { ...board, lines, ended: [...board.ended, from] };
}

/** Its earlier work no longer counts. */
function anew(line: Line, pass: number | undefined): Line {
  return {
    ...line,
    pass,
    items: undefined,
    state: 'waiting',
    note: '',
    execution: undefined,
    progress: undefined,
  };
}

/** How much of a map is done. */
function shareOf({ total, done }: NonNullable<Line['items']>): number {
  return total === 0 ? 1 : done / total;
}

/** A module with `map` runs while its items do. */
function advanceItems(line: Line, subject: string, what: string, event: StreamedEvent, at: number): Line {
  const { items } = line;
  if (subject === 'execution' && what === 'assigned')
    return { ...line, state: 'running', note: '', startedAt: line.startedAt ?? at, finishedAt: undefined };
  if (subject === 'item' && what === 'waiting') return { ...line, note: text(event.reason) ?? line.note };
  if (subject !== 'item' || !items) return line;
  const next = { ...items, done: items.done + 1 };
  return { ...line, items: next, progress: shareOf(next), note: '' };
}

function advanceLine(line: Line, subject: string, what: string, event: StreamedEvent, at: number): Line {
  if (typeof event.item === 'number') return advanceItems(line, subject, what, event, at);
  if (subject === 'map') {
    const items = { total: Number(event.items), done: 0 };
    return { ...line, items, progress: shareOf(items), note: '' };
  }
  if (subject === 'module' && what === 'mapped')
    return { ...line, state: 'succeeded', note: '', progress: 1, finishedAt: at };
  if (subject === 'module' && what === 'reused') {
    return { ...line, state: what, note: sourceOf(event) ?? '', progress: undefined };
  }
  if (subject === 'module' && what === 'reset')
    return anew(line, typeof event.pass === 'number' ? event.pass : undefined);
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
      pass: typeof event.pass === 'number' ? event.pass : line.pass,
      execution,
      progress: undefined,
      note: '',
      startedAt: at,
      finishedAt: undefined,
    };
  }
  // Events of a replaced execution no longer count for the module.
  if (execution !== line.execution) return line;
  if (what === 'progress') {
    const progress = typeof event.progress === 'number' ? event.progress : line.progress;
    return { ...line, progress, note: text(event.message) ?? line.note };
  }
  if (what === 'accepted' || what === 'running') return { ...line, state: what };
  if (!(EXECUTION_ENDS as readonly string[]).includes(what)) return line;
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
