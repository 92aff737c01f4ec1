/** Files that are named on the command line: what they hold, and how it is said that one is not there or is at fault. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { decodeText } from '../../base/decode-text.js';
import { type Fault, messageOf } from '../../base/errors.js';
import { CliError, EXIT } from '../exit.js';

/** `-` is `stdin`, where that is given. Throws `no_such_file`, naming the argument. */
export async function readNamedFile(argument: string, file: string, stdin?: Readable): Promise<string> {
  try {
    return decodeText(stdin && file === '-' ? await buffer(stdin) : await readFile(file));
  } catch (cause) {
    throw noSuchFile(argument, cause);
  }
}

export function noSuchFile(argument: string, cause: unknown, hint?: string): CliError {
  const more = { cause, ...(hint !== undefined && { hint }) };
  return new CliError(EXIT.badInput, 'no_such_file', `${argument}: ${messageOf(cause)}`, more);
}

/** `code` says of what kind the file is: `bad_graph`. */
export function fileAtFault(code: string, file: string, details: readonly Fault[]): CliError {
  const count = `${details.length} ${details.length === 1 ? 'fault' : 'faults'}`;
  return new CliError(EXIT.badInput, code, `${file} has ${count}`, { details });
}
