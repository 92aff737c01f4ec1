/**
 * Whether ages can be trusted. Data that is removed because of its age is gone for good, and a wall clock may be wrong by years for an hour: before it is
 * set at a start of the machine, after a restore, by a mistake.
 *
 * A1. Where the wall clock stands more than a day past the newest event of the reign before, or leaps by more than a day during this
 *     one, ages are not trusted, and nothing is removed because of its age.
 * A2. They are trusted again once the clock stands where it was expected, after a day during which it has not leapt again, or when an operator
 *     says that the clock is right.
 * A3. A restart neither ends the wait nor begins it anew: it is in the store.
 * A4. A clock that is set back makes everything younger, so nothing goes too early.
 */
import type { Logger } from '../base/logger.js';
import type { Store } from '../store/store.js';
import { decodeRow, encodeRow } from './records.js';

/** A machine that was off over a night raises no question. */
export const LEAP_MS: number = 24 * 60 * 60 * 1000;
/** How long a clock that has leapt has to go on evenly to be believed. */
export const PROOF_MS: number = 24 * 60 * 60 * 1000;

const KEY = ['ages_held'];
const RIGHT = 'it is where it was expected';

interface HeldRow {
  /** Where the wall clock was expected when it leapt: Unix milliseconds. */
  readonly expected_at: number;
  readonly leapt_to: number;
}

export interface AgeGuardDeps {
  readonly store: Pick<Store, 'get' | 'commit'>;
  readonly epoch: number;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  /** Of the newest event of the reigns before: Unix milliseconds. */
  readonly newestEventAt: number | undefined;
  /** An operator's word. */
  readonly trustClock: boolean;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
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

  constructor(deps: AgeGuardDeps) {
    this.#deps = deps;
  }

  /** Finds out whether the clock has leapt while no orchestrator ran. To be awaited before other calls. */
  async start(): Promise<void> {
    const { store, newestEventAt, trustClock } = this.#deps;
    const stored = await store.get('meta', KEY);
    const row = stored && decodeRow<HeldRow>(stored);
    if (trustClock) {
      if (row) await this.#forget('an operator says that it is right');
      return;
    }
    const now = this.#now();
    if (row) this.#resume(row, now);
    else if (newestEventAt !== undefined) this.#expectation = { wallMs: newestEventAt, atMs: now.atMs };
    const isBelieved = await this.areBelieved();
    if (row && isBelieved && (await store.get('meta', KEY))) await this.#forget(RIGHT);
  }

  /** Goes on with the wait of the reign before, unless the clock has leapt again in between. */
  #resume({ expected_at, leapt_to }: HeldRow, now: Expectation): void {
    const { newestEventAt = 0 } = this.#deps;
    const wentOn = now.wallMs >= leapt_to && now.wallMs - newestEventAt <= LEAP_MS;
    const atMs = wentOn ? now.atMs - (now.wallMs - leapt_to) : now.atMs;
    this.#expectation = { wallMs: expected_at, atMs };
    if (wentOn) this.#held = { wallMs: leapt_to, atMs };
  }

  /** Whether old data may be removed because of its age. To be called now and then, since only this reads the clock. */
  async areBelieved(): Promise<boolean> {
    const now = this.#now();
    const held = this.#held;
    if (held) {
      if (!isAhead(now, this.#expectation!)) return this.#believe(now, RIGHT);
      if (isAhead(now, held)) this.#held = now;
      else if (now.atMs - held.atMs >= PROOF_MS) return this.#believe(now, 'it has gone on evenly for a day');
      return false;
    }
    if (this.#expectation && isAhead(now, this.#expectation)) {
      await this.#hold(now);
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

  async #hold(now: Expectation): Promise<void> {
    const { store, epoch, logger } = this.#deps;
    this.#held = now;
    const expected = expectedAt(this.#expectation!, now.atMs);
    logger.warn(
      { expected: new Date(expected).toISOString(), now: new Date(now.wallMs).toISOString() },
      'the wall clock has leapt by more than a day: nothing is removed for its age until it has gone on evenly for a day, or `tutti up --trust-clock`',
    );
    const row: HeldRow = { expected_at: Math.round(expected), leapt_to: now.wallMs };
    // Where there is no room for it, it is noticed again after a restart, unless events were recorded meanwhile.
    await store.commit(epoch, [{ op: 'put', table: 'meta', key: KEY, value: encodeRow(row) }]);
  }

  async #believe(now: Expectation, why: string): Promise<true> {
    this.#held = undefined;
    this.#expectation = now;
    await this.#forget(why);
    return true;
  }

  async #forget(why: string): Promise<void> {
    const { store, epoch, logger } = this.#deps;
    await store.commit(epoch, [{ op: 'delete', table: 'meta', key: KEY }]);
    logger.info(`the wall clock is trusted again: ${why}`);
  }
}

function expectedAt({ wallMs, atMs }: Expectation, nowMs: number): number {
  return wallMs + (nowMs - atMs);
}

function isAhead(now: Expectation, expected: Expectation): boolean {
  return now.wallMs - expectedAt(expected, now.atMs) > LEAP_MS;
}
