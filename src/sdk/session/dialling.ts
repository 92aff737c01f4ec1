/**
 * When a node that knows several addresses tries the next one.
 *
 * D1. It stays with the orchestrator that has welcomed it, until the connection was lost for `dead_after`.
 * D2. An address that has not answered yet gets `ANSWER_WITHIN_MS`.
 */

/** Three hellos. */
export const ANSWER_WITHIN_MS = 2_000;

export class Dialling {
  readonly #hasOthers: boolean;
  #welcomedFor: number | undefined;
  #silentSince: number | undefined;

  constructor(hasOthers: boolean) {
    this.#hasOthers = hasOthers;
  }

  /** When the next address is to be tried, unless this one answers before. */
  get dueAt(): number {
    if (!this.#hasOthers || this.#silentSince === undefined) return Number.POSITIVE_INFINITY;
    return this.#silentSince + (this.#welcomedFor ?? ANSWER_WITHIN_MS);
  }

  /** D2. */
  dialled(now: number): void {
    this.#welcomedFor = undefined;
    this.#silentSince = now;
  }

  /** D1. */
  welcomed(deadAfterMs: number): void {
    this.#welcomedFor = deadAfterMs;
  }

  answered(): void {
    this.#silentSince = undefined;
  }

  /** The connection was lost, or is there again. One without an answer shows nothing before the first welcome. */
  line(isUp: boolean, now: number): void {
    if (!isUp) this.#silentSince ??= now;
    else if (this.#welcomedFor !== undefined) this.#silentSince = undefined;
  }
}
