/** Numbers that a module told as it went on: its metrics, and partial outputs with numbers in them. */
import { entriesOf } from '../../../../src/base/json/exact.js';
import { plainOf } from '../../../../src/base/json/json-text.js';
import type { ModuleHistory } from '../task/history.js';

export interface Curve {
  readonly name: string;
  /** Rising. */
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

const OWN_FIELDS = new Set(['stream', 'step']);

/** Whether a line of the log is numbers of a step. */
export function isMetrics({ fields }: { readonly fields: Readonly<Record<string, unknown>> }): boolean {
  return fields.stream === 'metrics';
}

/** One for each name; of two numbers for one step the later counts. */
export function curvesOf({ log, outputs }: Pick<ModuleHistory, 'log' | 'outputs'>): Curve[] {
  const points = new Map<string, Map<number, number>>();
  const add = (name: string, step: number, value: number): void => {
    const curve = points.get(name) ?? new Map<number, number>();
    points.set(name, curve.set(step, value));
  };
  for (const entry of log) {
    if (!isMetrics(entry)) continue;
    const step = Number(entry.fields.step);
    for (const [name, value] of Object.entries(entry.fields))
      if (!OWN_FIELDS.has(name) && Number.isFinite(step)) add(name, step, Number(value));
  }
  for (const output of outputs) {
    if (output.last) continue;
    const value = plainOf(output.output);
    if (typeof value === 'number') add('output', output.output_seq, value);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, part] of entriesOf(output.output as object)) {
        const number = plainOf(part);
        if (typeof number === 'number') add(name, output.output_seq, number);
      }
    }
  }
  return [...points].map(([name, curve]) => {
    const steps = [...curve.keys()].sort((a, b) => a - b);
    return { name, x: steps, y: steps.map((step) => curve.get(step)!) };
  });
}

/** As an average that forgets: each number counts `weight` less than the next. 0 leaves all as it is. */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  let average: number | undefined;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    average = average === undefined ? value : average * weight + value * (1 - weight);
    return average;
  });
}
