/** The file with the key that seals secrets at rest: the base64 of 32 random bytes, for its user's eyes only. */
import { randomBytes } from 'node:crypto';
import { TuttiError } from '../base/errors.js';
import { readWhole, writeWhole } from './whole-file.js';

const KEY_BYTES = 32;

/** The key in this file, which is made where there is none and `isOwn`: nobody named it. Throws `TuttiError` `bad_secrets_key`. */
export async function openSecretsKey(file: string, isOwn: boolean): Promise<Uint8Array> {
  const text = await readWhole(file);
  if (text === undefined && isOwn) {
    const key = randomBytes(KEY_BYTES);
    await writeWhole(file, `${key.toString('base64')}\n`);
    return key;
  }
  const key = Buffer.from(text?.trim() ?? '', 'base64');
  if (key.byteLength === KEY_BYTES && key.toString('base64') === text?.trim()) return key;
  const what = text === undefined ? 'is not there' : `does not hold the base64 of ${KEY_BYTES} bytes`;
  throw new TuttiError('bad_secrets_key', `the secrets key file  ${file} ${what}`, {
    hint: `Give the file with which the secrets were encrypted. A new one: head -c ${KEY_BYTES} /dev/urandom | base64 > FILE`,
  });
}
