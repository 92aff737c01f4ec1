/**
 * Whether a JSON text means the same to every reader, in any language: the one rule for every text that comes in
 * (inputs, overrides, recordings, outputs).
 *
 * T1. A whole number survives being read as a 64-bit float and written again: `9007199254740993` does not.
 * T2. No number is too large or too small for a 64-bit float: `1e400` and `1e-400` would become infinity and zero. A fraction may have
 *     more digits than a float keeps; the text keeps them.
 * T3. No object has one name twice.
 * T4. Lists and objects are nested at most `MAX_DEPTH` levels deep.
 *
 * A text that `JSON.parse` refuses is given any faults or none.
 */
import { brief, type Fault } from '../errors.js';
import { pointer } from './pointer.js';

/** A depth that every JSON reader accepts (Python's own ends near 1,000, protobuf's at 100). */
export const MAX_DEPTH = 100;
/** A person fixes a few at a time. */
const MAX_FAULTS = 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;

/** Nothing where the text is read alike everywhere; a fault's path is a JSON pointer. */
export function checkJsonText(text: string, maxDepth: number = MAX_DEPTH): Fault[] {
  return new TextCheck(text, maxDepth).run();
}

/** Whether lists and objects are nested at most so many levels deep. This check comes before parsing, at a fraction of its cost. */
export function isShallow(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at) - 1;
    else if (isOpening(code)) {
      depth += 1;
      if (depth > maxDepth) return false;
    } else if (isClosing(code)) depth -= 1;
  }
  return true;
}

/** A list or an object that is open at some place of the text. */
interface Level {
  /** Of an object, the names that it had so far; nothing for a list. */
  readonly names: Set<string> | undefined;
  /** The last name or index, as a step of a pointer. */
  step: string | number;
  expectsName: boolean;
}

class TextCheck {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #levels: Level[] = [];
  readonly #faults: Fault[] = [];

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  run(): Fault[] {
    const text = this.#text;
    for (let at = 0; at < text.length && this.#faults.length < MAX_FAULTS; ) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        const end = endOfText(text, at);
        if (this.#levels.at(-1)?.expectsName) this.#name(at, end);
        at = end;
      } else if (code === MINUS || isDigit(code)) {
        const end = endOfNumber(text, at);
        this.#number(text.slice(at, end));
        at = end;
      } else {
        at += 1;
        if (isOpening(code) && !this.#open(code === 0x7b)) return this.#faults;
        if (isClosing(code)) this.#levels.pop();
        if (code === COMMA) this.#next();
      }
    }
    return this.#faults;
  }

  /** T4. */
  #open(isObject: boolean): boolean {
    if (this.#levels.length >= this.#maxDepth) {
      this.#fault(
        'too_deep',
        `more than ${this.#maxDepth} levels of lists and objects: use a flatter form, or text`,
      );
      return false;
    }
    this.#levels.push({ names: isObject ? new Set() : undefined, step: 0, expectsName: isObject });
    return true;
  }

  #next(): void {
    const level = this.#levels.at(-1);
    if (level?.names) level.expectsName = true;
    else if (level) level.step = (level.step as number) + 1;
  }

  /** T3. */
  #name(start: number, end: number): void {
    const level = this.#levels.at(-1)!;
    const name = unquote(this.#text.slice(start, end));
    level.step = name;
    level.expectsName = false;
    if (level.names!.has(name)) this.#fault('duplicate_field', `${quote(name)} is given twice: give it once`);
    level.names!.add(name);
  }

  /** T2. */
  #number(text: string): void {
    const why = lossOf(text);
    if (why !== undefined) this.#fault('out_of_range', `${cut(text)} ${why}: give it as a string`);
  }

  #fault(code: string, message: string): void {
    // The last level is open already where a name is twice; of a number and a list it is the one that they are in.
    const path = pointer(...this.#levels.map(({ step }) => step));
    this.#faults.push(brief({ path, code, message }));
  }
}

/** T1. Why a number would be another one once it is read, in words that follow it; nothing where it stays the same. */
export function lossOf(text: string): string | undefined {
  // As many digits as a float always keeps.
  if (text.length <= 15 && !/e/i.test(text)) return undefined;
  const number = Number(text);
  if (Number.isNaN(number)) return undefined;
  if (!Number.isFinite(number)) return 'is too large for a 64-bit float';
  const given = decimalOf(text);
  if (number === 0) return given.digits === '' ? undefined : 'is too small for a 64-bit float';
  if (given.exponent < 0) return undefined;
  const kept = decimalOf(String(number));
  const isKept = kept.digits === given.digits && kept.exponent === given.exponent;
  return isKept ? undefined : 'has more digits than a 64-bit float keeps';
}

/** `digits` × 10 to the power of `exponent`, without zeros at either end. */
export function decimalOf(text: string): { readonly digits: string; readonly exponent: number } {
  const [, whole = '', fraction = '', power = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return { digits, exponent: 0 };
  return { digits, exponent: Number(power) - fraction.length + (all.length - digits.length) };
}

/** Behind the quote that ends the text in quotes which begins here. */
export function endOfText(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at + 1;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && isOfNumber(text.charCodeAt(end))) end += 1;
  return end;
}

function isOfNumber(code: number): boolean {
  return isDigit(code) || code === 0x2e || code === 0x2b || code === MINUS || code === 0x65 || code === 0x45;
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isOpening(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

function isClosing(code: number): boolean {
  return code === 0x7d || code === 0x5d;
}

function unquote(text: string): string {
  const inner = text.slice(1, -1);
  if (!inner.includes('\\')) return inner;
  try {
    return JSON.parse(text) as string;
  } catch {
    return inner;
  }
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function quote(text: string): string {
  return JSON.stringify(cut(text));
}
