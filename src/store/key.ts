/**
 * Keys as bytes whose plain byte order is the port's key order, and the same order on tuples.
 *
 * 1. Each element ends itself, so the bytes of a key begin with those of every prefix of it.
 * 2. A number is one byte `0x10 + n` and its n big-endian bytes without leading zeros, so that a longer one is a larger one.
 * 3. A string is `0x30`, its UTF-8 bytes with `00` written as `00 ff`, and `00`. What follows that end is an element's first byte
 *    or nothing, both below `ff`: a string comes before whatever it begins.
 * 4. No element begins with `ff`, so a prefix's bytes and `ff` are above all keys that begin with it, and no key themselves.
 */
import { TuttiError } from '../base/errors.js';
import type { Key } from './store.js';

/** The most bytes that a key may take; well below what every database allows for an index entry. */
export const MAX_KEY_BYTES = 1024;

const NUMBER = 0x10;
const STRING = 0x30;
const BYTE = 0x100;

/**
 * The size of a key in bytes.
 * @throws `bad_key` where it is not a key: no elements, too long, a number that is not an integer from 0 to 2^53-1, half a surrogate pair.
 */
export function keySize(key: Key): number {
  const size = prefixSize(key);
  if (key.length === 0) throw badKey(key, 'it has no elements');
  if (size > MAX_KEY_BYTES) throw badKey(key, `it takes ${size} bytes, at most ${MAX_KEY_BYTES} are allowed`);
  return size;
}

/** As `keySize`, for the beginning of a key, which may be empty. */
function prefixSize(prefix: Key): number {
  let size = 0;
  for (const element of prefix) {
    size += 1 + (typeof element === 'number' ? numberSize(element, prefix) : stringSize(element, prefix) + 1);
  }
  return size;
}

function numberSize(value: number, key: Key): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw badKey(key, `${value} is not an integer from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  let size = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / BYTE)) size += 1;
  return size;
}

function stringSize(text: string, key: Key): number {
  let size = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit === 0) size += 2;
    else if (unit < 0x80) size += 1;
    else if (unit < 0x800) size += 2;
    else if (unit < 0xd800 || unit > 0xdfff) size += 3;
    else {
      const next = text.charCodeAt(i + 1);
      if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff))
        throw badKey(key, 'it holds half a surrogate pair');
      size += 4;
      i += 1;
    }
  }
  return size;
}

/** Write a key that `keySize` has passed; returns the position behind it. */
export function writeKey(key: Key, target: Uint8Array, at: number): number {
  let position = at;
  for (const element of key) {
    position =
      typeof element === 'number'
        ? writeNumber(element, target, position)
        : writeString(element, target, position);
  }
  return position;
}

function writeNumber(value: number, target: Uint8Array, at: number): number {
  let size = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / BYTE)) size += 1;
  target[at] = NUMBER + size;
  let rest = value;
  for (let i = size; i > 0; i -= 1) {
    target[at + i] = rest % BYTE;
    rest = Math.floor(rest / BYTE);
  }
  return at + 1 + size;
}

function writeString(text: string, target: Uint8Array, at: number): number {
  let position = at;
  target[position++] = STRING;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.codePointAt(i)!;
    if (code === 0) {
      target[position++] = 0;
      target[position++] = 0xff;
    } else if (code < 0x80) {
      target[position++] = code;
    } else if (code < 0x800) {
      target[position++] = 0xc0 | (code >> 6);
      target[position++] = 0x80 | (code & 0x3f);
    } else if (code < 0x10000) {
      target[position++] = 0xe0 | (code >> 12);
      target[position++] = 0x80 | ((code >> 6) & 0x3f);
      target[position++] = 0x80 | (code & 0x3f);
    } else {
      target[position++] = 0xf0 | (code >> 18);
      target[position++] = 0x80 | ((code >> 12) & 0x3f);
      target[position++] = 0x80 | ((code >> 6) & 0x3f);
      target[position++] = 0x80 | (code & 0x3f);
      i += 1;
    }
  }
  target[position++] = 0;
  return position;
}

/** The bytes of a key, or of the beginning of one, followed by `tail`. */
export function encodeKey(prefix: Key, tail: readonly number[] = []): Uint8Array {
  const size = prefixSize(prefix);
  if (size > MAX_KEY_BYTES)
    throw badKey(prefix, `it takes ${size} bytes, at most ${MAX_KEY_BYTES} are allowed`);
  const bytes = new Uint8Array(size + tail.length);
  writeKey(prefix, bytes, 0);
  bytes.set(tail, size);
  return bytes;
}

/** The key whose bytes stand from `start` to `end`, exclusive. */
export function readKey(source: Uint8Array, start: number, end: number): Key {
  const key: (string | number)[] = [];
  let position = start;
  while (position < end) {
    const first = source[position++]!;
    if (first === STRING) {
      const from = position;
      let escapes = 0;
      for (; source[position] !== 0 || (position + 1 < end && source[position + 1] === 0xff); position += 1) {
        if (source[position] === 0) {
          escapes += 1;
          position += 1;
        }
      }
      key.push(readString(source, from, position, escapes));
      position += 1;
    } else {
      let value = 0;
      for (let i = NUMBER; i < first; i += 1) value = value * BYTE + source[position++]!;
      key.push(value);
    }
  }
  return key;
}

function readString(source: Uint8Array, from: number, to: number, escapes: number): string {
  if (escapes === 0) return Buffer.from(source.buffer, source.byteOffset + from, to - from).toString('utf8');
  const bytes = Buffer.alloc(to - from - escapes);
  let position = from;
  for (let i = 0; i < bytes.length; i += 1) {
    bytes[i] = source[position]!;
    position += bytes[i] === 0 ? 2 : 1;
  }
  return bytes.toString('utf8');
}

/** Negative, 0 or positive, as `a` comes before, is, or comes after `b`. */
export function compareKeys(a: Key, b: Key): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const left = a[i]!;
    const right = b[i]!;
    if (left === right) continue;
    if (typeof left === 'number') return typeof right === 'number' ? left - right : -1;
    return typeof right === 'number' ? 1 : compareStrings(left, right);
  }
  return a.length - b.length;
}

/** By UTF-8 bytes, which is by code points: only there do surrogates, written in two units, come after U+E000 to U+FFFF. */
function compareStrings(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return left >= 0xd800 && right >= 0xd800 ? rank(left) - rank(right) : left - right;
  }
  return a.length - b.length;
}

const rank = (unit: number): number => (unit >= 0xe000 ? unit : unit + 0x10000);

/** Whether `key` begins with all elements of `prefix`. */
export function beginsWith(key: Key, prefix: Key): boolean {
  return prefix.length <= key.length && prefix.every((element, i) => element === key[i]);
}

function badKey(key: Key, reason: string): TuttiError {
  const shown = JSON.stringify(key);
  return new TuttiError(
    'bad_key',
    `${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown} is not a key: ${reason}`,
  );
}
