/**
 * JSON that is kept as the text that it came in: `1.0` stays `1.0`, `-0` keeps its sign, names keep their order.
 *
 * J1. A `JsonText` stands where its value would, anywhere in a tree of plain values, and `printJson` writes its text there.
 * J2. It is written on one line, so that a text with line breaks cannot break JSON lines.
 * J3. An object that stands for a number which JSON has no form for is that number (`number-form.ts`).
 */
import { endOfText } from './check-text.js';
import { mayHoldNumberForm, numberIn } from './number-form.js';

/** J2. Line breaks and tabs are never within a JSON string; what follows them there is indentation. */
const BREAKS = /[\r\n\t][ \r\n\t]*/g;

export class JsonText {
  readonly text: string;
  #read: { readonly value: unknown } | undefined;

  /** `text` is valid JSON. `value`: its value, where that is known already. */
  constructor(text: string, ...value: readonly [] | readonly [unknown]) {
    this.text = text;
    if (value.length === 1) this.#read = { value: numberIn(value[0]) };
  }

  /** Its value in JavaScript. */
  get value(): unknown {
    this.#read ??= { value: numberIn(JSON.parse(this.text)) };
    return this.#read.value;
  }

  /** Whether it is an object or a list. */
  get isStructure(): boolean {
    return /^\s*[[{]/.test(this.text) && !this.#isNumberForm;
  }

  toString(): string {
    return this.#isNumberForm ? String(this.value) : this.text;
  }

  /** J3. Long texts are not read for this. */
  get #isNumberForm(): boolean {
    return this.text.length < 64 && mayHoldNumberForm(this.text) && typeof this.value === 'number';
  }

  /** J1. Within `printJson` its mark, elsewhere its value. */
  toJSON(): unknown {
    if (!printing) return this.value;
    printing.push(this.text.replace(BREAKS, ''));
    return `${MARK}${printing.length - 1}`;
  }
}

/** It cannot be guessed, so no text in a value can be mistaken for it. */
const MARK = `tutti:${globalThis.crypto.getRandomValues(new BigUint64Array(2)).join('-')}:`;
const MARKS = new RegExp(`"${MARK}(\\d+)"`, 'g');
/** The texts of the tree that is printed right now: `JSON.stringify` calls `toJSON` in the middle of its work, and nothing else runs then. */
let printing: string[] | undefined;

/** `JSON.stringify`, in which each `JsonText` is written as it came. Throws what it throws. */
export function printJson(value: unknown): string {
  if (value instanceof JsonText) return value.text.replace(BREAKS, '');
  const outer = printing;
  const texts: string[] = [];
  printing = texts;
  try {
    const text = JSON.stringify(value);
    return texts.length === 0 ? text : text.replace(MARKS, (_, index: string) => texts[Number(index)]!);
  } finally {
    printing = outer;
  }
}

/** A plain value: the JavaScript value of a text, anything else unchanged. Only the value itself is examined, not its parts. */
export function plainOf(value: unknown): unknown {
  return value instanceof JsonText ? value.value : value;
}

/**
 * The members of the object that a text is, each as the text that it is; the last of several equal names counts, and no more than `max`
 * names are looked at. `undefined` where it is not an object. The text is valid JSON.
 */
export function membersOf(
  { text }: JsonText,
  onRepeated: (name: string) => void = () => {},
  max: number = Number.POSITIVE_INFINITY,
): Map<string, JsonText> | undefined {
  if (!/^[\s]*\{/.test(text)) return undefined;
  const members = new Map<string, JsonText>();
  let name: string | undefined;
  for (const [start, end] of partsOf(text)) {
    const part = text.slice(start, end);
    if (name === undefined) name = JSON.parse(part) as string;
    else {
      if (members.has(name)) onRepeated(name);
      members.set(name, new JsonText(part));
      if (members.size >= max) break;
      name = undefined;
    }
  }
  return members;
}

/** The items of the list that a text is, at most the first `max`. Nothing where it is not a list. */
export function itemsOf({ text }: JsonText, max: number = Number.POSITIVE_INFINITY): JsonText[] | undefined {
  if (!/^\s*\[/.test(text)) return undefined;
  const items: JsonText[] = [];
  for (const [start, end] of partsOf(text)) {
    if (items.length >= max) break;
    items.push(new JsonText(text.slice(start, end)));
  }
  return items;
}

/** Start and end of each name and value of an object, of each item of a list. */
function* partsOf(text: string): Generator<readonly [number, number]> {
  let depth = 0;
  let start = -1;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    const isOpening = code === 0x7b || code === 0x5b;
    const isClosing = code === 0x7d || code === 0x5d;
    const isSeparator = code === 0x2c || code === 0x3a;
    const isSpace = code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
    if (isClosing) depth -= 1;
    if (start >= 0 && ((depth === 1 && (isSeparator || isSpace)) || depth === 0)) {
      yield [start, at];
      start = -1;
    } else if (depth === 1 && start < 0 && !isSeparator && !isSpace && !isClosing) start = at;
    if (isOpening) depth += 1;
    at = code === 0x22 ? endOfText(text, at) : at + 1;
  }
}
