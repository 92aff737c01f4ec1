/** A board as lines of a terminal: state, bar, time and what feeds what. Pure; no line is longer than the terminal is wide. */
import { inertText } from '../../base/inert.js';
import type { Ink, Paint } from '../print/paint.js';
import { type Board, type Line, noteOf } from './board.js';

const SIGNS: Readonly<Record<string, readonly [sign: string, ink: Ink]>> = {
  waiting: ['○', 'gray'],
  assigned: ['◔', 'blue'],
  accepted: ['◔', 'blue'],
  running: ['◐', 'blue'],
  suspended: ['‖', 'yellow'],
  succeeded: ['●', 'green'],
  reused: ['⟲', 'green'],
  failed: ['✗', 'red'],
  lost: ['✗', 'red'],
  aborted: ['■', 'red'],
  cancelled: ['■', 'yellow'],
  preempted: ['↺', 'yellow'],
  rejected: ['↺', 'yellow'],
  skipped: ['–', 'gray'],
};

const BAR = 16;
const NARROWEST_NOTE = 8;

export function draw(given: Board, nowMs: number, width: number, paint: Paint): string {
  const lines = given.lines.map((line) => inert({ ...line, note: noteOf(given, line) }));
  const board = { ...given, state: inertText(given.state), lines };
  const done = board.lines.filter(({ state }) => hasOutput(state)).length;
  const took = board.startedAt === undefined ? '' : `  ${duration(nowMs - board.startedAt)}`;
  const head = `${board.taskId}  ${board.state}  ${done} of ${board.lines.length} modules${took}`;
  const name = Math.max(...board.lines.map((line) => line.name.length), 6);
  return [cut(head, width), '', ...board.lines.map((line) => drawLine(line, name, nowMs, width, paint))].join(
    '\n',
  );
}

/** The colours are ours; what stands in them may be anybody's. */
function inert(line: Line): Line {
  const { name, state, note, inputs } = line;
  return {
    ...line,
    name: inertText(name),
    state: inertText(state),
    note: inertText(note),
    inputs: inputs.map(inertText),
  };
}

function drawLine(line: Line, nameWidth: number, nowMs: number, width: number, paint: Paint): string {
  const [sign, ink] = SIGNS[line.state] ?? ['?', 'gray'];
  const from = line.startedAt;
  const isOver = line.finishedAt !== undefined;
  const took =
    from === undefined || line.state === 'waiting' ? '' : duration((line.finishedAt ?? nowMs) - from);
  const share =
    line.progress === undefined || line.state === 'waiting' ? '' : `${Math.round(line.progress * 100)} %`;
  const fixed = [
    [sign, ink],
    [line.name.padEnd(nameWidth), undefined],
    [line.state.padEnd(9), ink],
    [bar(line, nowMs), ink],
    [share.padStart(5), undefined],
    [took.padStart(8), undefined],
  ] as const;
  const used = fixed.reduce((sum, [text]) => sum + text.length + 1, 1);
  const said = line.note || (isOver ? '' : line.inputs.length > 0 ? `← ${line.inputs.join(', ')}` : '');
  const counted = line.items && `${line.items.done}/${line.items.total} items`;
  const pass = line.pass === undefined ? undefined : `pass ${line.pass}`;
  const note = [pass, counted, said].filter(Boolean).join(' · ');
  const room = width - used - 1;
  const shown = room < NARROWEST_NOTE ? '' : cut(note, room);
  // A terminal too narrow for all of it gets the words, and no bar.
  if (used > width) return cut(`${sign} ${line.name} ${line.state} ${share}`.trimEnd(), width);
  const painted = fixed.map(([text, colour]) => (colour === undefined ? text : paint(colour, text)));
  return `${painted.join(' ')}  ${shown === '' ? '' : paint('gray', shown)}`.trimEnd();
}

function hasOutput(state: string): boolean {
  return state === 'succeeded' || state === 'reused';
}

/** Full as far as it is known to be; one that says nothing of itself shows a light that goes to and fro. */
function bar({ state, progress }: Line, nowMs: number): string {
  const isBusy = state === 'assigned' || state === 'accepted' || state === 'running';
  if (hasOutput(state)) return '█'.repeat(BAR);
  if (progress !== undefined && state !== 'waiting') {
    const full = Math.round(progress * BAR);
    return '█'.repeat(full) + '░'.repeat(BAR - full);
  }
  if (!isBusy) return '░'.repeat(BAR);
  const way = BAR - 3;
  const step = Math.floor(nowMs / 200) % (2 * way);
  const place = step <= way ? step : 2 * way - step;
  return `${'░'.repeat(place)}███${'░'.repeat(way - place)}`;
}

/** `840 ms`, `12.3 s`, `4m 05s` */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}

function cut(text: string, width: number): string {
  const kept = /[\t\n]/.test(text) ? text.replace(/\s+/g, ' ') : text;
  return kept.length <= width ? kept : `${kept.slice(0, Math.max(0, width - 1))}…`;
}
