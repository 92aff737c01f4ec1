/**
 * The checks of single fields while a message is decoded. A check that fails throws `InvalidField`, which ends that message only:
 * `envelope.ts` turns it into a fault.
 */

/** Longer names are nobody's: they would only be stored and echoed. */
export const MAX_NAME_CHARS = 256;

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

/** Free text; absent is empty. */
export function text(value: string | null | undefined): string {
  return value ?? '';
}

/** Free text of at most `MAX_NAME_CHARS`; absent is empty. */
export function short(field: string, value: string | null | undefined): string {
  if (value && value.length > MAX_NAME_CHARS) invalid(field, value, `at most ${MAX_NAME_CHARS} characters`);
  return value ?? '';
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
export function names(field: string, values: readonly string[] | null | undefined): readonly string[] {
  const list = values ?? [];
  for (let i = 0; i < list.length; i++) name(`${field}[${i}]`, list[i]);
  return list;
}
