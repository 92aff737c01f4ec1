/** A reading as lines of a terminal. Pure; what comes from others is made inert before it is coloured. */
import { inertText } from '../../base/inert.js';
import { shortId } from '../../model/short-id.js';
import type { Paint } from '../print/paint.js';
import { table } from '../print/table.js';
import { duration } from '../watch/draw.js';
import type { Reading } from './load.js';

const MIB = 2 ** 20;
const BAR = 12;

/** `before`: an earlier reading, from which rates are made. */
export function drawTop(now: Reading, before: Reading | undefined, width: number, paint: Paint): string {
  const head = headLines(now, before).map((line) => cut(line, width));
  const parts = [head.join('\n'), paintRows(modulesTable(now), width, paint), runningTable(now, width)];
  return parts.filter((part) => part !== '').join('\n\n');
}

function headLines({ stats, atMs }: Reading, before: Reading | undefined): string[] {
  const { nodes, work } = stats;
  const tasks = { waiting: 0, running: 0, suspended: 0 };
  for (const counts of Object.values(work.unfinished))
    for (const state of ['waiting', 'running', 'suspended'] as const) tasks[state] += counts[state];
  const rate = (read: (reading: Reading['stats']) => number): string => {
    const seconds = before === undefined ? 0 : (atMs - before.atMs) / 1000;
    return before === undefined || seconds <= 0
      ? ''
      : `  ${(Math.max(0, read(stats) - read(before.stats)) / seconds).toFixed(1)}/s`;
  };
  const ended = (reading: Reading['stats']): number =>
    Object.values(reading.work.ended).reduce((sum, count) => sum + count, 0);
  const { succeeded = 0, failed = 0 } = work.ended;
  return [
    `tasks   ${tasks.running} running, ${tasks.waiting} waiting, ${tasks.suspended} suspended; ` +
      `${succeeded} succeeded, ${failed} failed since the start${rate(ended)}`,
    `nodes   ${nodes.alive} alive, ${nodes.unresponsive} unresponsive, ${nodes.dead} dead`,
    `events  ${stats.cursor}${rate((reading) => reading.cursor)}`,
    `queues  ${stats.mailbox} steps to decide, ${stats.requests} requests under way`,
  ];
}

interface ModuleRow {
  readonly module: string;
  readonly nodes: number;
  readonly used: number;
  readonly total: number;
  readonly waiting: number;
  readonly cpu: number;
  readonly memory: number;
}

/** Those that work waits for first, then by how much of them is in use. */
function moduleRows({ stats, nodes }: Reading): ModuleRow[] {
  const waiting = new Map<string, number>();
  for (const modules of Object.values(stats.work.waiting_for_slot))
    for (const [module, count] of Object.entries(modules))
      waiting.set(module, (waiting.get(module) ?? 0) + count);
  const names = new Set([...Object.keys(stats.slots), ...waiting.keys()]);
  const rows = [...names].map((module): ModuleRow => {
    const playing = nodes.filter((node) => node.module === module && node.liveness !== 'dead');
    const sum = (read: (load: NonNullable<Reading['nodes'][number]['load']>) => number | undefined): number =>
      playing.reduce((total, { load }) => total + ((load && read(load)) ?? 0), 0);
    const { used = 0, total = 0 } = stats.slots[module] ?? {};
    return {
      ...{ module, used, total, nodes: playing.length, waiting: waiting.get(module) ?? 0 },
      cpu: sum((load) => load.cpu),
      memory: sum((load) => load.memory_bytes),
    };
  });
  return rows.sort((a, b) => b.waiting - a.waiting || share(b) - share(a) || (a.module < b.module ? -1 : 1));
}

function share({ used, total }: ModuleRow): number {
  return total === 0 ? 0 : used / total;
}

interface Row {
  readonly line: string;
  readonly row: ModuleRow | undefined;
}

function modulesTable(reading: Reading): Row[] {
  const rows = moduleRows(reading);
  if (rows.length === 0) return [];
  const headings = ['MODULE', 'NODES', 'SLOTS', '', 'WAITING', 'CPU', 'MEMORY'];
  const cells = rows.map((row) => [
    ...[row.module, row.nodes, `${row.used}/${row.total}`, bar(share(row)), row.waiting],
    ...[`${Math.round(row.cpu * 100)} %`, `${Math.round(row.memory / MIB)} MiB`],
  ]);
  return table(headings, cells)
    .split('\n')
    .map((line, index) => ({ line, row: rows[index - 1] }));
}

/** Red where work waits and nobody plays the module, yellow where it waits for a slot. */
function paintRows(rows: readonly Row[], width: number, paint: Paint): string {
  return rows
    .map(({ line, row }) => {
      const shown = cut(line, width);
      if (row === undefined || row.waiting === 0) return shown;
      return paint(row.total === 0 ? 'red' : 'yellow', shown);
    })
    .join('\n');
}

function runningTable({ running, atMs }: Reading, width: number): string {
  if (running.length === 0) return '';
  const rows = running.map(({ problem_id, graph, title, created_at }) => [
    ...[shortId(problem_id), graph, duration(atMs - Date.parse(created_at)), title ?? ''],
  ]);
  return table(['PROBLEM_ID', 'GRAPH', 'AGE', 'TITLE'], rows)
    .split('\n')
    .map((line) => cut(line, width))
    .join('\n');
}

function bar(full: number): string {
  const cells = Math.min(BAR, Math.round(full * BAR));
  return '█'.repeat(cells) + '░'.repeat(BAR - cells);
}

function cut(text: string, width: number): string {
  const shown = inertText(text);
  return shown.length <= width ? shown : `${shown.slice(0, Math.max(0, width - 1))}…`;
}
