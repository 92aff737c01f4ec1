/** The checks of ranges and writes that every implementation does before it touches data. */
import { TuttiError } from '../base/errors.js';
import { encodeKey, keySize } from './key.js';
import type { Range, Write } from './store.js';

/** Byte bounds of a range: `low` inclusive, `high` exclusive and no key itself. */
export interface Bounds {
  readonly low: Uint8Array;
  readonly high: Uint8Array;
  readonly limit: number;
}

/** Below every first byte of a key; the empty prefix begins here. */
const BOTTOM = 0x01;
const TOP = 0xff;

/** The bounds of a range; `undefined` where nothing can be in it. */
export function boundsOf(range: Range): Bounds | undefined {
  const limit = range.limit ?? Number.POSITIVE_INFINITY;
  if (!(limit >= 0)) throw new TuttiError('bad_range', `limit ${limit} is not a number from 0`);
  let low = range.prefix.length === 0 ? Uint8Array.of(BOTTOM) : encodeKey(range.prefix);
  let high = encodeKey(range.prefix, [TOP]);
  if (range.after !== undefined) {
    if (range.reverse === true) high = least(high, encodeKey(range.after));
    // The lowest that any key after it, but not it itself, can be.
    else low = greatest(low, encodeKey(range.after, [0]));
  }
  return limit === 0 || Buffer.compare(low, high) >= 0 ? undefined : { low, high, limit };
}

const least = (a: Uint8Array, b: Uint8Array): Uint8Array => (Buffer.compare(a, b) <= 0 ? a : b);
const greatest = (a: Uint8Array, b: Uint8Array): Uint8Array => (Buffer.compare(a, b) >= 0 ? a : b);

/** @throws `bad_key` for the first write that has no valid key, so that a batch is refused before any of it is under way. */
export function checkWrites(writes: readonly Write[]): void {
  for (const write of writes) keySize(write.key);
}
