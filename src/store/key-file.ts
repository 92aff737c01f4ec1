/** The file with the orchestrator's key pairs and the keys of its nodes: whole or not at all, and for its user's eyes only. */
import { messageOf, TuttiError } from '../base/errors.js';
import { readWhole, writeWhole } from './whole-file.js';

/** Nothing if there is none. Throws `TuttiError` `keys_damaged`. */
export async function readKeyFile(file: string): Promise<unknown> {
  const text = await readWhole(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TuttiError('keys_damaged', `${file} cannot be read: ${messageOf(cause)}`, {
      hint: 'Put a copy of the file back. Without it, every node has to join again.',
      cause,
    });
  }
}

export function writeKeyFile(file: string, record: unknown): Promise<void> {
  return writeWhole(file, `${JSON.stringify(record)}\n`);
}
