/**
 * The cryptography of CurveZMQ: libsodium's `box` (X25519, XSalsa20 and Poly1305) and nothing of our own. A box is its
 * authenticator of 16 bytes followed by the ciphertext.
 *
 * A box that cannot be opened gives undefined; libsodium compares authenticators in constant time.
 */
import { randomBytes } from 'node:crypto';

export const KEY_BYTES = 32;
export const NONCE_BYTES = 24;
export const AUTHENTICATOR_BYTES = 16;

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

let sodium: typeof import('libsodium-wrappers')['default'];

/**
 * To be awaited once before the other functions are called. Who speaks in plain text does without the WebAssembly of libsodium, which
 * takes 8 GiB of address space.
 */
export async function loadBoxes(): Promise<void> {
  const { default: loaded } = await import('libsodium-wrappers');
  await loaded.ready;
  sodium = loaded;
}

/** The key pair of these 32 secret bytes, which are random unless a test needs to know them. */
export function keyPairOf(secretKey: Uint8Array = randomBytes(KEY_BYTES)): KeyPair {
  return { publicKey: sodium.crypto_scalarmult_base(secretKey), secretKey };
}

/** The key that both sides of a box share (`beforenm`). Nothing, if the public key is not one. */
export function sharedKey(publicKey: Uint8Array, secretKey: Uint8Array): Uint8Array | undefined {
  try {
    return sodium.crypto_box_beforenm(publicKey, secretKey);
  } catch {
    // A point of low order, which would make the shared key known to everybody.
    return undefined;
  }
}

export function seal(plain: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array {
  return sodium.crypto_secretbox_easy(plain, nonce, key);
}

export function unseal(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  if (box.length < AUTHENTICATOR_BYTES) return undefined;
  try {
    return sodium.crypto_secretbox_open_easy(box, nonce, key);
  } catch {
    return undefined;
  }
}

/** Whether they are equal, in a time that does not depend on how much of them is. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sodium.memcmp(a, b);
}
