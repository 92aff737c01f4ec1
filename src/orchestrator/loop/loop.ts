/**
 * The one loop: what waits in the mailbox is decided as one batch, committed in one transaction, then performed. Strictly in turn.
 *
 * 1. Nobody is told anything before the commit that it follows from.
 * 2. A batch whose commit finds no room is kept and committed later; until then nothing is decided, nothing is performed, and the
 *    loop says that it is blocked.
 * 3. A full mailbox makes its producers wait.
 * 4. Reports that nobody waits for (an acceptance, a line of a log) are committed with what follows them, at most `UNHURRIED_MS` later.
 * 5. A batch ends where its events are enough for a commit; the steps that it did not take in come first in the next one.
 * 6. A failure in a batch fails that batch only: it is counted and logged, callers get `internal`, and the loop goes on. A step that needs a
 *    damaged value fails alone, with `store_damaged`.
 * 7. A proposal (`proposals.ts`) is a batch of its own, between two others. While a batch waits for room, those that only remove are taken:
 *    their record comes before that of the batch, and they free what it waits for. None is taken while it is unknown whether a batch is there.
 * 8. Once another epoch reigns, or the disk has failed, the loop stops for good.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TuttiError } from '../../base/errors.js';
import type { IdSource } from '../../base/ids.js';
import type { Logger } from '../../base/logger.js';
import type { CommitOutcome, Store } from '../../store/store.js';
import { consider, nextDueMs, type OnError, seal } from '../core/decide.js';
import { Journal } from '../core/journal.js';
import type { State } from '../core/state.js';
import type { Loaded, Settings, Step, Turn } from '../core/turn.js';
import { weigh } from '../core/weigh.js';
import type { Matter } from '../proposals/look.js';
import { isRemoval, type Proposal, type Proposals, type Weighed } from '../proposals/proposals.js';
import { refusal } from '../refusal.js';
import { NOTHING_LOADED } from './load.js';

/** Steps of one batch: bounds the latency of the next caller, and the size of a transaction. */
const BATCH_LIMIT = 2048;
/** Their total memory, for the same reasons; a batch has at least one step. */
const BATCH_BYTES = 32 * 1024 * 1024;
/** Mostly the output follows: one commit less for each execution, and a viewer does not see the difference. */
const UNHURRIED_MS = 10;
const COMMIT_AGAIN_MS = 250;
const COMMIT_AGAIN_MAX_MS = 5000;
/** The longest that a timer of the system can be. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const NOTHING_WRITTEN = { kind: 'committed' } as const;

export interface LoopClock {
  nowMs(): number;
  wallMs(): number;
}

export interface LoopDeps {
  readonly state: State;
  readonly settings: Settings;
  readonly store: Pick<Store, 'commit'>;
  readonly clock: LoopClock;
  readonly ids: IdSource;
  readonly logger: Logger;
  /** Steps that may wait; a frame counts as one. */
  readonly mailboxLimit: number;
  /** Bytes of memory that the waiting steps may take. */
  readonly mailboxBytes: number;
  /** Reads the stored data for the steps. */
  readonly load: (steps: readonly Step[]) => Promise<Loaded>;
  /** Reads the stored data for a proposal. */
  readonly look: (proposal: Proposal) => Promise<Matter>;
  /** Does what the journal says; the batch is durable. */
  readonly perform: (journal: Journal) => Promise<void>;
  /** A commit has found no room; it is tried again until there is some. Called once for each time that this begins. */
  readonly onFull: () => void;
  /** Commits are no longer possible: another epoch reigns (`fenced`), or the disk has failed (`store_failed`). The process must end. */
  readonly onLost: (error: TuttiError) => void;
}

/** What became of a batch, or why nothing more can be committed. */
type Settled = Exclude<CommitOutcome, { kind: 'fenced' }> | TuttiError;

interface Waiting {
  readonly step: Step;
  /** Its size in memory. */
  readonly bytes: number;
}

/** A proposal that waits for its answer. */
interface Proposed {
  readonly proposal: Proposal;
  readonly answer: (weighed: Weighed) => void;
  readonly fail: (thrown: unknown) => void;
}

