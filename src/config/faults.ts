/** Faults in what a person wrote: where, what is there, what would be right. */
import type { z } from 'zod';
import type { Fault } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';

/** `modules.ml_model.inputs[1]`; a key that is not a plain word is quoted. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!/^[\w-]+$/.test(String(part))) text += `[${JSON.stringify(String(part))}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

const SHOWN_CHARACTERS = 60;
/** Of one object: more unknown keys than these are not mistyped ones. */
const MAX_SUGGESTIONS = 20;

/** A value in a message, cut where it is long. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/**
 * The faults that a zod schema found in `raw`. The schema's own messages say what would be right (`give a list of names`); a custom issue
 * brings its whole message, and its code as `params.code`.
 */
export function issuesToFaults(error: z.ZodError, raw: unknown, prefix: readonly string[] = []): Fault[] {
  return error.issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    const value = valueAt(raw, issue.path);
    if (issue.code === 'unrecognized_keys') {
      const known = (issue as { keys: string[] }).keys;
      return known.map((key, index) => unknownKey(path, key, issue.message, index < MAX_SUGGESTIONS));
    }
    if (issue.code === 'custom') {
      const { code = 'wrong_type' } = (issue.params ?? {}) as { code?: string };
      return [{ path: formatPath(path), code, message: issue.message }];
    }
    if (value === undefined) {
      const message = `${formatPath(path)} is missing: ${issue.message}`;
      return [{ path: formatPath(path), code: 'missing_field', message }];
    }
    const code = CODES[issue.code] ?? 'wrong_type';
    return [{ path: formatPath(path), code, message: `${show(value)} is not right: ${issue.message}` }];
  });
}

const CODES: Readonly<Record<string, string>> = {
  too_small: 'out_of_range',
  too_big: 'out_of_range',
  invalid_format: 'bad_name',
};

/** `allowed`: the keys that there are, as the schema's message gives them. */
function unknownKey(path: readonly PropertyKey[], key: string, allowed: string, suggests: boolean): Fault {
  const near = suggests ? didYouMean(key, allowed.split(', ')) : '';
  const message = `${show(key)} is not known here${near}: there are ${allowed}`;
  return { path: formatPath([...path, key]), code: 'unknown_field', message };
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const part of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[part];
  return value;
}
