/**
 * Conditions of modules (`when:`): which values each comparison looks at, and whether a condition holds.
 *
 * C1. A condition speaks of the task's input and of outputs of modules that come before its own: all of them are settled before it is decided.
 * C2. Each comparison is decided once, when the value that it looks at is recorded: a task keeps the numbers of those that are true
 *     (`Task.compared`), and no values.
 *     A loop is decided likewise, after each pass, by what was recorded last.
 * C3. Of a module that puts out nothing (skipped, or failed and ignored), every field is `null`.
 */
import { type Comparison, compare, comparisonsOf, type Expression } from '../base/expression/expression.js';
import { type Graph, outputReference } from './graph.js';

/** One comparison of a graph's conditions, and the value that it looks at. */
export interface Reading {
  /** Its place among those of the graph. */
  readonly number: number;
  /** The source's name, or the reference to an output. */
  readonly reference: string;
  /** The module whose output it is; nothing for the source. */
  readonly module: string | undefined;
  /** From the value to the field. */
  readonly path: readonly string[];
  readonly comparison: Comparison;
}

export interface Condition {
  readonly expression: Expression;
  /** By each comparison of the expression. */
  readonly readings: ReadonlyMap<Comparison, Reading>;
}

/** The names that a condition can use. */
export interface Names {
  readonly source: string | undefined;
  /** By module, the names of its outputs; none where it has one without a name. */
  readonly outputs: ReadonlyMap<string, readonly string[]>;
}

/** C1. What a name in a condition stands for; nothing where its first part is neither the input nor a module. */
export function resolveField(
  field: string,
  { source, outputs }: Names,
): Pick<Reading, 'reference' | 'module' | 'path'> | undefined {
  const parts = field.split('.');
  const [first = '', ...rest] = parts;
  if (first === 'input' || first === source)
    return { reference: source ?? first, module: undefined, path: rest };
  const [module = '', ...path] = first === 'outputs' ? rest : parts;
  const names = outputs.get(module);
  if (!names) return undefined;
  if (names.length === 0) return { reference: module, module, path };
  return { reference: outputReference(module, path[0]), module, path: path.slice(1) };
}

/** The conditions of a graph, by module, and those of its loops, by `loopKey`. Its expressions have been checked when it was read. */
export function conditionsOf(graph: Graph): ReadonlyMap<string, Condition> {
  const outputs = new Map(graph.modules.map(({ name, outputs = {} }) => [name, Object.keys(outputs)]));
  const names: Names = { source: graph.source.name, outputs };
  const conditions = new Map<string, Condition>();
  let number = 0;
  const all = [
    ...graph.modules.flatMap(({ name, when }) => (when ? [{ name, when }] : [])),
    ...(graph.loops ?? []).map(({ from, until }) => ({ name: loopKey(from), when: until })),
  ];
  for (const { name, when } of all) {
    const readings = new Map<Comparison, Reading>();
    for (const comparison of comparisonsOf(when.expression)) {
      const resolved = resolveField(comparison.field, names);
      if (!resolved)
        throw new Error(`the condition of ${name} names ${comparison.field}, which does not exist`);
      readings.set(comparison, { number, ...resolved, comparison });
      number += 1;
    }
    conditions.set(name, { expression: when.expression, readings });
  }
  return conditions;
}

/** Where the condition of a loop stands among those of modules. No name has a slash. */
export function loopKey(from: string): string {
  return `loop/${from}`;
}

/** By the reference to a value, all that conditions look at in it. */
export function readingsOf(conditions: ReadonlyMap<string, Condition>): Map<string, Reading[]> {
  const readings = new Map<string, Reading[]>();
  for (const condition of conditions.values()) {
    for (const reading of condition.readings.values()) {
      const known = readings.get(reading.reference);
      if (known) known.push(reading);
      else readings.set(reading.reference, [reading]);
    }
  }
  return readings;
}

/** C2. Of a value that is recorded, the numbers of the comparisons that are true. `look` gives what stands at a path. */
export function metBy(readings: readonly Reading[], look: (path: readonly string[]) => unknown): number[] {
  return readings.flatMap(({ number, path, comparison }) =>
    compare(look(path), comparison) ? [number] : [],
  );
}

/** C3. Whether the comparison is true where there is no value. */
export function holdsOfNothing({ comparison }: Reading): boolean {
  return compare(undefined, comparison);
}

/** Where a task keeps the comparisons over a value that one module gets instead of what the graph gives it. */
export function overrideKey(module: string, reference: string): string {
  return `${module}/${reference}`;
}
