/** Secrets: values that only the commands see that name them. */

export interface Secret {
  readonly name: string;
  /** Encrypted (`orchestrator/access/vault.ts`), as base64. */
  readonly sealed: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const SECRET_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** In UTF-8. Linux takes at most 128 KiB for one variable. */
export const MAX_SECRET_BYTES: number = 64 * 1024;
/** Memory holds all of them. */
export const MAX_SECRETS = 10_000;
