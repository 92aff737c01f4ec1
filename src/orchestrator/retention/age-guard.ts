/**
 * Whether ages can be trusted. Data that is removed because of its age is gone for good, and a wall clock may be wrong by years for an hour: before it is
 * set at a start of the machine, after a restore, by a mistake.
 *
 * A1. Where the wall clock stands more than a day past the newest event of the reign before, or leaps by more than a day during this
 *     one, ages are not trusted, and nothing is removed because of its age.
 * A2. They are trusted again once the clock stands where it was expected, after a day during which it has not leapt again, or when an operator
 *     says that the clock is right.
 * A3. A restart neither ends the wait nor begins it anew: it is in the store, where the loop puts it. Where that finds no room, it is proposed again at
 *     the next look at the clock.
 * A4. A clock that is set back makes everything younger, so nothing goes too early.
 */

import type { Logger } from '../../base/logger.js';
import type { Reader } from '../../store/store.js';
import type { Proposals } from '../proposals/proposals.js';
import { AGES_DOUBTED, type AgesRow } from '../tables/records.js';
import * as tables from '../tables/tables.js';

/** A machine that was off over a night raises no question. */
export const LEAP_MS: number = 24 * 60 * 60 * 1000;
/** How long a clock that has leapt has to go on evenly to be believed. */
export const PROOF_MS: number = 24 * 60 * 60 * 1000;

const RIGHT = 'it shows the expected time';

export interface AgeGuardDeps {
  readonly proposals: Proposals;
  /** The stored doubt of earlier reigns. */
  readonly stored: AgesRow | undefined;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  /** Of the newest event of the reigns before: Unix milliseconds. */
  readonly newestEventAt: number | undefined;
  /** An operator's word. */
  readonly trustClock: boolean;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Where the wall clock was expected at a moment of the monotonic one. */
interface Expectation {
  readonly wallMs: number;
  readonly atMs: number;
}

export class AgeGuard {
  readonly #deps: AgeGuardDeps;
  /** While the clock is believed, it is where it was found last; otherwise where it was before it leapt. */
  #expectation: Expectation | undefined;
  /** Since when it has gone on evenly after a leap, and where it was then. */
  #held: Expectation | undefined;
  /** The intended and the stored state. */
  #doubt: AgesRow | undefined;
  #stored: AgesRow | undefined;
  #isNoting = false;

  constructor(deps: AgeGuardDeps) {
    this.#deps = deps;
    this.#stored = deps.stored;
    this.#doubt = deps.stored;
  }

  /** Finds out whether the clock has leapt while no orchestrator ran. To be called before others. */
  start(): void {
    const { newestEventAt, trustClock } = this.#deps;
    if (trustClock) {
      if (this.#doubt) this.#trust('an operator has confirmed it');
      return;
    }
    const now = this.#now();
    if (this.#doubt) this.#resume(this.#doubt, now);
    else if (newestEventAt !== undefined) this.#expectation = { wallMs: newestEventAt, atMs: now.atMs };
    const isResumed = this.#held !== undefined;
    if (!this.areBelieved()) {
      if (isResumed) this.#warn(now);
    } else if (this.#doubt) this.#trust(RIGHT);
  }

  /** A3. Goes on with the wait of the reign before, unless the clock has leapt again in between. */
  #resume({ expected_at, leapt_to }: AgesRow, now: Expectation): void {
    const { newestEventAt = 0 } = this.#deps;
    const wentOn = now.wallMs >= leapt_to && now.wallMs - newestEventAt <= LEAP_MS;
    const atMs = wentOn ? now.atMs - (now.wallMs - leapt_to) : now.atMs;
    this.#expectation = { wallMs: expected_at, atMs };
    if (wentOn) this.#held = { wallMs: leapt_to, atMs };
  }

  /** Whether old data may be removed because of its age. To be called now and then, since only this reads the clock. */
  areBelieved(): boolean {
    this.#note();
    const now = this.#now();
    const held = this.#held;
    if (held) {
      if (!isAhead(now, this.#expectation!)) return this.#believe(now, RIGHT);
      if (isAhead(now, held)) this.#held = now;
      else if (now.atMs - held.atMs >= PROOF_MS) return this.#believe(now, 'it has run steadily for a day');
      return false;
    }
    if (this.#expectation && isAhead(now, this.#expectation)) {
      this.#hold(now);
      return false;
    }
    this.#expectation = now;
    return true;
  }

  /** As of when it was asked last. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  #now(): Expectation {
    return { wallMs: this.#deps.wallMs(), atMs: this.#deps.monotonicMs() };
  }

  /** A1. */
  #hold(now: Expectation): void {
    this.#held = now;
    const expected = this.#warn(now);
    this.#doubt = { expected_at: Math.round(expected), leapt_to: now.wallMs };
    this.#note();
  }

  /** Returns where the clock was expected. */
  #warn(now: Expectation): number {
    const expected = expectedAt(this.#expectation!, now.atMs);
    this.#deps.logger.warn(
      { expected: new Date(expected).toISOString(), now: new Date(now.wallMs).toISOString() },
      'the wall clock has jumped by more than a day: nothing is removed because of its age until it has run steadily for a day, or `tutti up --trust-clock`',
    );
    return expected;
  }

  /** A2. */
  #believe(now: Expectation, why: string): true {
    this.#held = undefined;
    this.#expectation = now;
    this.#trust(why);
    return true;
  }

  #trust(why: string): void {
    this.#doubt = undefined;
    this.#note();
    this.#deps.logger.info(`the wall clock is trusted again: ${why}`);
  }

  /** Has the store say what is the case. Nobody waits for it: it may be long before there is room. */
  #note(): void {
    if (this.#isNoting || this.#doubt === this.#stored) return;
    this.#isNoting = true;
    void this.#propose().finally(() => {
      this.#isNoting = false;
    });
  }

  async #propose(): Promise<void> {
    try {
      while (this.#stored !== this.#doubt) {
        const doubt = this.#doubt;
        const { kind } = await this.#deps.proposals.propose({ kind: 'doubt ages', doubt });
        if (kind !== 'done') return;
        this.#stored = doubt;
      }
    } catch (thrown) {
      this.#deps.logger.error({ err: thrown }, 'the doubt about the wall clock could not be recorded');
    }
  }
}

/** Whether the clock was in doubt when the reign before ended. */
export async function storedDoubt(store: Pick<Reader, 'get'>): Promise<AgesRow | undefined> {
  return tables.ages.get(store, AGES_DOUBTED);
}

function expectedAt({ wallMs, atMs }: Expectation, nowMs: number): number {
  return wallMs + (nowMs - atMs);
}

/** A4. */
function isAhead(now: Expectation, expected: Expectation): boolean {
  return now.wallMs - expectedAt(expected, now.atMs) > LEAP_MS;
}
