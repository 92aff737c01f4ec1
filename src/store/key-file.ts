/** The file in which versions before kept the orchestrator's key pairs and the keys of its nodes: it is read once, and removed. */
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, TuttiError } from '../base/errors.js';
import { syncPath } from './sync.js';
import { readWhole } from './whole-file.js';

/** Nothing if there is none. Throws `TuttiError` `keys_damaged`. */
export async function readKeyFile(file: string): Promise<unknown> {
  const text = await readWhole(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TuttiError('keys_damaged', `${file} cannot be read: ${messageOf(cause)}`, {
      hint: 'Put a copy of the file back, or remove it. Without it, every node must join again.',
      cause,
    });
  }
}

/** It is gone when this resolves. */
export async function removeKeyFile(file: string): Promise<void> {
  await rm(file, { force: true });
  await syncPath(dirname(file));
}
