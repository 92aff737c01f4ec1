/** The columns of a search for which nobody has chosen any: the fields that vary in what it finds. */
import { embeddedJson } from '../base/json/embedded.js';
import { entriesOf } from '../base/json/exact.js';
import { plainOf } from '../base/json/json-text.js';
import { isBytes } from './media-type.js';

/** Fewer fields are asked for at once than a search shows. */
const MOST_LOOKED_AT = 40;
/** So many of what is found first tell what varies: reading fields costs a look at each output. */
export const SAMPLE = 20;
const MOST_SHOWN = 5;
/** So many graphs are asked for the names of their fields. */
export const MOST_GRAPHS = 8;
/** Longer texts have no place in a column. */
const SHORT_TEXT = 60;

/** An iteration that has ended, as an example of what its graph puts out. */
export interface Example {
  readonly input?: unknown;
  readonly modules: Readonly<
    Record<string, { readonly output: unknown; readonly output_types?: Readonly<Record<string, string>> }>
  >;
}

/** The names of fields that a table may have as columns: numbers, short texts, yes and no, as the output itself has them. */
export function columnNames({ input, modules }: Example): string[] {
  const names: string[] = [];
  const look = (prefix: string, value: unknown): void => {
    if (isColumnValue(value)) names.push(prefix);
    else if (isObject(value)) {
      for (const [name, field] of entriesOf(value)) {
        // Names that a query cannot write are not columns.
        if (/^[\w-]+$/.test(name)) look(`${prefix}.${name}`, field);
      }
    }
  };
  for (const [name, { output }] of Object.entries(modules)) look(name, output);
  look('input', input);
  const contents = Object.entries(modules).flatMap(([name, { output_types: types = {} }]) =>
    Object.entries(types).flatMap(([one, type]) => (isBytes(type) ? [`${name}.${one}`] : [])),
  );
  return names.filter((name) => name.includes('.') && !contents.includes(name));
}

/** The fields that are looked at, of all that there are. */
export function lookedAt(names: readonly string[]): string[] {
  return [...new Set(names)].slice(0, MOST_LOOKED_AT);
}

/** Of these fields, those that are not the same in all that was found. */
export function varyingColumns(
  found: readonly { readonly fields?: Readonly<Record<string, unknown>> }[],
  names: readonly string[],
): string[] {
  const doesVary = (name: string): boolean => {
    const values = found.map(({ fields }) => fields?.[name]).filter((value) => (value ?? null) !== null);
    return new Set(values.map(String)).size > 1;
  };
  return names.filter(doesVary).slice(0, MOST_SHOWN);
}

function isColumnValue(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= SHORT_TEXT && embeddedJson(value) === undefined;
  return ['number', 'boolean'].includes(typeof plainOf(value));
}

function isObject(value: unknown): value is object {
  const plain = plainOf(value);
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain);
}
