/**
 * Where two JSON values differ, leaf by leaf. Numbers are compared as JavaScript reads them (`1.0` is `1`), and given as they were
 * written; the order of names does not count.
 */
import { partAt, unordered } from './exact.js';
import { JsonText, plainOf } from './json-text.js';

export interface JsonDifference {
  readonly path: readonly (string | number)[];
  /** `undefined` where it is absent. */
  readonly a: unknown;
  readonly b: unknown;
}

/** Members that only `b` has come after the rest of the object. `a` and `b` are trees, or texts. */
export function jsonDifferences(a: unknown, b: unknown): JsonDifference[] {
  const found: JsonDifference[] = [];
  compare(partAt(a, []), partAt(b, []), [], found);
  return found;
}

function compare(
  before: unknown,
  after: unknown,
  path: JsonDifference['path'],
  found: JsonDifference[],
): void {
  const [a, b] = [unordered(before), unordered(after)];
  if (!isStructure(a) || !isStructure(b) || Array.isArray(a) !== Array.isArray(b)) {
    const [plainA, plainB] = [plainOf(a), plainOf(b)];
    // `NaN` does not differ from `NaN`.
    if (plainA !== plainB && !(Number.isNaN(plainA) && Number.isNaN(plainB)))
      found.push({ path, a: before, b: after });
    return;
  }
  const step = (name: string) => [...path, Array.isArray(a) ? Number(name) : name];
  for (const [name, value] of Object.entries(a)) {
    if (Object.hasOwn(b, name)) compare(value, b[name], step(name), found);
    else found.push({ path: step(name), a: value, b: undefined });
  }
  for (const [name, value] of Object.entries(b))
    if (!Object.hasOwn(a, name)) found.push({ path: step(name), a: undefined, b: value });
}

function isStructure(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !(value instanceof JsonText);
}