export class Loop implements Proposals {
  readonly #deps: LoopDeps;
  readonly #mailbox: Waiting[] = [];
  readonly #proposed: Proposed[] = [];
  #bytes = 0;
  #wake: (() => void) | undefined;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopping = false;
  #isLost = false;
  #blocked: string | undefined;
  /** The batch that is not sealed yet, if it waits for more. */
  #open: { readonly journal: Journal; readonly sinceMs: number } | undefined;

  constructor(deps: LoopDeps) {
    this.#deps = deps;
  }

  /** Why nothing is decided at the moment, if so. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  get depth(): number {
    return this.#mailbox.length;
  }

  /** The memory of the waiting steps. */
  get bytes(): number {
    return this.#bytes;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Puts a step in the mailbox, with its size in memory. The promise, if there is one, settles when there is room again:
   * wait for it before the next.
   */
  post(step: Step, bytes = 0): Promise<void> | undefined {
    this.#mailbox.push({ step, bytes });
    this.#bytes += bytes;
    this.#wake?.();
    const { mailboxLimit, mailboxBytes } = this.#deps;
    if (this.#mailbox.length < mailboxLimit && this.#bytes < mailboxBytes) return undefined;
    if (!this.#room) {
      let resolve: () => void = () => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#room = { promise, resolve };
    }
    return this.#room.promise;
  }

  propose(proposal: Proposal): Promise<Weighed> {
    if (this.#stopping) return Promise.resolve({ kind: 'stopped' });
    return new Promise((answer, fail) => {
      this.#proposed.push({ proposal, answer, fail });
      this.#wake?.();
    });
  }

  /** Finishes the batch in hand. What still waits in the mailbox has not been answered and will be said again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#running;
    if (this.#open && !this.#isLost) await this.#finish(this.#open.journal);
    clearTimeout(this.#timer);
    for (const { answer } of this.#proposed.splice(0)) answer({ kind: 'stopped' });
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      if (this.#mailbox.length === 0 && !this.#mayWeigh) await this.#nextStep();
      if (this.#stopping) return;
      if (this.#mayWeigh) await this.#weigh(this.#proposed.shift()!);
      if (this.#stopping || this.#mailbox.length === 0) continue;
      const taken = this.#mailbox.splice(0, this.#batchSize());
      for (const { bytes } of taken) this.#bytes -= bytes;
      const { mailboxLimit, mailboxBytes } = this.#deps;
      if (this.#room && this.#mailbox.length < mailboxLimit / 2 && this.#bytes < mailboxBytes / 2) {
        this.#room.resolve();
        this.#room = undefined;
      }
      const rest = taken.slice(await this.#turn(taken.map(({ step }) => step)));
      for (const { bytes } of rest) this.#bytes += bytes;
      this.#mailbox.unshift(...rest);
    }
  }

  /** Memory and store are of the same moment between two batches only. */
  get #mayWeigh(): boolean {
    return this.#proposed.length > 0 && this.#open === undefined;
  }

  /** Decides a proposal in a batch of its own. `held`: the batch that it comes before. Returns whether anything is changed. */
  async #weigh({ proposal, answer, fail }: Proposed, held?: Journal): Promise<boolean> {
    try {
      const weighed = await this.#tryProposal(await this.#deps.look(proposal), held);
      answer(weighed);
      return weighed.kind === 'done' && (weighed.count > 0 || weighed.isMore);
    } catch (thrown) {
      fail(thrown);
      return false;
    }
  }

  async #tryProposal(matter: Matter, held: Journal | undefined): Promise<Weighed> {
    const { state, settings, ids, clock } = this.#deps;
    const wallMs = clock.wallMs();
    const journal = new Journal(held?.before ?? state.cursor, wallMs, state.undo);
    const turn: Turn = {
      state,
      journal,
      settings,
      ids,
      loaded: NOTHING_LOADED,
      nowMs: clock.nowMs(),
      wallMs,
    };
    const weighed = weigh(turn, matter, held);
    const outcome = journal.writes.length === 0 ? NOTHING_WRITTEN : await this.#settled(journal);
    if (outcome instanceof TuttiError) {
      this.#lose(outcome);
      return { kind: 'stopped' };
    }
    if (outcome.kind === 'unknown') return { kind: 'stopped' };
    if (held === undefined) this.#unblock();
    if (outcome.kind === 'full') {
      // R2 of `proposals.ts`.
      state.undo.back(0);
      return { kind: 'no room' };
    }
    state.undo.keep();
    await this.#perform(journal);
    return weighed;
  }

