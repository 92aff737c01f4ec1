/** The difference of two iterations, as a person reads it. */
import { table } from './table.js';

/** A field that differs; `null` on a side where it is not there. */
export interface Difference {
  /** A JSON pointer. */
  readonly path: string;
  readonly a: unknown;
  readonly b: unknown;
}

export interface Diff {
  readonly a: number;
  readonly b: number;
  readonly input?: readonly Difference[];
  readonly modules: Readonly<Record<string, readonly Difference[]>>;
}

export function describeDiff(diff: Diff): string {
  const parts: [string, readonly Difference[]][] = [
    ['input', diff.input ?? []],
    ...Object.entries(diff.modules),
  ];
  const rows = parts.flatMap(([part, differences]) =>
    differences.map(({ path, a, b }) => [part, path.slice(1), show(a), show(b), change(a, b)]),
  );
  if (rows.length === 0) return `Iterations ${diff.a} and ${diff.b} do not differ.`;
  return table(['MODULE', 'FIELD', `ITERATION ${diff.a}`, `ITERATION ${diff.b}`, 'CHANGE'], rows);
}

/** How much a number has changed, in percent of what it was; nothing where that has no meaning. */
export function change(a: unknown, b: unknown): string {
  if (typeof a !== 'number' || typeof b !== 'number' || a === 0) return '';
  const percent = ((b - a) / Math.abs(a)) * 100;
  const digits = Math.abs(percent) < 10 ? 2 : 1;
  return Number.isFinite(percent) ? `${percent > 0 ? '+' : ''}${percent.toFixed(digits)} %` : '';
}

function show(value: unknown): string {
  if (value === null) return '(none)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
