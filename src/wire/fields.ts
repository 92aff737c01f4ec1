/**
 * The checks of single fields while a message is decoded. A check that fails throws `InvalidField`, which ends that message only:
 * `envelope.ts` turns it into a fault. The limits are in `model/limits.ts`.
 */
import { MAX_NAME_CHARS } from '../model/limits.js';

/** The last millisecond that a `Date` can hold; a later one cannot be written as RFC 3339. */
export const MAX_TIME_MS = 8_640_000_000_000_000;

const QUOTED_CHARS = 64;

export class InvalidField extends Error {
  override readonly name = 'InvalidField';
}

/** Refuses a message: the field, the value that came, what would be right. */
export function invalid(field: string, value: unknown, expected: string): never {
  throw new InvalidField(`${field} is ${quote(value)}, expected ${expected}`);
}

/** The value as JSON, cut to a length that is fit for a message. */
function quote(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, QUOTED_CHARS)) : String(value);
  return typeof value === 'string' && value.length > QUOTED_CHARS
    ? `${text}… (${value.length} characters)`
    : text;
}

/** A name or an id: not empty, at most `MAX_NAME_CHARS`. */
export function name(field: string, value: string | null | undefined): string {
  if (!value) invalid(field, '', 'a non-empty string');
  if (value.length > MAX_NAME_CHARS) invalid(field, value, `at most ${MAX_NAME_CHARS} characters`);
  return value;
}

/** An id that a fault names; one that is too long to be an id is left out. */
export function named<K extends string>(
  key: K,
  value: string | null | undefined,
): { readonly [key in K]?: string } {
  return value && value.length <= MAX_NAME_CHARS ? ({ [key]: value } as { [key in K]: string }) : {};
}

/** Text from the orchestrator, which is trusted: of any length; absent is empty. */
export function text(value: string | null | undefined): string {
  return value ?? '';
}

/** An identifier of at most so many characters; absent is empty. */
export function short(
  field: string,
  value: string | null | undefined,
  maxChars: number = MAX_NAME_CHARS,
): string {
  if (value && value.length > maxChars) invalid(field, value, `at most ${maxChars} characters`);
  return value ?? '';
}

/** The end of a text that was cut. */
export const CUT_MARK = '… [cut]';
const CUT_MARK_BYTES = Buffer.byteLength(CUT_MARK);
/** An ASCII control character, as JSON writes it: `\u0001`. */
const LONGEST_ESCAPE_BYTES = 6;

/**
 * Free text of at most `maxBytes` as JSON in UTF-8, quotes apart; absent is empty. What is longer is cut between two characters and ends in
 * `CUT_MARK`.
 *
 * @example cut('x'.repeat(9000), 8192).length // 8190: 8,183 characters, and the mark, whose first one takes three bytes
 */
export function cut(value: string | null | undefined, maxBytes: number): string {
  if (!value) return '';
  if (value.length * LONGEST_ESCAPE_BYTES <= maxBytes) return value;
  let bytes = 0;
  let kept = 0;
  for (let at = 0; at < value.length; ) {
    const point = value.codePointAt(at)!;
    bytes += jsonBytesOf(point);
    if (bytes > maxBytes) return copyOf(value.slice(0, kept)) + CUT_MARK;
    at += point > 0xffff ? 2 : 1;
    if (bytes <= maxBytes - CUT_MARK_BYTES) kept = at;
  }
  return value;
}

/** A part of a text keeps the whole of it in memory; a copy does not. */
function copyOf(part: string): string {
  return Buffer.from(part).toString();
}

/** The bytes of a text as JSON in UTF-8, quotes apart. */
export function jsonBytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const point = text.codePointAt(at)!;
    bytes += jsonBytesOf(point);
    if (point > 0xffff) at += 1;
  }
  return bytes;
}

function jsonBytesOf(point: number): number {
  if (point < 0x20) {
    const isShort = point === 0x08 || point === 0x09 || point === 0x0a || point === 0x0c || point === 0x0d;
    return isShort ? 2 : LONGEST_ESCAPE_BYTES;
  }
  if (point < 0x80) return point === 0x22 || point === 0x5c ? 2 : 1;
  if (point < 0x800) return 2;
  if (point >= 0xd800 && point <= 0xdfff) return LONGEST_ESCAPE_BYTES;
  return point > 0xffff ? 4 : 3;
}

/** A list of at most so many entries; absent is empty. */
export function list<T>(field: string, values: readonly T[] | null | undefined, max: number): readonly T[] {
  const entries = values ?? [];
  if (entries.length > max) tooMany(field, entries.length, max);
  return entries;
}

/** Refuses a list or a map of more entries than it may have. */
export function tooMany(field: string, count: number, max: number): never {
  throw new InvalidField(`${field} has ${count} entries, expected at most ${max}`);
}

/** 64-bit integers arrive as numbers or, where protobufjs finds the `long` package, as these. */
interface LongBits {
  readonly low: number;
  readonly high: number;
}

/** An unsigned integer of at least `min`; absent is 0. Beyond 2^53-1 a number is no longer exact, so it is refused. */
export function uint(field: string, value: number | null | undefined, min = 0): number {
  let number = 0;
  if (typeof value === 'number') {
    number = value;
  } else if (value !== null && value !== undefined) {
    const bits = value as unknown as LongBits;
    number = (bits.high >>> 0) * 4_294_967_296 + (bits.low >>> 0);
  }
  if (!Number.isSafeInteger(number)) invalid(field, number, 'an integer of at most 2^53-1');
  if (number < min) invalid(field, number, `at least ${min}`);
  return number;
}

/** Unix milliseconds that a `Date` can hold. */
export function time(field: string, value: number | null | undefined): number {
  const at = uint(field, value);
  if (at > MAX_TIME_MS) invalid(field, at, `at most ${MAX_TIME_MS}`);
  return at;
}

/** A fraction from 0 to 1; absent is 0. */
export function fraction(field: string, value: number | null | undefined): number {
  const number = value ?? 0;
  if (!(number >= 0 && number <= 1)) invalid(field, number, '0 to 1');
  return number;
}

/** A finite amount of something, of at least 0; absent is 0. */
export function amount(field: string, value: number | null | undefined): number {
  const number = value ?? 0;
  if (!(number >= 0 && number < Number.POSITIVE_INFINITY)) invalid(field, number, 'a finite number from 0');
  return number;
}

/** A list of names, each checked. */
export function names(
  field: string,
  values: readonly string[] | null | undefined,
  max: number = Number.POSITIVE_INFINITY,
): readonly string[] {
  const all = list(field, values, max);
  for (let i = 0; i < all.length; i++) {
    const each = all[i];
    // The name of the field is made up only where it is needed.
    if (!each || each.length > MAX_NAME_CHARS) name(`${field}[${i}]`, each);
  }
  return all;
}
