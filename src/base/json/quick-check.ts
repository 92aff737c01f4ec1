/** A proof, at a fraction of the cost of `checkJsonText`, that a text has no fault: most texts have it, and the others are looked at. */
import { MAX_DEPTH } from './check-text.js';

/** Every number that a float might not keep has 16 digits before its point, an exponent, or 300 digits. Strings may look like it. */
const LONG_NUMBER = /(?:^|[:,[\s])-?(?:\d{16}|\d[\d.]*[eE]|\d[\d.]{300})/;
const SPACE_BEFORE_COLON = /"\s+:/;
const NAMES = /"\s*:/g;

/** `true`: `checkJsonText(text)` is empty. `value` is the value of the text. */
export function isPlainlySound(text: string, value: unknown): boolean {
  // Strings may contain text that looks like a name, so this is an upper bound: if the value has as many names, none was duplicated.
  return !LONG_NUMBER.test(text) && namesIn(value, 0) === mostNames(text);
}

/** `NaN` where lists and objects are nested too deeply. */
function namesIn(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth >= MAX_DEPTH) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value)
      if (typeof item === 'object' && item !== null) count += namesIn(item, depth + 1);
    return count;
  }
  for (const inner of Object.values(value)) {
    count += 1;
    if (typeof inner === 'object' && inner !== null) count += namesIn(inner, depth + 1);
  }
  return count;
}

function mostNames(text: string): number {
  if (SPACE_BEFORE_COLON.test(text)) return text.match(NAMES)?.length ?? 0;
  let count = 0;
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) count += 1;
  return count;
}
