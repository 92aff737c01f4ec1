/**
 * Secrets at rest: AES-256-GCM (NIST SP 800-38D) with a random nonce for each value, bound to the secret's name.
 *
 * The sealed form is base64 of 12 bytes of nonce, the ciphertext and 16 bytes of tag.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export const VAULT_KEY_BYTES = 32;

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class Vault {
  readonly #key: Uint8Array;

  /** `key`: `VAULT_KEY_BYTES` bytes. */
  constructor(key: Uint8Array) {
    if (key.byteLength !== VAULT_KEY_BYTES)
      throw new RangeError(`a key of ${key.byteLength} bytes: ${VAULT_KEY_BYTES} are needed`);
    this.#key = key;
  }

  seal(name: string, value: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(name));
    const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64');
  }

  /** The value, or nothing where it was sealed with another key, under another name, or has changed since. */
  open({ name, sealed }: { readonly name: string; readonly sealed: string }): string | undefined {
    const bytes = Buffer.from(sealed, 'base64');
    if (bytes.byteLength < NONCE_BYTES + TAG_BYTES) return undefined;
    const tagAt = bytes.byteLength - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(name));
    decipher.setAuthTag(bytes.subarray(tagAt));
    try {
      return Buffer.concat([
        decipher.update(bytes.subarray(NONCE_BYTES, tagAt)),
        decipher.final(),
      ]).toString();
    } catch {
      return undefined;
    }
  }
}
