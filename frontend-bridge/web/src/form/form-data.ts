/**
 * The value of a form as react-jsonschema-form can hold it: it copies objects field by field, so that what JavaScript would write in
 * another way (`1.0`, the order of names, a name `__proto__`) stands there as a marked text.
 */
import { partAt, readExactly, unordered } from '../../../../src/base/json/exact.js';
import { JsonText, printJson } from '../../../../src/base/json/json-text.js';
import type { Schema } from './form-schema.js';

/** It cannot be guessed, so no text in a value can be mistaken for it. */
const MARK = `json:${crypto.getRandomValues(new BigUint64Array(2)).join('-')}:`;

/** `schema`: what is drawn of it; a structure that is not drawn is one marked text. */
export function toFormData(value: unknown, schema?: Schema): unknown {
  const whole = unordered(partAt(value, []));
  if (typeof whole !== 'object' || whole === null) return whole;
  const { properties, items } = (schema ?? {}) as { properties?: Record<string, Schema>; items?: Schema };
  if (Array.isArray(whole) && items) return whole.map((item) => toFormData(item, items));
  if (!Array.isArray(whole) && !(whole instanceof JsonText) && properties) {
    const fields = Object.entries(whole).map(([name, field]) => [name, toFormData(field, properties[name])]);
    return Object.fromEntries(fields);
  }
  return MARK + printJson(value);
}

export function fromFormData(data: unknown): unknown {
  if (typeof data === 'string' && data.startsWith(MARK)) return readExactly(data.slice(MARK.length));
  if (Array.isArray(data)) return data.map(fromFormData);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, part]) => [name, fromFormData(part)]));
}
