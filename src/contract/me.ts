/** The caller, as `/v1/me` shows it. */
import type { Role } from '../model/access.js';

export interface MeJson {
  /** `null`: by no grant. */
  readonly access_id: string | null;
  /** `null` where nobody needs a token. */
  readonly name: string | null;
  readonly role: Role;
  /** The one that the caller is bound to; `*`: none. */
  readonly project: string;
  readonly expires_at: string | null;
}
