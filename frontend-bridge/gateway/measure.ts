/**
 * What a JSON text is, found out without making its value, which may take twenty times the memory: whether it is JSON at all (RFC 8259, as
 * `JSON.parse` reads it), how deep it is, and what its value would weigh.
 */

import { isDigit } from '../../src/base/json/check-text.js';

export interface Measure {
  /** Whether `JSON.parse` takes it. Where it does not, and where it is too deep, the other figures are of what comes before. */
  readonly isJson: boolean;
  /** Bytes that its value may take, a text of it included. */
  readonly weight: number;
  /** Lists and objects within each other; `maxDepth` + 1 where there are more. */
  readonly depth: number;
}

/** The memory of an empty list or object, and the most that a place in it takes. */
const CONTAINER_BYTES = 64;
const PLACE_BYTES = 48;

/** What may come next. */
const VALUE = 0;
const VALUE_OR_END = 1;
const NAME = 2;
const NAME_OR_END = 3;
const COLON = 4;
/** A comma or the end of what is open; at the top, nothing. */
const COMMA_OR_END = 5;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const ESCAPED = new Set(Buffer.from('"\\/bfnrt'));
const LITERALS = ['true', 'false', 'null'].map((literal) => Buffer.from(literal));

/** `text` is UTF-8. A mark of the byte order at its beginning is not a part of it. */
export function measure(text: Uint8Array, maxDepth: number): Measure {
  return new TextMeasure(text, maxDepth).run();
}

class TextMeasure {
  readonly #text: Uint8Array;
  readonly #maxDepth: number;
  /** Of each level that is open: whether it is an object. */
  readonly #isObject: Uint8Array;
  #depth = 0;
  #deepest = 0;
  #containers = 0;
  #commas = 0;
  #next = VALUE;

  constructor(text: Uint8Array, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#isObject = new Uint8Array(maxDepth + 1);
  }

  run(): Measure {
    const text = this.#text;
    let at = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
    while (at >= 0 && at < text.length && this.#deepest <= this.#maxDepth) at = this.#step(at);
    const isJson = at === text.length && this.#depth === 0 && this.#next === COMMA_OR_END;
    const places = this.#commas + this.#containers;
    const weight = text.length * 2 + this.#containers * CONTAINER_BYTES + places * PLACE_BYTES;
    return { isJson, weight, depth: this.#deepest };
  }

  /** Behind what begins here; -1 where that may not be here. */
  #step(at: number): number {
    const byte = this.#text[at]!;
    switch (byte) {
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
        return at + 1;
      case OPEN_LIST:
      case OPEN_OBJECT:
        return this.#open(byte === OPEN_OBJECT) ? at + 1 : -1;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        return this.#close(byte === CLOSE_OBJECT) ? at + 1 : -1;
      case COMMA:
        return this.#comma() ? at + 1 : -1;
      case 0x3a:
        return this.#turn(COLON, COLON, VALUE) ? at + 1 : -1;
      case QUOTE: {
        const isKnown = this.#turn(NAME, NAME_OR_END, COLON) || this.#turn(VALUE, VALUE_OR_END, COMMA_OR_END);
        return isKnown ? endOfString(this.#text, at) : -1;
      }
      default:
        return this.#turn(VALUE, VALUE_OR_END, COMMA_OR_END) ? endOfScalar(this.#text, at) : -1;
    }
  }

  #turn(one: number, other: number, next: number): boolean {
    if (this.#next !== one && this.#next !== other) return false;
    this.#next = next;
    return true;
  }

  #open(isObject: boolean): boolean {
    if (!this.#turn(VALUE, VALUE_OR_END, isObject ? NAME_OR_END : VALUE_OR_END)) return false;
    this.#isObject[this.#depth] = Number(isObject);
    this.#depth += 1;
    this.#containers += 1;
    if (this.#depth > this.#deepest) this.#deepest = this.#depth;
    return true;
  }

  #close(isObject: boolean): boolean {
    if (this.#depth === 0 || this.#isObject[this.#depth - 1] !== Number(isObject)) return false;
    this.#depth -= 1;
    return this.#turn(COMMA_OR_END, isObject ? NAME_OR_END : VALUE_OR_END, COMMA_OR_END);
  }

  #comma(): boolean {
    if (this.#depth === 0) return false;
    this.#commas += 1;
    return this.#turn(COMMA_OR_END, COMMA_OR_END, this.#isObject[this.#depth - 1] === 1 ? NAME : VALUE);
  }
}

/** Behind the quote that ends the string which begins at `start`; -1 where it is not a string of JSON. */
function endOfString(text: Uint8Array, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const byte = text[at]!;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return -1;
    if (byte !== BACKSLASH) continue;
    at += 1;
    if (text[at] === 0x75) {
      for (const end = at + 4; at < end; at += 1) if (!isHexDigit(text[at + 1]!)) return -1;
    } else if (!ESCAPED.has(text[at]!)) return -1;
  }
  return -1;
}

/** Behind the number, `true`, `false` or `null` that begins at `start`; -1 where it is none of them. */
function endOfScalar(text: Uint8Array, start: number): number {
  const first = text[start]!;
  if (first === MINUS || isDigit(first)) return endOfNumber(text, start);
  for (const literal of LITERALS) {
    if (literal[0] === first && literal.every((byte, index) => text[start + index] === byte))
      return start + literal.length;
  }
  return -1;
}

function endOfNumber(text: Uint8Array, start: number): number {
  let at = text[start] === MINUS ? start + 1 : start;
  at = text[at] === 0x30 ? at + 1 : endOfDigits(text, at);
  if (at >= 0 && text[at] === 0x2e) at = endOfDigits(text, at + 1);
  if (at >= 0 && (text[at] === 0x65 || text[at] === 0x45)) {
    at += 1;
    at = endOfDigits(text, text[at] === 0x2b || text[at] === MINUS ? at + 1 : at);
  }
  return at;
}

/** Behind one or more digits; -1 where there is none. */
function endOfDigits(text: Uint8Array, start: number): number {
  let at = start;
  while (at < text.length && isDigit(text[at]!)) at += 1;
  return at === start ? -1 : at;
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
