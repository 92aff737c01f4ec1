/**
 * Secrets at rest: AES-256-GCM (NIST SP 800-38D) with a random nonce for each value, bound to the secret's name.
 *
 * There may be several keys: the first one seals, and each opens what it has sealed.
 *
 * The sealed form is base64 of 12 bytes of nonce, the ciphertext and 16 bytes of tag.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export const VAULT_KEY_BYTES = 32;

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealed {
  readonly name: string;
  readonly sealed: string;
}

export class Vault {
  readonly #key: Uint8Array;
  readonly #older: readonly Uint8Array[];

  /** Each of `VAULT_KEY_BYTES` bytes. */
  constructor(key: Uint8Array, ...older: readonly Uint8Array[]) {
    for (const { byteLength } of [key, ...older])
      if (byteLength !== VAULT_KEY_BYTES)
        throw new RangeError(`a key of ${byteLength} bytes: ${VAULT_KEY_BYTES} are needed`);
    this.#key = key;
    this.#older = older;
  }

  seal(name: string, value: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(name));
    const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64');
  }

  /** The value, or nothing where none of the keys has sealed it, it was sealed under another name, or has changed since. */
  open(given: Sealed): string | undefined {
    for (const key of [this.#key, ...this.#older]) {
      const value = openWith(key, given);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Sealed anew with the first key; nothing where that has sealed it already, or where none opens it. */
  renew(given: Sealed): string | undefined {
    if (openWith(this.#key, given) !== undefined) return undefined;
    const value = this.open(given);
    return value === undefined ? undefined : this.seal(given.name, value);
  }
}

function openWith(key: Uint8Array, { name, sealed }: Sealed): string | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.byteLength < NONCE_BYTES + TAG_BYTES) return undefined;
  const tagAt = bytes.byteLength - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(name));
  decipher.setAuthTag(bytes.subarray(tagAt));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, tagAt)), decipher.final()]).toString();
  } catch {
    return undefined;
  }
}
