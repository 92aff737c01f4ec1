/**
 * One reader as its askers see it: it is started, watched, and started again.
 *
 * L1. A reader that ends costs only the questions in it: each is asked once more of its successor, except for an export that has begun.
 * L2. A bounded number of questions is in the reader at a time, the others wait in their order, and beyond a bound they are refused.
 * L3. A reader that says nothing for `SILENT_TICKS`, or is not there after `START_TICKS`, is killed. Silence is counted in ticks of our own: when both were stopped, it is not
 *     the reader's fault.
 * L4. A cancelled question leaves the queue, or the reader is told.
 */
import type { Logger } from '../../../base/logger.js';
import type { Refusal } from '../../port.js';
import { refusal } from '../../refusal.js';
import type { FromReader, Question, Reply, ToReader } from './messages.js';

/** A reader that runs, or is about to. */
export interface Link {
  send(message: ToReader): void;
  /** Ends it at once. Idempotent; `onEnd` follows. */
  kill(): void;
}

export interface LinkEvents {
  readonly onMessage: (message: FromReader, body: Uint8Array) => void;
  /** Called once, with what it ended of. */
  readonly onEnd: (why: string) => void;
}

export type StartReader = (lane: LaneName, events: LinkEvents) => Link;

/** Short questions, and those that may look at very many rows: the second wait for each other, not the first for them. */
export type LaneName = 'short' | 'long';

export interface LaneOptions {
  readonly name: LaneName;
  readonly start: StartReader;
  readonly logger: Logger;
  /** Questions that are in the reader at a time. */
  readonly running: number;
  readonly waiting: number;
  /** Exports at a time; they last as long as their callers read. */
  readonly exports: number;
}

export interface LaneGauges {
  readonly up: boolean;
  readonly running: number;
  readonly waiting: number;
  readonly exports: number;
  /** Readers that have ended unasked. */
  readonly ended: number;
  readonly resident_bytes: number;
}

/** The answer to a question, and the rest of an export. */
export interface Replied {
  readonly reply: Reply;
  readonly body: Uint8Array;
}

interface Live {
  readonly link: Link;
  readonly sinceMs: number;
  /** Whether it takes questions. */
  isReady: boolean;
  silentTicks: number;
}

/** A question on its way. */
interface Asked {
  readonly id: number;
  readonly question: Question;
  readonly settle: (replied: Replied) => void;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
  tries: number;
  waitedTicks: number;
  /** Of an export that has begun: takes its pieces. */
  rest: ((replied: Replied) => void) | undefined;
}

const TICK_MS = 1_000;
const SILENT_TICKS = 10;
/** A start takes a third of a second of the processor, which a busy machine may not have. */
const START_TICKS = 60;
/** A question waits no longer for a reader that does not come up. */
const MOST_WAITED_TICKS = 30;
/** How often a question is asked. */
const TRIES = 2;
const FIRST_PAUSE_MS = 100;
const MOST_PAUSE_MS = 5_000;
/** One that has lived so long was well: the next pause is the first again. */
const WELL_MS = 10_000;
const RETRY_AFTER_S = 1;
const TOO_MANY_RETRY_AFTER_S = 5;

export class Lane {
  readonly #options: LaneOptions;
  #ids = 0;
  readonly #waiting: Asked[] = [];
  readonly #running = new Map<number, Asked>();
  readonly #exports = new Map<number, Asked>();
  #live: Live | undefined;
  #again: NodeJS.Timeout | undefined;
  #ticks: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #ended = 0;
  #residentBytes = 0;
  #isStopped = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Begins; a lane that nobody has asked yet needs no reader. Idempotent. */
  start(): void {
    if (this.#isStopped || this.#live || this.#again) return;
    this.#ticks ??= setInterval(() => this.#tick(), TICK_MS).unref();
    const live: Live = {
      link: this.#options.start(this.#options.name, {
        onMessage: (message, body) => {
          if (this.#live === live) this.#hear(message, body);
        },
        onEnd: (why) => {
          if (this.#live === live) this.#lost(why);
        },
      }),
      sinceMs: performance.now(),
      isReady: false,
      silentTicks: 0,
    };
    this.#live = live;
  }

  gauges(): LaneGauges {
    return {
      up: this.#live?.isReady ?? false,
      running: this.#running.size,
      waiting: this.#waiting.length,
      exports: this.#exports.size,
      ended: this.#ended,
      resident_bytes: this.#residentBytes,
    };
  }

  /** Why questions are not answered at the moment, if so. */
  get trouble(): string | undefined {
    const isStartedAgain = this.#ended > 0 && !this.#isStopped && this.#live?.isReady !== true;
    return isStartedAgain
      ? `the reader of ${this.#options.name} queries has ended and is started again`
      : undefined;
  }

  ask(question: Question, signal?: AbortSignal): Promise<Replied> {
    return new Promise((settle) => {
      this.#ids += 1;
      const id = this.#ids;
      const onAbort = (): void => this.#cancel(id);
      const asked: Asked = {
        ...{ id, question, settle, signal, onAbort },
        ...{ tries: 0, waitedTicks: 0, rest: undefined },
      };
      const refusal = this.#refusalOf(asked);
      if (refusal) return settle(refused(id, refusal));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(asked);
      this.start();
      this.#next();
    });
  }

  /** The next piece of an export, or its end. One at a time. */
  more(id: number): Promise<Replied> {
    return new Promise((resolve) => {
      const asked = this.#exports.get(id);
      if (!asked || !this.#live) return resolve(refused(id, READER_ENDED));
      asked.rest = (replied) => {
        asked.rest = undefined;
        resolve(replied);
      };
      this.#live.link.send({ kind: 'more', id });
    });
  }

  /** Nobody reads the rest of an export. Idempotent. */
  end(id: number): void {
    this.#cancel(id);
  }

  /** Refuses what is under way. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#again);
    clearInterval(this.#ticks);
    for (const asked of [...this.#waiting, ...this.#running.values(), ...this.#exports.values()])
      this.#settle(asked, refused(asked.id, STOPPING));
    const live = this.#live;
    this.#live = undefined;
    live?.link.kill();
  }

  #refusalOf({ question, signal }: Asked): Refusal | undefined {
    if (this.#isStopped) return STOPPING;
    if (signal?.aborted) return CANCELLED;
    const { running, waiting, exports } = this.#options;
    if (question.name === 'exportOf' && this.#exports.size >= exports)
      return tooMany(`${exports} exports are under way`);
    return this.#waiting.length >= waiting
      ? tooMany(`${running + waiting} searches are under way`)
      : undefined;
  }

  /** L2. Gives the reader what there is room for. */
  #next(): void {
    while (this.#live?.isReady && this.#running.size < this.#options.running) {
      const asked = this.#waiting.shift();
      if (!asked) return;
      asked.tries += 1;
      this.#running.set(asked.id, asked);
      this.#live.link.send({ kind: 'ask', id: asked.id, question: asked.question });
    }
  }

  #hear(message: FromReader, body: Uint8Array): void {
    const live = this.#live!;
    live.silentTicks = 0;
    if (message.kind === 'ready') live.isReady = true;
    else if (message.kind === 'pong') this.#residentBytes = message.residentBytes;
    else this.#replied({ reply: message, body });
    this.#next();
  }

