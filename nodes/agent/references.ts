/**
 * References to inputs in the words of a command: `${request.n}`, also within a word.
 *
 * R1. Each substitution is made once: what takes the place of a reference is never searched for further ones.
 * R2. A reference is a name of an input (of a named output `train.report`), then names of fields and indexes of lists, with dots between them.
 * R3. Of several with `|` between them, the first one counts that there is; where there is none, the first one is said to be missing.
 * R4. The values of all references together are of a bounded length: no system starts a command with more.
 */
import type { RunInput } from 'tutti/sdk';

/** R4. A megabyte: what Linux takes of words and environment together is two. */
const MAX_CHARACTERS = 1024 * 1024;
/** R2. */
const REFERENCE = /\$\{([^{}]*)\}/g;

export type Resolved =
  | { readonly ok: true; readonly words: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** R1. The words with the values of their references. `inputs`: those that the command's module has, without previous ones. */
export function resolve(words: readonly string[], inputs: readonly RunInput[]): Resolved {
  const faults: string[] = [];
  let left = MAX_CHARACTERS;
  const resolved = words.map((word) =>
    word.replace(REFERENCE, (reference, paths: string) => {
      // R4. Nothing more is looked at.
      if (left < 0) return '';
      const { text, fault } = firstOf(paths.split('|'), inputs);
      if (fault !== undefined) faults.push(`${reference}: ${fault}`);
      left -= text.length;
      if (left < 0) faults.push(`the values have more than ${MAX_CHARACTERS} characters in total`);
      return left < 0 ? '' : text;
    }),
  );
  return faults.length === 0
    ? { ok: true, words: resolved }
    : { ok: false, message: [...new Set(faults)].join('; ') };
}

/** R3. */
function firstOf(paths: readonly string[], inputs: readonly RunInput[]): Found {
  const found = paths.map((path) => textOf(path, inputs));
  return found.find(({ fault }) => fault === undefined) ?? found[0]!;
}

interface Found {
  readonly text: string;
  readonly fault?: string;
}

function textOf(path: string, inputs: readonly RunInput[]): Found {
  const [first = '', ...rest] = path.split('.');
  const isNamed = inputs.some((each) => each.name === `${first}.${rest[0]}`);
  const name = isNamed ? `${first}.${rest[0]}` : first;
  const steps = isNamed ? rest.slice(1) : rest;
  const input = inputs.find((each) => each.name === name);
  if (!input) {
    const names = inputs.map((each) => each.name);
    const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
    return { text: '', fault: `the module has no input ${name === '' ? '""' : name} (${known})` };
  }
  if (input.json === undefined)
    return { text: '', fault: `${name} is of type ${input.type}, which cannot stand in a word` };
  const text = input.textAt(steps);
  if (text === undefined) return { text: '', fault: `there is no ${steps.join('.')} in ${name}` };
  // The system ends a word there.
  if (text.includes('\0'))
    return { text: '', fault: 'the value has a NUL character, which is not allowed in a word' };
  return { text };
}
