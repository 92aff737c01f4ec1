/** What differs between two values, leaf by leaf. */
import microdiff from 'microdiff';

export interface Difference {
  /** A JSON pointer. */
  readonly path: string;
  /** `null` where it is absent. */
  readonly a: unknown;
  readonly b: unknown;
}

export function differences(a: unknown, b: unknown): Difference[] {
  return microdiff({ value: a }, { value: b }).map((change) => ({
    path: change.path
      .slice(1)
      .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
      .join(''),
    a: (change.type === 'CREATE' ? undefined : change.oldValue) ?? null,
    b: (change.type === 'REMOVE' ? undefined : change.value) ?? null,
  }));
}
