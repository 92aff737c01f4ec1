/**
 * JSON read so that it can be written again as it came: in the tree of plain values, a part that JavaScript would write otherwise is a
 * `JsonText`. Those are
 *
 * X1. numbers that JavaScript writes in another way: `1.0`, `-0`, `1E2`, `3.14159265358979323846`;
 * X2. objects with names that are whole numbers, which JavaScript would put in front of the others, in ascending order;
 * X3. objects that stand for a number which JSON has no form for (`number-form.ts`): `NaN`, the infinities.
 */
import { endOfText, isDigit } from './check-text.js';
import { itemsOf, JsonText, membersOf } from './json-text.js';
import { mayHoldNumberForm } from './number-form.js';

/** A number that JavaScript writes as it is here; others are read and written to find out. */
const PLAIN_NUMBER = /(?:0|-?[1-9]\d{0,14})(?![\d.eE])|-?(?:0|[1-9]\d{0,7})\.\d{0,5}[1-9](?![\d.eE])/y;
const NUMBER = /-?[\d.eE+-]+/y;
/** The prefix of values under `X2`; a string may look like it. */
const WHOLE_NUMBER_AS_NAME = /"\d+"\s*:/;

/** Throws `SyntaxError`. The last of several equal names counts. */
export function readExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const isOdd = hasOddNumber(text) || WHOLE_NUMBER_AS_NAME.test(text) || mayHoldNumberForm(text);
  return isOdd ? exactly(new JsonText(text, value)) : value;
}

/** The names and values of an object or a list, in the order of its text. */
export function entriesOf(value: object): [string, unknown][] {
  if (!(value instanceof JsonText)) return Object.entries(value);
  const members = membersOf(value);
  if (members) return Array.from(members, ([name, member]) => [name, exactly(member)]);
  return (itemsOf(value) ?? []).map((item, index) => [String(index), exactly(item)]);
}

/** The value at a path of a tree or of a text; undefined if there is none. */
export function partAt(value: unknown, path: readonly (string | number)[]): unknown {
  let part = value instanceof JsonText ? exactly(value) : value;
  for (const step of path) {
    const structure = unordered(part);
    if (typeof structure !== 'object' || structure === null || structure instanceof JsonText)
      return undefined;
    if (!Object.hasOwn(structure, step)) return undefined;
    part = (structure as Record<string, unknown>)[step];
  }
  return part;
}

/** A `JsonText` that exists only for the order of its names becomes an object; any other value stays as it is. */
export function unordered(value: unknown): unknown {
  return value instanceof JsonText && value.isStructure ? Object.fromEntries(entriesOf(value)) : value;
}

/** As `printJson` with line breaks and an indentation of two. */
export function printIndented(value: unknown, indent = ''): string {
  const isLeaf =
    typeof value !== 'object' || value === null || (value instanceof JsonText && !value.isStructure);
  if (isLeaf) return value instanceof JsonText ? value.text.trim() : JSON.stringify(value);
  const inner = `${indent}  `;
  const isList = Array.isArray(value) || (value instanceof JsonText && Array.isArray(value.value));
  const parts = entriesOf(value)
    .filter(([, part]) => part !== undefined)
    .map(([name, part]) => (isList ? '' : `${JSON.stringify(name)}: `) + printIndented(part, inner));
  const [open, close] = isList ? '[]' : '{}';
  return parts.length === 0
    ? `${open}${close}`
    : `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}

function exactly(json: JsonText): unknown {
  // X3.
  if (mayHoldNumberForm(json.text) && typeof json.value === 'number') return json;
  const members = membersOf(json);
  if (members) {
    const names = [...members.keys()];
    const tree: Record<string, unknown> = {};
    for (const [name, member] of members) {
      const own = { value: exactly(member), enumerable: true, configurable: true, writable: true };
      Object.defineProperty(tree, name, own);
    }
    return Object.keys(tree).every((name, index) => name === names[index]) ? tree : json;
  }
  const items = itemsOf(json);
  if (items) return items.map(exactly);
  return typeof json.value === 'number' && JSON.stringify(json.value) !== json.text.trim()
    ? json
    : json.value;
}

/** X1. Whether there is a number that would be written otherwise. */
function hasOddNumber(text: string): boolean {
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x2d || isDigit(code)) {
      PLAIN_NUMBER.lastIndex = at;
      if (PLAIN_NUMBER.test(text)) at = PLAIN_NUMBER.lastIndex;
      else {
        NUMBER.lastIndex = at;
        const [number = ''] = NUMBER.exec(text) ?? [];
        if (JSON.stringify(Number(number)) !== number) return true;
        at += number.length;
      }
    } else at = code === 0x22 ? endOfText(text, at) : at + 1;
  }
  return false;
}
