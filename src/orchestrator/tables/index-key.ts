/**
 * Values as key elements of the index, so that the store orders them as values: false, true, numbers, texts.
 *
 * A long text is cut, so two texts with the same beginning can have the same key: a reader of a range compares the values again.
 */
import { plainOf } from '../../base/json/json-text.js';
import { numberIn } from '../../base/json/number-form.js';
import type { Key } from '../../store/store.js';

export type IndexedValue = string | number | boolean;

/** Within the store's limit for a key, whatever the characters are. */
const TEXT_CHARACTERS = 100;
/** The replacement for half a surrogate pair in text decoded from bytes. */
const REPLACED = '\ufffd';

/** The element for a value; nothing for what has no place in an index: lists, structures, what is not there. */
export function indexElement(value: unknown): string | undefined {
  switch (typeof value) {
    case 'boolean':
      return value ? 'b1' : 'b0';
    case 'number':
      return `n${orderedDigits(value)}`;
    case 'string':
      // Through bytes and back: half a surrogate pair is not text, and no key.
      return `s${Buffer.from(value.slice(0, TEXT_CHARACTERS)).toString()}`;
    default:
      return undefined;
  }
}

/** The value that an element stands for; nothing where it may be another: texts that were cut, or were not well-formed ones. */
export function exactValue(element: string): IndexedValue | undefined {
  const rest = element.slice(1);
  switch (element.charAt(0)) {
    case 'b':
      return rest === '1';
    case 'n':
      return numberOf(rest);
    default:
      return rest.length < TEXT_CHARACTERS && !rest.includes(REPLACED) ? rest : undefined;
  }
}

/** Above every element of the kind that begins with this letter. */
export function afterKind(kind: string): string {
  return String.fromCharCode(kind.charCodeAt(0) + 1);
}

/** The bits of a double as hexadecimal digits that order as the numbers do; `NaN` comes after all of them. */
function orderedDigits(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value === 0 ? 0 : value);
  const bits = bytes.readBigUInt64BE();
  const negative = bits >> 63n === 1n;
  const ordered = negative ? ~bits & 0xffff_ffff_ffff_ffffn : bits | (1n << 63n);
  return ordered.toString(16).padStart(16, '0');
}

function numberOf(digits: string): number {
  const ordered = BigInt(`0x${digits}`);
  const negative = ordered >> 63n === 0n;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(negative ? ~ordered & 0xffff_ffff_ffff_ffffn : ordered & 0x7fff_ffff_ffff_ffffn);
  return bytes.readDoubleBE();
}

/** Where the row of an iteration stands in the index of a field. */
export function indexKey(field: string, element: string, problemSeq: number, iterationId: number): Key {
  return [field, element, problemSeq, iterationId];
}

/** The value at a path of a decoded value; undefined if there is none. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let inner = plainOf(value);
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, step)) return undefined;
    inner = plainOf((inner as Record<string, unknown>)[step]);
  }
  return numberIn(inner);
}
