/** The viewers that are here by a grant or a session: they are ended when it is revoked, and soon after it has expired. */
import type { Grant } from '../../../src/model/access.js';
import type { Coordinator } from '../../../src/orchestrator/port.js';

/** By what a viewer is here. */
export interface Hold {
  readonly grant?: Grant;
  /** When its session expires: Unix milliseconds. @default it was not made by one */
  readonly sessionUntil?: number;
}

interface Holder extends Hold {
  readonly end: () => void;
}

export interface HoldersDeps {
  readonly grants: Pick<Coordinator['grants'], 'isValid' | 'onChange'>;
  readonly sessions: Pick<Coordinator['sessions'], 'isValid'>;
}

export class Holders {
  readonly #deps: HoldersDeps;
  readonly #all = new Set<Holder>();
  #unsubscribe: (() => void) | undefined;

  constructor(deps: HoldersDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#unsubscribe = this.#deps.grants.onChange(() => this.check());
  }

  /** Idempotent. */
  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** `end` is called at most once. Returns what forgets it. */
  add({ grant, sessionUntil }: Hold, end: () => void): () => void {
    const holder = { ...(grant && { grant }), ...(sessionUntil !== undefined && { sessionUntil }), end };
    this.#all.add(holder);
    // It may have been revoked since its token was looked at.
    this.check();
    return () => this.#all.delete(holder);
  }

  /** To be called from time to time: nobody says when a grant or a session expires. */
  check(): void {
    for (const holder of this.#all) {
      if (this.#isValid(holder)) continue;
      this.#all.delete(holder);
      holder.end();
    }
  }

  #isValid({ grant, sessionUntil }: Hold): boolean {
    const { grants, sessions } = this.#deps;
    if (grant && !grants.isValid(grant)) return false;
    return sessionUntil === undefined || sessions.isValid({ expiresAt: sessionUntil });
  }
}
