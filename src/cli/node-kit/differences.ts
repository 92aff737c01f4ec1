/** Where two results differ, field by field. */
import microdiff from 'microdiff';

/** `expected` or `actual` is absent where there is nothing. */
export interface ResultDifference {
  /** `outputs[0].carbon_footprint`. */
  readonly path: string;
  readonly expected?: unknown;
  readonly actual?: unknown;
}

export function differencesOf(expected: object, actual: object): readonly ResultDifference[] {
  // Through JSON, as both are shown: an absent field and an undefined one are the same.
  const [before, after] = [expected, actual].map((value) => JSON.parse(JSON.stringify(value))) as [
    object,
    object,
  ];
  return microdiff(before, after).map((difference) => ({
    path: pathText(difference.path),
    ...('oldValue' in difference && { expected: difference.oldValue }),
    ...('value' in difference && { actual: difference.value }),
  }));
}

export function differenceLine({ path, expected, actual }: ResultDifference): string {
  const show = (value: unknown) => (value === undefined ? '(nothing)' : JSON.stringify(value));
  return `  ${path}: ${show(expected)} → ${show(actual)}`;
}

function pathText(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}
