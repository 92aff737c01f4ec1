/**
 * Sessions: tokens that last for hours, with the rights of the token that they were made with.
 *
 * N1. Nothing of a session is stored. Its token says whose it is and until when, sealed with the key of the secrets: it lasts over a restart,
 *     however many there are they need no room, and nobody can make one from a backup, which is without that key.
 * N2. It names the hash of the token that it was made with, and is worth nothing once that token is.
 */
import type { Vault } from './vault.js';

export interface Session {
  /** SHA-256 of the token that it was made with, in hexadecimal. */
  readonly hash: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

export interface SessionsDeps {
  readonly vault: Pick<Vault, 'seal' | 'open'>;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

const PREFIX = 'tutti-session-';
/** The name under which a session is sealed; no secret can have it. */
const SEALED_UNDER = 'session of a token';

export class Sessions {
  readonly #deps: SessionsDeps;

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
  }

  /** N1. The token of the session. */
  seal(session: Session): string {
    const sealed = this.#deps.vault.seal(SEALED_UNDER, JSON.stringify(session));
    return PREFIX + Buffer.from(sealed, 'base64').toString('base64url');
  }

  /** N2. Nothing where the token was not made here, was changed, or has expired. */
  read(token: string): Session | undefined {
    if (!token.startsWith(PREFIX)) return undefined;
    const sealed = Buffer.from(token.slice(PREFIX.length), 'base64url').toString('base64');
    const text = this.#deps.vault.open({ name: SEALED_UNDER, sealed });
    if (text === undefined) return undefined;
    const session = JSON.parse(text) as Session;
    return this.isValid(session) ? session : undefined;
  }

  /** Whether there is time left of it. */
  isValid({ expiresAt }: Pick<Session, 'expiresAt'>): boolean {
    return this.#deps.wallMs() < expiresAt;
  }
}
