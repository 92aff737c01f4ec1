/** What a column is called, what it means and in which unit it is, as the graph's types say. */
import { plainOf } from '../../../../src/base/json/json-text.js';
import type { GraphJson } from '../../../../src/contract/graph.js';
import { modulesOf } from '../graphs/outputs.js';

export interface FieldInfo {
  /** `carbon_footprint.carbon_footprint` */
  readonly name: string;
  /** `input` or a module. */
  readonly part: string;
  /** Without the part. */
  readonly label: string;
  readonly description: string | undefined;
  readonly unit: string | undefined;
}

interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: unknown;
  readonly anyOf?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

export function fieldInfo(name: string, graph: GraphJson | undefined): FieldInfo {
  const [part = '', ...path] = name.split('.');
  const root = (part === 'input' ? graph?.source.schema : graph?.modules[part]?.schema) as Schema | undefined;
  let schema = resolve(root, root);
  for (const step of path) schema = resolve(root, schema?.properties?.[step]);
  const description = schema?.description?.replace(/\s+/g, ' ');
  const isNumber = schema?.type === 'integer' || schema?.type === 'number' || schema?.anyOf !== undefined;
  const unit = isNumber && description !== undefined ? unitIn(description) : undefined;
  return { name, part, label: path.join('.'), description, unit };
}

function resolve(root: Schema | undefined, schema: Schema | undefined): Schema | undefined {
  if (schema?.$ref === undefined) return schema;
  return root?.$defs?.[schema.$ref.replace('#/$defs/', '')];
}

const SHORT: Readonly<Record<string, string>> = {
  milliseconds: 'ms',
  seconds: 's',
  minutes: 'min',
  hours: 'h',
  watts: 'W',
  joules: 'J',
  bytes: 'B',
  percent: '%',
  grams: 'g',
  kilograms: 'kg',
};

/** The unit that a comment names: "Time of one inference, in milliseconds." is in `ms`. */
export function unitIn(description: string): string | undefined {
  const named =
    /\bin ((?:[A-Za-zµ%°]+)(?: (?:CO2e?|per|an?|[A-Za-zµ]*Wh|one|inference|second|hour))*)(?=[.,;:)]|$| for)/.exec(
      description,
    )?.[1];
  return named === undefined ? undefined : (SHORT[named.toLowerCase()] ?? named.replace(' per ', '/'));
}

/** The change of a number in percent of what it was; nothing where that has no meaning. */
export function changeOf(first: unknown, second: unknown): string | undefined {
  const [before, after] = [plainOf(first), plainOf(second)];
  if (typeof before !== 'number' || typeof after !== 'number' || before === 0 || before === after)
    return undefined;
  const percent = ((after - before) / Math.abs(before)) * 100;
  if (!Number.isFinite(percent)) return undefined;
  const digits = Math.abs(percent) < 10 ? 2 : Math.abs(percent) < 1000 ? 1 : 0;
  return `${percent > 0 ? '+' : '\u2212'}${Math.abs(percent).toFixed(digits)} %`;
}

/** Columns that a graph's problems are shown with until somebody chooses: what comes out at its end, and the choices that led there. */
export function defaultColumns(names: readonly string[], graph: GraphJson): string[] {
  const modules = Object.keys(graph.modules);
  const feeding = new Set(Object.values(graph.modules).flatMap(({ inputs }) => modulesOf(inputs)));
  const ends = modules.filter((module) => !feeding.has(module));
  const before = modules.filter((module) =>
    ends.some((end) => modulesOf(graph.modules[end]?.inputs).includes(module)),
  );
  const of = (module: string): string[] => names.filter((name) => name.startsWith(`${module}.`));
  const first = ends.flatMap((module) => of(module).slice(0, 3));
  const choices = before.flatMap((module) => {
    const named = of(module).filter((name) => name === `${module}.${module}` || name.endsWith('.model'));
    return (named.length > 0 ? named : of(module)).slice(0, 2);
  });
  return [...new Set([...first, ...choices])].slice(0, 6);
}
