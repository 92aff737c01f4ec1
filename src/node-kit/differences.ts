/** Where two results differ, field by field. */
import { jsonDifferences } from '../base/json/differences.js';
import { JsonText, printJson } from '../base/json/json-text.js';

/** `expected` or `actual` is absent where there is nothing. */
export interface ResultDifference {
  /** `outputs[0].carbon_footprint`. */
  readonly path: string;
  readonly expected?: unknown;
  readonly actual?: unknown;
}

export function differencesOf(expected: object, actual: object): readonly ResultDifference[] {
  // Through JSON, as both are shown: an absent field and an undefined one are the same.
  const [before, after] = [expected, actual].map((value) => new JsonText(printJson(value)));
  return jsonDifferences(before, after).map(({ path, a, b }) => ({
    path: pathText(path),
    ...(a !== undefined && { expected: a }),
    ...(b !== undefined && { actual: b }),
  }));
}

export function differenceLine({ path, expected, actual }: ResultDifference): string {
  const show = (value: unknown) => (value === undefined ? '(nothing)' : printJson(value));
  return `  ${path}: ${show(expected)} → ${show(actual)}`;
}

function pathText(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}
