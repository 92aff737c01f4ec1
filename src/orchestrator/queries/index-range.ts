/** Which stretch of a field's index can hold what a filter asks for. */

import type { Comparison } from '../../base/expression/expression.js';
import type { Key } from '../../store/store.js';
import { afterKind, indexElement } from '../tables/index-key.js';

/** Keys of `iteration_index` that begin with `field`; both ends are exclusive and need not exist. */
export interface IndexRange {
  readonly field: string;
  readonly low: Key;
  readonly high: Key | undefined;
}

/** Above every problem's `created_seq`. */
const BEYOND = Number.MAX_SAFE_INTEGER;

/** The whole index of a field. */
export function wholeIndex(field: string): IndexRange {
  return { field, low: [field], high: undefined };
}

/**
 * Narrowed to what can fit a condition on the field; the same range where the condition does not narrow it. It may hold a little more
 * than what fits, never less: long texts are cut in the index.
 */
export function narrowed(range: IndexRange, { operator, value }: Comparison): IndexRange {
  const element = indexElement(value);
  if (element === undefined) return range;
  const { field } = range;
  const kind = element.charAt(0);
  switch (operator) {
    case '=':
      return within(range, [field, element], [field, element, BEYOND]);
    case '<':
    case '<=':
      return within(range, [field, kind], [field, element, BEYOND]);
    case '>':
    case '>=':
      return within(range, [field, element], [field, afterKind(kind)]);
    case '!=':
    case '~':
    case 'has':
      return range;
    default:
      return operator satisfies never;
  }
}

export function isNarrowing({ operator, value }: Comparison): boolean {
  return value !== null && operator !== '!=' && operator !== '~' && operator !== 'has';
}

function within(range: IndexRange, low: Key, high: Key): IndexRange {
  return {
    field: range.field,
    low: before(range.low, low) ? low : range.low,
    high: range.high !== undefined && before(range.high, high) ? range.high : high,
  };
}

/** Both are of one field, and their second elements are texts. */
function before(a: Key, b: Key): boolean {
  const order = Buffer.compare(Buffer.from(String(a[1] ?? '')), Buffer.from(String(b[1] ?? '')));
  return order === 0 ? a.length < b.length : order < 0;
}

/** Whether a key lies before the range's upper end. */
export function belowHigh({ high }: IndexRange, key: Key): boolean {
  if (high === undefined) return true;
  const order = Buffer.compare(Buffer.from(String(key[1])), Buffer.from(String(high[1])));
  return order === 0 ? high.length > 2 : order < 0;
}

/** Whether a key lies behind the range's lower end. */
export function aboveLow({ low }: IndexRange, key: Key): boolean {
  return low.length < 2 || Buffer.compare(Buffer.from(String(key[1])), Buffer.from(String(low[1]))) >= 0;
}
