/** A value from the command line: JSON itself, the name of a file that holds it, or `-` for stdin. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { messageOf } from '../base/errors.js';
import { CliError, EXIT } from './exit.js';
import type { Io } from './io.js';

/** Throws `malformed_json` or `no_such_file`, naming the option and where the text came from. */
export async function readJsonInput(option: string, source: string, io: Io): Promise<unknown> {
  if (source === '-') return parse(option, 'stdin', await text(io.stdin));
  if (/^\s*[[{"]/.test(source)) return parse(option, 'the text given', source);
  try {
    return parse(option, source, await readFile(source, 'utf8'));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const plain = plainJson(source);
    if (plain !== undefined) return plain.value;
    throw new CliError(EXIT.badInput, 'no_such_file', `${option}: ${messageOf(cause)}`, {
      hint: 'Give the name of a JSON file, - for stdin, or the JSON itself.',
      cause,
    });
  }
}

function parse(option: string, origin: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new CliError(
      EXIT.badInput,
      'malformed_json',
      `${option}: ${origin} is no JSON: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** A number, `true`, `false` or `null`. */
function plainJson(source: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(source) };
  } catch {
    return undefined;
  }
}
