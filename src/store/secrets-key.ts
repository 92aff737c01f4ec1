/**
 * The file with the key that seals secrets at rest: the base64 of 32 random bytes, for its user's eyes only. Further lines are older keys, which
 * open what they have sealed.
 */
import { randomBytes } from 'node:crypto';
import { TuttiError } from '../base/errors.js';
import { readWhole, writeWhole } from './whole-file.js';

const KEY_BYTES = 32;

/** The one that seals first. */
export type SecretsKeys = readonly [Uint8Array, ...Uint8Array[]];

/** The keys in this file, which is made where there is none and `isOwn`: nobody named it. Throws `TuttiError` `bad_secrets_key`. */
export async function openSecretsKeys(file: string, isOwn: boolean): Promise<SecretsKeys> {
  const text = await readWhole(file);
  if (text === undefined && isOwn) {
    const key = randomBytes(KEY_BYTES);
    await writeWhole(file, `${key.toString('base64')}\n`);
    return [key];
  }
  const lines = (text ?? '').trim().split(/\s*\n\s*/);
  const [first, ...older] = lines.map((line) => Buffer.from(line, 'base64'));
  const isKey = (key: Buffer, at: number): boolean =>
    key.byteLength === KEY_BYTES && key.toString('base64') === lines[at];
  if (first && [first, ...older].every(isKey)) return [first, ...older];
  const what =
    text === undefined ? 'is not there' : `does not hold the base64 of ${KEY_BYTES} bytes on each line`;
  throw new TuttiError('bad_secrets_key', `the secrets key file ${file} ${what}`, {
    hint: `Give the file with which the secrets were encrypted. A new one: head -c ${KEY_BYTES} /dev/urandom | base64 > FILE`,
  });
}
