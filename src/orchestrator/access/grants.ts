/**
 * Whose a token is: grants, found by the hash of their token.
 *
 * G1. Nobody is told the token of a grant before it is on the disk. A revocation counts at the latest when it is answered.
 * G2. An expired grant counts as one that is not there.
 */
import { sha256Of } from '../../base/sha256.js';
import { GRANT_TOKEN_PREFIX, type Grant } from '../../model/access.js';

export interface GrantBookDeps {
  readonly state: { readonly grants: ReadonlyMap<string, Grant> };
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

export class GrantBook {
  readonly #deps: GrantBookDeps;
  readonly #listeners = new Set<() => void>();
  #byHash: ReadonlyMap<string, Grant> = new Map();
  #ids: ReadonlySet<string> = new Set();

  constructor(deps: GrantBookDeps) {
    this.#deps = deps;
    this.refresh();
  }

  get size(): number {
    return this.#byHash.size;
  }

  /** Nothing where the token is nobody's, or its grant has expired. */
  holderOf(token: string): Grant | undefined {
    return token.startsWith(GRANT_TOKEN_PREFIX) ? this.withHash(sha256Of(token)) : undefined;
  }

  /** The grant whose token has this hash. Nothing where there is none, or it has expired. */
  withHash(hash: string): Grant | undefined {
    const grant = this.#byHash.get(hash);
    return grant && this.#hasTime(grant) ? grant : undefined;
  }

  /** Whether the grant is there and has not expired. */
  isValid(grant: Grant): boolean {
    return this.#ids.has(grant.id) && this.#hasTime(grant);
  }

  /** Called when grants have been added or revoked. Returns the unsubscribe. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** G1. Grants were given or revoked, durably. */
  refresh(): void {
    const grants = [...this.#deps.state.grants.values()];
    this.#byHash = new Map(grants.map((grant) => [grant.hash, grant]));
    this.#ids = new Set(grants.map(({ id }) => id));
    for (const listener of this.#listeners) listener();
  }

  /** G2. */
  #hasTime({ expiresAt }: Grant): boolean {
    return expiresAt === undefined || this.#deps.wallMs() < expiresAt;
  }
}