  #replied(replied: Replied): void {
    const { id, kind } = replied.reply;
    const asked = this.#running.get(id);
    if (asked) {
      this.#running.delete(id);
      if (kind === 'export') {
        this.#exports.set(id, asked);
        asked.settle(replied);
      } else this.#settle(asked, replied);
      return;
    }
    const exported = this.#exports.get(id);
    if (!exported) return;
    if (kind === 'piece') exported.rest?.(replied);
    else this.#settle(exported, replied);
  }

  /** L1. */
  #lost(why: string): void {
    const { name, logger } = this.#options;
    const lived = performance.now() - this.#live!.sinceMs;
    this.#live = undefined;
    this.#ended += 1;
    this.#residentBytes = 0;
    const [again, over] = [[], []] as [Asked[], Asked[]];
    for (const asked of this.#running.values()) (asked.tries < TRIES ? again : over).push(asked);
    this.#running.clear();
    this.#waiting.unshift(...again);
    for (const asked of [...over, ...this.#exports.values()])
      this.#settle(asked, refused(asked.id, READER_ENDED));
    if (lived >= WELL_MS) this.#pauseMs = FIRST_PAUSE_MS;
    logger.warn({ lane: name, why, again_ms: this.#pauseMs }, 'a reader has ended and is started again');
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.start();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, MOST_PAUSE_MS);
  }

  /** L3. */
  #tick(): void {
    if (this.#live) {
      this.#live.silentTicks += 1;
      const most = this.#live.isReady ? SILENT_TICKS : START_TICKS;
      if (this.#live.silentTicks > most) this.#live.link.kill();
      else if (this.#live.isReady) this.#live.link.send({ kind: 'ping' });
    }
    if (this.#live?.isReady) return;
    for (const asked of [...this.#waiting]) {
      asked.waitedTicks += 1;
      if (asked.waitedTicks > MOST_WAITED_TICKS) this.#settle(asked, refused(asked.id, UNAVAILABLE));
    }
  }

  /** L4. */
  #cancel(id: number): void {
    const inReader = this.#running.get(id) ?? this.#exports.get(id);
    const asked = inReader ?? this.#waiting.find((one) => one.id === id);
    if (!asked) return;
    if (inReader) this.#live?.link.send({ kind: 'cancel', id });
    this.#settle(asked, refused(id, CANCELLED));
    this.#next();
  }

  /** The last that is heard of it. */
  #settle(asked: Asked, replied: Replied): void {
    asked.signal?.removeEventListener('abort', asked.onAbort);
    this.#running.delete(asked.id);
    const at = this.#waiting.indexOf(asked);
    if (at >= 0) this.#waiting.splice(at, 1);
    if (this.#exports.delete(asked.id)) asked.rest?.(replied);
    else asked.settle(replied);
  }
}

function refused(id: number, refusal: Refusal): Replied {
  return { reply: { kind: 'refused', id, refusal }, body: new Uint8Array() };
}

const CANCELLED: Refusal = refusal('unavailable', 'cancelled', 'the caller has disconnected');
const STOPPING: Refusal = refusal('unavailable', 'stopping', 'the orchestrator is stopping', {
  retryAfter: RETRY_AFTER_S,
});
const UNAVAILABLE: Refusal = refusal(
  'unavailable',
  'queries_unavailable',
  'the process that answers queries does not start',
  { hint: 'The log of the orchestrator says why; tasks continue.', retryAfter: 5 },
);
const READER_ENDED: Refusal = refusal(
  'unavailable',
  'reader_ended',
  'the process that worked on the query has ended',
  { hint: 'Try again; if it ends again, ask for less at once. Tasks continue.', retryAfter: RETRY_AFTER_S },
);

function tooMany(message: string): Refusal {
  return refusal('too_many', 'too_many_queries', message, {
    hint: 'Index the fields that are searched (index: in the graph file), so that each is quick.',
    retryAfter: TOO_MANY_RETRY_AFTER_S,
  });
}
