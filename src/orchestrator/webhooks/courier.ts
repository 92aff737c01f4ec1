/**
 * Brings events to one webhook: those that it selects, in order, each until it is delivered.
 *
 * C1. It reads events from the store by its cursor, a bounded piece at a time, and keeps no queue: a receiver that is down for days costs no memory.
 * C2. An event is passed once it was delivered or is not selected. What was passed becomes durable with each attempt, and
 *     otherwise once it is `PASS_EVENTS` ahead: after a crash an event may be delivered again, and none is left out.
 * C3. Events that retention has removed before they were read are counted, never skipped in silence.
 * C4. A receiver that says when it may be tried again is not tried before, within `LONGEST_ASKED_MS`.
 * C5. With nothing to read, it waits for a commit that has an event for it; it never polls.
 */
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { maySee } from '../../model/access.js';
import type { Webhook, WebhookTarget } from '../../model/webhook.js';
import { typeOfEvent } from '../core/event-json.js';
import type { WebhookProgress } from '../core/turn.js';
import type { EventStream, StreamEvent } from '../port.js';
import { cloudEvent } from './cloud-event.js';
import { type Post, SEALED_ELSEWHERE } from './post.js';

/** The first pause after a failure; each further one is twice as long. */
const FIRST_PAUSE_MS = 1_000;
/** A receiver that is back is found within this time, and one that is down for days costs a request in this time. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** C4. A mistaken answer, such as a year, must not silence a webhook for good. */
const LONGEST_ASKED_MS = 60 * 60_000;
/** A restart looks at so many events again, at most. */
const PASS_EVENTS = 1_000;
/** C1. */
const READ_EVENTS = 256;
/** Work in progress usually ends within a few milliseconds. */
const STOP_MS = 1_000;

/** How long to wait after so many failures in a row, the last of which may have asked for a time. */
export function pauseMs(failures: number, askedMs = 0): number {
  const doubled = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20));
  return Math.max(doubled, Math.min(LONGEST_ASKED_MS, askedMs));
}

export interface CourierDeps {
  readonly storeId: string;
  readonly events: Pick<EventStream, 'cursor' | 'oldest' | 'read'>;
  readonly post: Post;
  /** The address and the secret; nothing where another key has sealed them. */
  readonly open: (webhook: Webhook) => WebhookTarget | undefined;
  /** Whether a filter holds for a problem. Throws where that cannot be found out now. */
  readonly fits: (filter: string, problemId: string) => Promise<boolean>;
  /** Settles when it is committed, or cannot be. */
  readonly note: (progress: WebhookProgress) => Promise<void>;
  /** Settles at once when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly counts: CourierCounts;
}

/** Since the start of the process. */
export interface CourierCounts {
  delivered: number;
  failed: number;
  missed: number;
}

export class Courier {
  readonly webhook: Webhook;
  readonly #deps: CourierDeps;
  readonly #abort = new AbortController();
  readonly #types: ReadonlySet<string> | undefined;
  /** Everything up to here is passed. */
  #at: number;
  /** As far as the store knows. */
  #noted: number;
  #failures: number;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(webhook: Webhook, deps: CourierDeps) {
    this.webhook = webhook;
    this.#deps = deps;
    this.#types = webhook.filter && new Set(webhook.filter);
    this.#at = webhook.cursor;
    this.#noted = webhook.cursor;
    this.#failures = webhook.failures;
  }

  get cursor(): number {
    return this.#at;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends a delivery that is under way, and waits for what is, though not for a commit that finds no room. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#wake?.();
    await Promise.race([this.#running, this.#deps.pause(STOP_MS, new AbortController().signal)]);
  }

  /** These were committed, with their types. Those that it has nothing to do with are passed without a read. */
  see(events: readonly { readonly seq: number; readonly type: string }[]): void {
    const [first, last] = [events[0], events.at(-1)];
    if (!this.#wake || !first || !last) return;
    const isNext = first.seq === this.#at + 1;
    if (isNext && !events.some(({ type }) => this.#selectsType(type))) this.#at = last.seq;
    if (this.#at < last.seq || this.#isFarAhead) this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#turn();
      } catch (thrown) {
        if (signal.aborted) return;
        await this.#failed(`not sent: ${messageOf(thrown)}`);
      }
    }
  }

  /** C2. */
  async #turn(): Promise<void> {
    const { events } = this.#deps;
    const found = await events.read(this.#at, READ_EVENTS);
    await this.#countMissed((found[0]?.seq ?? events.oldest()) - 1);
    for (const event of found) {
      if (this.#abort.signal.aborted) return;
      if (await this.#selects(event)) await this.#deliver(event);
      else this.#at = event.seq;
    }
    if (this.#isFarAhead) await this.#note({});
    if (found.length === 0) await this.#untilWoken();
  }

  /** C3. Events up to `end` can no longer be read. */
  async #countMissed(end: number): Promise<void> {
    const missed = end - this.#at;
    if (missed <= 0) return;
    const { logger, counts } = this.#deps;
    counts.missed += missed;
    this.#at = end;
    logger.warn(
      { webhook: this.webhook.name, missed },
      'events were removed before they were delivered to a webhook',
    );
    await this.#note({ missed });
  }

  #selectsType(type: string): boolean {
    return this.#types?.has(type) ?? true;
  }

  async #selects({ json, problemId, project }: StreamEvent): Promise<boolean> {
    if (!maySee(this.webhook.project, project)) return false;
    if (!this.#selectsType(typeOfEvent(json))) return false;
    const { problem } = this.webhook;
    if (problem === undefined) return true;
    return problemId !== undefined && (await this.#deps.fits(problem, problemId));
  }

  /** Until it is delivered, or the webhook is stopped. */
  async #deliver({ seq, json }: StreamEvent): Promise<void> {
    const { signal } = this.#abort;
    const { storeId, open, post, counts, logger } = this.#deps;
    const body = cloudEvent(storeId, json);
    while (!signal.aborted) {
      const target = open(this.webhook);
      const attempt = target ? await post(target, body, signal) : SEALED_ELSEWHERE;
      if (attempt.isDelivered) {
        counts.delivered += 1;
        this.#at = seq;
        await this.#note({ attempt });
        if (this.#failures > 0) logger.info({ webhook: this.webhook.name }, 'a webhook accepts events again');
        this.#failures = 0;
        return;
      }
      // It was stopped, which says nothing about the receiver.
      if (signal.aborted) return;
      await this.#failed(attempt.status, attempt.retryAfterMs);
    }
  }

  async #failed(status: string, askedMs?: number): Promise<void> {
    const { counts, logger, pause } = this.#deps;
    counts.failed += 1;
    this.#failures += 1;
    if (this.#failures === 1)
      logger.warn(
        { webhook: this.webhook.name, status },
        'a webhook does not accept events; it is tried again',
      );
    await this.#note({ attempt: { isDelivered: false, status } });
    await pause(pauseMs(this.#failures, askedMs), this.#abort.signal);
  }

  get #isFarAhead(): boolean {
    return this.#at - this.#noted >= PASS_EVENTS;
  }

  async #note(what: Pick<WebhookProgress, 'attempt' | 'missed'>): Promise<void> {
    const { name, id } = this.webhook;
    this.#noted = this.#at;
    await this.#deps.note({ name, id, cursor: this.#at, ...what });
  }

  /** C5. What was committed since the read is not waited for. */
  async #untilWoken(): Promise<void> {
    if (this.#abort.signal.aborted || this.#deps.events.cursor() > this.#at) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
