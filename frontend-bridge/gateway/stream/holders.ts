/** The viewers that are here by a grant: they are ended when it is revoked, and soon after it has expired. */
import type { Grant } from '../../../src/model/access.js';
import type { Grants } from '../../../src/orchestrator/port.js';

interface Holder {
  readonly grant: Grant;
  readonly end: () => void;
}

export class Holders {
  readonly #grants: Pick<Grants, 'isValid' | 'onChange'>;
  readonly #all = new Set<Holder>();
  #unsubscribe: (() => void) | undefined;

  constructor(grants: Pick<Grants, 'isValid' | 'onChange'>) {
    this.#grants = grants;
  }

  start(): void {
    this.#unsubscribe = this.#grants.onChange(() => this.check());
  }

  /** Idempotent. */
  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** `end` is called at most once. Returns what forgets it. */
  add(grant: Grant, end: () => void): () => void {
    const holder = { grant, end };
    this.#all.add(holder);
    // It may have been revoked since its token was looked at.
    this.check();
    return () => this.#all.delete(holder);
  }

  /** To be called from time to time: nobody says when a grant expires. */
  check(): void {
    for (const holder of this.#all) {
      if (this.#grants.isValid(holder.grant)) continue;
      this.#all.delete(holder);
      holder.end();
    }
  }
}
