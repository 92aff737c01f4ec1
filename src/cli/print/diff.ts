/** The difference of two iterations, as a person reads it. */
import { plainOf, printJson } from '../../base/json/json-text.js';
import { outputReference } from '../../model/graph.js';
import { shortNumber } from '../../model/shown-numbers.js';
import { shownValue } from './shown-values.js';
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
  /** The overridden inputs of modules. */
  readonly overrides?: readonly Difference[];
  /** The modules whose outputs each has taken over. */
  readonly reused?: { readonly a: readonly string[]; readonly b: readonly string[] };
  readonly modules: Readonly<Record<string, readonly Difference[]>>;
  /** The types of the outputs that differ, by their references, on either side. */
  readonly types?: { readonly a: OutputTypes; readonly b: OutputTypes };
}

type OutputTypes = Readonly<Record<string, string>>;

export function describeDiff(diff: Diff): string {
  const parts: [string, readonly Difference[]][] = [
    ['input', diff.input ?? []],
    ['overrides', diff.overrides ?? []],
    ...Object.entries(diff.modules),
  ];
  const rows = parts.flatMap(([part, differences]) =>
    differences.map(({ path, a, b }) => [
      part,
      path.slice(1),
      show(a, typeAt(diff.types?.a, part, path)),
      show(b, typeAt(diff.types?.b, part, path)),
      change(a, b),
    ]),
  );
  const reused = (['a', 'b'] as const).flatMap((side) => {
    const modules = diff.reused?.[side] ?? [];
    return modules.length > 0 ? [`Iteration ${diff[side]} reuses ${modules.join(', ')}.`] : [];
  });
  if (rows.length === 0) return [`Iterations ${diff.a} and ${diff.b} do not differ.`, ...reused].join('\n');
  const differing = table(['MODULE', 'FIELD', `ITERATION ${diff.a}`, `ITERATION ${diff.b}`, 'CHANGE'], rows);
  return reused.length > 0 ? [differing, '', ...reused].join('\n') : differing;
}

/** How much a number has changed, in percent of what it was; nothing where that has no meaning. */
export function change(before: unknown, after: unknown): string {
  const [a, b] = [plainOf(before), plainOf(after)];
  if (typeof a !== 'number' || typeof b !== 'number' || a === 0) return '';
  const percent = ((b - a) / Math.abs(a)) * 100;
  const digits = Math.abs(percent) < 10 ? 2 : 1;
  return Number.isFinite(percent) ? `${percent > 0 ? '+' : ''}${percent.toFixed(digits)} %` : '';
}

/** The type of the output that differs as a whole; nothing where a part of one does. */
function typeAt(types: OutputTypes | undefined, module: string, path: string): string | undefined {
  return types?.[outputReference(module, path.slice(1))];
}

function show(output: unknown, type?: string): string {
  if (output === null) return '(none)';
  const value = type === undefined ? output : shownValue(output, type);
  const text = typeof value === 'string' ? value : isNumber(value) ? shortNumber(value) : printJson(output);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** Also one that is kept as it was written, and one that JSON has no form for. */
function isNumber(value: unknown): boolean {
  return typeof plainOf(value) === 'number';
}