  /** How many of those that wait are decided together. */
  #batchSize(): number {
    let bytes = 0;
    let count = 0;
    for (; count < this.#mailbox.length && count < BATCH_LIMIT; count += 1) {
      bytes += this.#mailbox[count]!.bytes;
      if (bytes > BATCH_BYTES) break;
    }
    return Math.max(1, count);
  }

  /** Returns how many of the steps are decided. */
  async #turn(steps: readonly Step[]): Promise<number> {
    const { load } = this.#deps;
    const loaded = await this.#load(load, steps);
    if (!loaded) return steps.length;
    if (!(loaded instanceof TuttiError)) return this.#decide(steps, loaded);
    if (steps.length > 1) return this.#turn(steps.slice(0, 1));
    await this.#decide([], NOTHING_LOADED, { step: steps[0]!, error: loaded });
    return 1;
  }

  /** Returns how many of the steps are decided. `unfit`: one that cannot be, since a value that it needs is damaged. */
  async #decide(
    steps: readonly Step[],
    loaded: Loaded,
    unfit?: { readonly step: Step; readonly error: TuttiError },
  ): Promise<number> {
    const { state, settings, ids, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const wallMs = clock.wallMs();
    this.#open ??= { journal: new Journal(state.cursor, wallMs, state.undo), sinceMs: nowMs };
    const { journal, sinceMs } = this.#open;
    journal.wallMs = wallMs;
    const turn: Turn = { state, journal, settings, ids, loaded, nowMs, wallMs };
    if (unfit) this.#refuse(journal, unfit.step, unfit.error);
    const taken = consider(turn, steps, this.#onError);
    const mayWait = !journal.isUrgent && !journal.isEmpty && !journal.isFull;
    if (mayWait && nowMs - sinceMs < UNHURRIED_MS && !this.#stopping) this.#setTimer(sinceMs + UNHURRIED_MS);
    else await this.#finish(journal);
    return taken;
  }

  #refuse(journal: Journal, step: Step, error: TuttiError): void {
    this.#onError(error, step.kind);
    if (!('id' in step)) return;
    const { code, message, hint } = error;
    journal.answer(step.id, refusal('internal', code, message, hint === undefined ? {} : { hint }));
  }

  readonly #onError: OnError = (thrown, step) => {
    this.#deps.state.counters.add('internal_errors');
    this.#deps.logger.error({ err: thrown, step }, 'step failed');
  };

  async #finish(journal: Journal): Promise<void> {
    this.#open = undefined;
    seal(this.#deps.state, journal, this.#onError);
    if (journal.writes.length > 0 && !(await this.#commit(journal))) return;
    await this.#perform(journal);
  }

  async #perform(journal: Journal): Promise<void> {
    try {
      await this.#deps.perform(journal);
    } catch (thrown) {
      // Unsent messages are repeated by the protocol; one message that cannot be sent must not end the loop.
      this.#deps.state.counters.add('internal_errors');
      this.#deps.logger.error({ err: thrown }, 'effects of a committed batch failed');
    }
    this.#setTimer();
  }

  /** A store that cannot be read is waited for like one that cannot be written. A damaged value stays so: its error is returned. */
  async #load(load: LoopDeps['load'], steps: readonly Step[]): Promise<Loaded | TuttiError | undefined> {
    while (!this.#stopping) {
      try {
        const loaded = await load(steps);
        this.#unblock();
        return loaded;
      } catch (thrown) {
        if (thrown instanceof TuttiError && thrown.code === 'store_damaged') return thrown;
        this.#block(`it cannot be read: ${messageOf(thrown)}`);
        await pause(COMMIT_AGAIN_MS);
      }
    }
    return undefined;
  }

  /** Tries until it succeeds. Returns whether it did; it does not when another epoch reigns or the loop is to stop. */
  async #commit(journal: Journal): Promise<boolean> {
    for (let pauseMs = COMMIT_AGAIN_MS; ; ) {
      const outcome = await this.#settled(journal);
      if (outcome instanceof TuttiError) return this.#lose(outcome);
      if (outcome.kind === 'committed') {
        this.#unblock();
        return true;
      }
      this.#full(outcome.message);
      if (this.#stopping) return false;
      const isRoomMade = await this.#makeRoom(pauseMs, journal);
      if (this.#isLost) return false;
      pauseMs = isRoomMade ? COMMIT_AGAIN_MS : Math.min(pauseMs * 2, COMMIT_AGAIN_MAX_MS);
    }
  }

  /** Waits so long, and meanwhile takes the proposals that only remove. Returns whether any of them was carried out. */
  async #makeRoom(pauseMs: number, held: Journal): Promise<boolean> {
    let isOver = false;
    const over = pause(pauseMs).then(() => {
      isOver = true;
    });
    let isRoomMade = false;
    while (!isOver && !this.#isLost) {
      const at = this.#proposed.findIndex(({ proposal }) => isRemoval(proposal));
      if (at < 0) await Promise.race([over, this.#nextStep()]);
      else if (await this.#weigh(this.#proposed.splice(at, 1)[0]!, held)) isRoomMade = true;
    }
    return isRoomMade;
  }

  /** Tries until it is known whether a batch is there. It stays unknown only where the loop is to stop: nobody is told of it. */
  async #settled(journal: Journal): Promise<Settled> {
    for (;;) {
      const outcome = await this.#tryCommit(journal);
      if (outcome instanceof TuttiError || outcome.kind !== 'unknown') return outcome;
      this.#full(outcome.message);
      if (this.#stopping) return outcome;
      await pause(COMMIT_AGAIN_MS);
    }
  }

  /** Failures after which nothing can be written end the loop; after other failures, such as a full disk, the store may recover. */
  async #tryCommit(journal: Journal): Promise<Settled> {
    try {
      const outcome = await this.#deps.store.commit(this.#deps.settings.epoch, journal.writes);
      if (outcome.kind !== 'fenced') return outcome;
      return new TuttiError('fenced', `epoch ${outcome.epoch} reigns: another orchestrator has taken over`);
    } catch (thrown) {
      if (thrown instanceof TuttiError && thrown.code === 'store_failed') return thrown;
      return { kind: 'full', message: messageOf(thrown) };
    }
  }

  #lose(error: TuttiError): false {
    this.#stopping = true;
    this.#isLost = true;
    this.#deps.state.broker.disable();
    this.#deps.state.serviceBroker.disable();
    this.#deps.onLost(error);
    return false;
  }

  #full(reason: string): void {
    if (this.#blocked === undefined) {
      this.#deps.logger.error(`the store does not accept commits: ${reason}`);
      this.#deps.onFull();
    }
    this.#blocked = reason;
  }

  #block(reason: string): void {
    if (this.#blocked === undefined) this.#deps.logger.error(`the store does not work: ${reason}`);
    this.#blocked = reason;
  }

  #unblock(): void {
    if (this.#blocked !== undefined) this.#deps.logger.info('the store works again');
    this.#blocked = undefined;
  }

  #nextStep(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #setTimer(atMs: number = Number.POSITIVE_INFINITY): void {
    clearTimeout(this.#timer);
    // Pending lookups are done at once.
    if (this.#deps.state.lookUps.size > 0) {
      void this.post({ kind: 'wake' });
      return;
    }
    const due = Math.min(atMs, nextDueMs(this.#deps.state) ?? Number.POSITIVE_INFINITY);
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => void this.post({ kind: 'wake' }),
      // A longer one would end at once.
      Math.min(Math.max(1, due - this.#deps.clock.nowMs()), MAX_TIMER_MS),
    );
  }
}
