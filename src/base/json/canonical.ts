/** JSON that means the same as one text: names in one order at all depths, each number in one form. */
import { JsonText } from './json-text.js';
import { numberForm } from './number-form.js';

/**
 * `{"b":1.0,"a":[1e2]}` and `{"a":[100],"b":1}` are the same. Texts that differ only in digits that a 64-bit float does not keep are the same
 * too; `-0` is not `0`. Fields that are `undefined` are not there. `value` has no cycles.
 */
export function canonicalJson(value: unknown): string {
  if (value instanceof JsonText) return canonicalJson(value.value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return numberForm(value);
    return Object.is(value, -0) ? '-0' : JSON.stringify(value);
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}
