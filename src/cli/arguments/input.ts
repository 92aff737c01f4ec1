/** A value from the command line: JSON itself, the name of a file that holds it, or `-` for stdin. It is sent as the text that it is. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { decodeText } from '../../base/decode-text.js';
import { messageOf } from '../../base/errors.js';
import { isShallow, MAX_DEPTH } from '../../base/json/check-text.js';
import { JsonText } from '../../base/json/json-text.js';
import { CliError, EXIT } from '../exit.js';
import type { Io } from '../io.js';
import { noSuchFile } from './named-file.js';

/** Throws `malformed_json` or `no_such_file`, naming the option and where the text came from. */
export async function readJsonInput(option: string, source: string, io: Io): Promise<JsonText> {
  if (source === '-') return decode(option, 'stdin', await buffer(io.stdin));
  if (/^\s*[[{"]/.test(source)) return parse(option, 'the text given', source);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(source);
  } catch (cause) {
    const plain = plainJson(source);
    if (plain !== undefined) return plain;
    throw noSuchFile(option, cause, 'Give the name of a JSON file, - for stdin, or the JSON itself.');
  }
  return decode(option, source, bytes);
}

function decode(option: string, origin: string, bytes: Uint8Array): JsonText {
  try {
    return parse(option, origin, decodeText(bytes));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw malformed(option, origin, cause);
  }
}

function parse(option: string, origin: string, json: string): JsonText {
  try {
    if (!isShallow(json, MAX_DEPTH)) {
      throw new SyntaxError(`lists and objects are nested more than ${MAX_DEPTH} levels deep`);
    }
    return new JsonText(json, JSON.parse(json));
  } catch (cause) {
    throw malformed(option, origin, cause);
  }
}

function malformed(option: string, origin: string, cause: unknown): CliError {
  const message = `${option}: ${origin} cannot be read as JSON: ${messageOf(cause)}`;
  return new CliError(EXIT.badInput, 'malformed_json', message, { cause });
}

/** A number, `true`, `false` or `null`. */
function plainJson(source: string): JsonText | undefined {
  try {
    return new JsonText(source, JSON.parse(source));
  } catch {
    return undefined;
  }
}
