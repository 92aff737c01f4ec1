/** What a schema found wrong with a request, as the faults that people read: all at once, each with its place and its value. */
import type { Fault } from '../../src/base/errors.js';

interface Issue {
  readonly keyword: string;
  /** A JSON pointer, unescaped. */
  readonly instancePath: string;
  readonly message: string;
  readonly params?: { readonly keys?: readonly string[] };
}

export interface SchemaFailure {
  readonly validation: readonly Issue[];
  /** `params`, `querystring`, `headers` or `body`. */
  readonly validationContext: string;
}

export function isSchemaFailure(thrown: unknown): thrown is SchemaFailure {
  return typeof thrown === 'object' && thrown !== null && Array.isArray((thrown as SchemaFailure).validation);
}

/** The faults of one part of a request; `sources` has that part under its name. `hidesBody`: what a body holds is not quoted. */
export function faultsOf(
  failure: SchemaFailure,
  sources: Readonly<Record<string, unknown>>,
  hidesBody = false,
): Fault[] {
  const part = failure.validationContext;
  const isHidden = hidesBody && part === 'body';
  const source = sources[part];
  return failure.validation.flatMap((issue) => {
    const pointer = issue.instancePath === '/' ? '' : issue.instancePath;
    const place = (path: string): string => (part === 'body' ? path : path.slice(1));
    if (issue.keyword === 'unrecognized_keys') {
      return (issue.params?.keys ?? []).map((key) => ({
        path: place(`${pointer}/${key}`),
        code: 'unknown_field',
        message: `There is no field ${key} here`,
      }));
    }
    const value = valueAt(source, pointer);
    return [
      {
        path: place(pointer),
        code: codeOf(issue.keyword, value),
        message: describe(issue.message, value, isHidden),
      },
    ];
  });
}

function codeOf(keyword: string, value: unknown): string {
  if (value === undefined) return 'missing_field';
  if (keyword === 'invalid_type') return 'wrong_type';
  return keyword === 'too_small' || keyword === 'too_big' ? 'out_of_range' : 'invalid_value';
}

function describe(message: string, value: unknown, isHidden: boolean): string {
  if (value === undefined) return 'This field is missing';
  const shown =
    isHidden || typeof value === 'object' ? '' : ` (got ${JSON.stringify(String(value).slice(0, 80))})`;
  return `${message}${shown}`;
}

function valueAt(source: unknown, pointer: string): unknown {
  let value = source;
  for (const key of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
