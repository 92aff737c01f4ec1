/**
 * From an author's value to JSON, without loss: a value that JSON cannot express is a fault at its place, never left out and never another
 * value. `docs/values.md` says the same in a table.
 *
 * J1. Each property is read once: a getter or a proxy cannot give one value to the check and another to the text.
 * J2. A whole number that is too large to be exact is written with an exponent, so that every language reads the same float; `-0` is
 *     written `-0.0`, `NaN` and the infinities as the objects that stand for them.
 * J3. What is left out: properties that are `undefined`, as TypeScript says of optional ones, and what is not enumerable.
 */
import { messageOf } from '../../base/errors.js';
import { checkJsonText, MAX_DEPTH } from '../../base/json/check-text.js';
import { JsonText } from '../../base/json/json-text.js';
import { numberForm } from '../../base/json/number-form.js';
import { type FaultList, type Place, show } from './faults.js';

/** As it was before any code of an author's. */
const { stringify } = JSON;
/** A person mends a few at a time; a value that contains itself has no end of them. */
const MAX_FAULTS = 20;

/** The text; it means nothing where there are faults. */
export function writeJson(value: unknown, faults: FaultList): string {
  return new JsonWriter(faults).write(value, undefined, []);
}

class JsonWriter {
  readonly #faults: FaultList;

  constructor(faults: FaultList) {
    this.#faults = faults;
  }

  write(value: unknown, at: Place | undefined, around: readonly object[]): string {
    switch (typeof value) {
      case 'string':
        return stringify(value);
      case 'boolean':
        return String(value);
      case 'number':
        return numberText(value);
      case 'object':
        if (value === null) return 'null';
        if (this.#faults.faults.length >= MAX_FAULTS) return '';
        try {
          return this.#object(value, at, around);
        } catch (error) {
          this.#faults.add(at, 'unencodable', `it cannot be read: ${messageOf(error)}`);
          return '';
        }
      case 'undefined':
        return this.#refuse(value, at, 'give null');
      case 'bigint':
        return this.#refuse(value, at, 'give it as a string');
      default:
        return this.#refuse(value, at, 'leave it out');
    }
  }

  /** J3. */
  #object(value: object, at: Place | undefined, around: readonly object[]): string {
    if (value instanceof JsonText) return this.#text(value, at);
    if (value instanceof Number || value instanceof String || value instanceof Boolean) {
      return this.write(value.valueOf(), at, around);
    }
    const isList = Array.isArray(value);
    const remedy = isList ? undefined : remedyFor(value);
    if (remedy !== undefined) return this.#refuse(value, at, remedy);
    const toJson = (value as { toJSON?: unknown }).toJSON;
    if (typeof toJson === 'function') {
      const given: unknown = toJson.call(value, String(at?.key ?? ''));
      if (given !== value && !around.includes(value)) return this.write(given, at, [...around, value]);
    }
    if (around.length >= MAX_DEPTH || around.includes(value)) {
      const why = around.includes(value)
        ? 'the value contains itself'
        : `more than ${MAX_DEPTH} levels of lists and objects`;
      this.#faults.add(at, 'too_deep', `${why}: give it in flatter form, or as text`);
      return '';
    }
    const inner = [...around, value];
    if (isList) return this.#list(value, at, inner);
    if (!isPlain(value) && typeof toJson !== 'function') {
      return this.#refuse(
        value,
        at,
        'give a plain object, such as { ...value }, or the class a toJSON method',
      );
    }
    return this.#members(value as Record<string, unknown>, at, inner);
  }

  #list(list: readonly unknown[], at: Place | undefined, around: readonly object[]): string {
    let text = '[';
    for (let index = 0; index < list.length; index += 1) {
      const item = list[index];
      if (index > 0) text += ',';
      text += this.write(item, { parent: at, key: index }, around);
      if (this.#faults.faults.length >= MAX_FAULTS) break;
    }
    return `${text}]`;
  }

  /** J1. */
  #members(value: Record<string, unknown>, at: Place | undefined, around: readonly object[]): string {
    for (const symbol of Object.getOwnPropertySymbols(value)) {
      if (Object.prototype.propertyIsEnumerable.call(value, symbol)) {
        this.#refuse(symbol, { parent: at, key: String(symbol) }, 'give the property a name that is text');
      }
    }
    let text = '';
    for (const name of Object.keys(value)) {
      const place = { parent: at, key: name };
      let member: unknown;
      try {
        member = value[name];
      } catch (error) {
        this.#faults.add(place, 'unencodable', `the property cannot be read: ${messageOf(error)}`);
        continue;
      }
      if (member === undefined) continue;
      text += `${text === '' ? '' : ','}${stringify(name)}:${this.write(member, place, around)}`;
      if (this.#faults.faults.length >= MAX_FAULTS) break;
    }
    return `{${text}}`;
  }

  #text(json: JsonText, at: Place | undefined): string {
    for (const { path, code, message } of checkJsonText(json.text)) {
      const steps = path.split('/').slice(1);
      const place = steps.reduce<Place | undefined>(
        (parent, step) => ({ parent, key: step.replaceAll('~1', '/').replaceAll('~0', '~') }),
        at,
      );
      this.#faults.add(place, code, message);
    }
    return json.text;
  }

  #refuse(value: unknown, at: Place | undefined, remedy: string): string {
    this.#faults.add(at, 'wrong_type', `${named(value)} has no JSON form: ${remedy}`);
    return '';
  }
}

/** J2. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return numberForm(value);
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

/** Objects that `JSON.stringify` would write as something else than they are, with what to give instead. */
function remedyFor(value: object): string | undefined {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return 'give a list of numbers (Array.from), base64 text, or the output the type bytes';
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'give a time that exists' : undefined;
  if (value instanceof Map) return 'give an object (Object.fromEntries)';
  if (value instanceof Set) return 'give a list (Array.from)';
  if (value instanceof Promise) return 'await it';
  if (value instanceof RegExp) return 'give its source as text';
  if (value instanceof Error) return 'give its message as text';
  return undefined;
}

/** An object that was written as `{…}`, of this realm or another, or that has no prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

function named(value: unknown): string {
  if (typeof value !== 'object' || value === null) return show(value);
  const { name } =
    (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor ?? {};
  return typeof name === 'string' && name !== ''
    ? `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
    : show(value);
}
